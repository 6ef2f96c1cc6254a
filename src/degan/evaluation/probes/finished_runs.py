"""Read finished runs of ``degan train``, and compute their features."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degan.config import Settings, read_settings
from degan.config.run_layout import RECORD_FILE, SETTINGS_FILE, TRAINING
from degan.data.crops import crop_chunks
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.system.files import read_json
from degan.system.progress import silent
from degan.training.model import Model, load_model

CODE, UNROUNDED_CODE, RESIDUE, BOTH = "f(x)", "f(x), not rounded", "residue", "f(x) + residue"
"""Names of the features; a classifier on f(x) only, such as a plain CNN, has no residue."""

PROBABILITIES = "probabilities"
"""Name of the probabilities of the expressions, which are returned like f(x)."""

KINDS = (CODE, UNROUNDED_CODE, RESIDUE, BOTH)
"""All names of features before the last layer, in the order of the tables."""

_BATCH = 256


@dataclass(frozen=True)
class Run:
    """A run directory of ``degan train``.

    Attributes:
        folder: path of the run directory.
        settings: settings of the run.
        model: the trained model.
        subjects: training subjects, sorted: the order of the identity codes c.
        manifest_hash: SHA-256 of the manifest of the training data set.
    """

    folder: Path
    settings: Settings
    model: Model
    subjects: tuple[str, ...]
    manifest_hash: str


def read_run(folder: Path) -> Run:
    """Read a run directory of ``degan train``.

    Raises:
        DeganError: the folder is not a run of ``degan train``, is not finished, or is damaged.
    """
    record = folder / RECORD_FILE
    facts = read_json(record) if record.is_file() else {}
    if facts.get("kind", TRAINING) != TRAINING:
        raise DeganError(
            f"{folder} is a {facts['kind']}, not a single training; give one of its runs, such as "
            f"{folder / 'fold-01'}"
        )
    model = load_model(folder)  # raises an error if this is not a run
    subjects, manifest_hash = facts.get("subjects"), facts.get("manifest_sha256")
    if not isinstance(subjects, list) or not isinstance(manifest_hash, str):
        raise DeganError(f"{record} is missing or damaged; train the run again")
    settings = read_settings(folder / SETTINGS_FILE)
    return Run(folder, settings, model, tuple(map(str, subjects)), manifest_hash)


@torch.no_grad()
def read_features(model: Model, images: Tensor) -> dict[str, NDArray[np.float32]]:
    """Return the features of images before the last linear layer of a model.

    Args:
        model: model of a run.
        images: standardised images, float (N, C, H, H), H the input size of the encoder.

    Returns:
        Name of the features -> float (N, D). Always :data:`CODE`; :data:`UNROUNDED_CODE`, the code
        before rounding, if f(x) is rounded; :data:`RESIDUE` and :data:`BOTH` if the model has local
        CNNs on the residue.
    """
    encoder, classifier = model.recognition.encoder, model.recognition.classifier
    codes, fine, residues = [], [], []
    for batch in images.split(_BATCH):
        encoded = encoder(batch)
        codes.append(encoded.code)
        fine.append(encoded.fine)
        read = classifier.residue(encoded)
        if read:
            residues.append(torch.cat(read, dim=1))
    features = {CODE: torch.cat(codes)}
    if encoder.rounded:
        features[UNROUNDED_CODE] = torch.cat(fine)
    if residues:
        features[RESIDUE] = torch.cat(residues)
        features[BOTH] = torch.cat([features[CODE], features[RESIDUE]], dim=1)
    return {name: value.numpy() for name, value in features.items()}


@torch.no_grad()
def read_probabilities(model: Model, images: Tensor) -> NDArray[np.float32]:
    """Return the probabilities of images, float (N, num_expressions), see :func:`read_features`."""
    parts = [model.recognition.read(batch) for batch in images.split(_BATCH)]
    return torch.cat(parts).numpy()


def sample_features(
    model: Model, dataset: Dataset, indices: Sequence[int]
) -> dict[str, NDArray[np.float32]]:
    """Return the features and :data:`PROBABILITIES` of samples; few images are in memory.

    Args:
        model: model of a run.
        dataset: data set whose crops fit the model.
        indices: indices of N of its samples, N > 0.

    Raises:
        DeganError: a crop cannot be read.
    """
    standardize = model.recognition.standardize
    parts = []
    for crops in crop_chunks(dataset, indices, silent):
        images = standardize(torch.from_numpy(crops))
        parts.append(
            {**read_features(model, images), PROBABILITIES: read_probabilities(model, images)}
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def check_frames(runs: Sequence[Run], datasets: Sequence[Dataset]) -> None:
    """Check that data sets have the crop frame of all runs.

    Raises:
        DeganError: the crop frame of a data set differs from that of a run.
    """
    for run in runs:
        for dataset in datasets:
            if dataset.frame != run.model.frame:
                raise DeganError(
                    f"{dataset.folder} was cut in frame {dataset.frame}, but {run.folder} was "
                    f"trained on {run.model.frame}; prepare the data set with the version of degan "
                    "that trained the run"
                )

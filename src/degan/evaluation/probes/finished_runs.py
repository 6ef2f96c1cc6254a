"""Finished runs of ``degan train``, as they are measured: whom they saw, their features."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degan.config import Settings, read_settings
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.system.files import read_json
from degan.training.model import Model, load_model

CODE, FINE, RESIDUE, BOTH = "f(x)", "f(x), not rounded", "residue", "f(x) + residue"
"""The features that are measured; a plain CNN and an f(x) read alone have no residue."""

KINDS = (CODE, FINE, RESIDUE, BOTH)
"""All of them, in the order of tables."""

_BATCH = 256


@dataclass(frozen=True)
class Run:
    """A run directory of ``degan train``.

    Attributes:
        folder: where it lies.
        settings: of the run.
        model: what it made.
        subjects: the people it was trained on, sorted: the order of the identity codes c.
        manifest_hash: of the data set it was trained on.
    """

    folder: Path
    settings: Settings
    model: Model
    subjects: tuple[str, ...]
    manifest_hash: str


def read_run(folder: Path) -> Run:
    """Read a run directory of ``degan train``.

    Raises:
        DeganError: it is none, is not finished, or is damaged.
    """
    record = folder / "run.json"
    facts = read_json(record) if record.is_file() else {}
    if facts.get("kind", "training") != "training":
        raise DeganError(
            f"{folder} is a {facts['kind']}, not one training; give one of the runs in it, such as "
            f"{folder / 'fold-01'}"
        )
    model = load_model(folder)  # says what is missing where this is no run
    subjects, manifest_hash = facts.get("subjects"), facts.get("manifest_sha256")
    if not isinstance(subjects, list) or not isinstance(manifest_hash, str):
        raise DeganError(f"{record} is missing or damaged; train the run anew")
    settings = read_settings(folder / "settings.toml")
    return Run(folder, settings, model, tuple(map(str, subjects)), manifest_hash)


@torch.no_grad()
def read_features(model: Model, images: Tensor) -> dict[str, NDArray[np.float32]]:
    """Return what a model makes of photos before its last linear layer.

    Args:
        model: of a run.
        images: standardised, float (N, C, D, D), D the side that the encoder reads.

    Returns:
        :data:`CODE`; where it is rounded, :data:`FINE`, what it was before; and, where local CNNs
        read the residue, :data:`RESIDUE` and :data:`BOTH`: float (N, D) each.
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
        features[FINE] = torch.cat(fine)
    if residues:
        features[RESIDUE] = torch.cat(residues)
        features[BOTH] = torch.cat([features[CODE], features[RESIDUE]], dim=1)
    return {name: value.numpy() for name, value in features.items()}


def check_frames(runs: Sequence[Run], datasets: Sequence[Dataset]) -> None:
    """Refuse data sets that runs cannot read.

    Raises:
        DeganError: a data set was cut in another frame than a run was trained on.
    """
    for run in runs:
        for dataset in datasets:
            if dataset.frame != run.model.frame:
                raise DeganError(
                    f"{dataset.folder} was cut in frame {dataset.frame}, but {run.folder} was "
                    f"trained on {run.model.frame}; prepare the data set again with one version"
                )

"""A trained model, ``model.safetensors`` of a run: write, load and predict."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from degan.config import Settings
from degan.config.run_layout import MODEL_FILE
from degan.data.crops import crop_chunks
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.networks.classifier import Classifier, Recognition
from degan.networks.encoder import Encoder
from degan.system.arguments import PathLike, as_int, as_path, check_kind
from degan.system.progress import silent
from degan.training import checkpoint
from degan.version import __version__

MODEL_NEEDED: Final = "a trained model, as load_model returns it"
"""Type of an argument in words, for error messages."""


@dataclass(frozen=True)
class Model:
    """A trained network and the data needed to use it.

    Attributes:
        recognition: network from uint8 crops to probabilities, in evaluation mode.
        expressions: names of the columns of the probabilities.
        crop_size: side of the crops in pixels.
        frame: name of the canonical frame of the crops.
        trained_on: record of the training data, see
            :func:`degan.data.provenance.describe_training_data`.
    """

    recognition: Recognition
    expressions: tuple[str, ...]
    crop_size: int
    frame: str
    trained_on: dict[str, str | int]


def save_model(path: Path, model: Model, settings: Settings) -> None:
    """Write a trained model as safetensors, with the metadata that :func:`load_model` needs."""
    checkpoint.save_checkpoint(
        path,
        checkpoint.module_tensors("encoder", model.recognition.encoder)
        | checkpoint.module_tensors("classifier", model.recognition.classifier),
        {
            "degan": __version__,
            "settings": settings.model_dump(),
            "expressions": model.expressions,
            "crop_size": model.crop_size,
            "frame": model.frame,
            "trained_on": model.trained_on,
        },
    )


def load_model(folder: PathLike) -> Model:
    """Return the result of :func:`degan.training.pipeline.train` from its run directory.

    Args:
        folder: the run directory.

    Raises:
        DeganError: there is no model, or it is damaged.
        DeganTypeError: ``folder`` is not a path.
    """
    folder = as_path(folder, "folder")
    path = folder / MODEL_FILE
    if not path.is_file():
        raise DeganError(
            f"{folder} holds no trained model ({MODEL_FILE}); make one with 'degan train {folder} "
            "--data DATA'"
        )
    return parse_model(*checkpoint.load_checkpoint(path), path)


def parse_model(tensors: dict[str, Tensor], state: dict[str, Any], path: Path) -> Model:
    """Return the model that the content of a ``model.safetensors`` describes.

    Args:
        tensors: parameters and buffers by name.
        state: metadata that :func:`save_model` wrote.
        path: path of the file, for error messages.

    Raises:
        DeganError: the content is damaged.
    """
    try:
        settings = Settings.model_validate(state["settings"])
        expressions = tuple(state["expressions"])
        encoder = Encoder(settings.network)
        classifier = Classifier(settings.network, settings.classifier, len(expressions))
        crop_size, frame, trained_on = state["crop_size"], state["frame"], state["trained_on"]
    except (KeyError, TypeError, ValueError) as error:
        raise DeganError(
            f"{path} is damaged: its metadata is incomplete; repeat the training"
        ) from error
    checkpoint.load_module("encoder", encoder, tensors, path)
    checkpoint.load_module("classifier", classifier, tensors, path)
    recognition = Recognition(settings.network, settings.classifier, encoder, classifier).eval()
    return Model(recognition, expressions, crop_size, frame, trained_on)


def check_crops(model: Model, is_uint8: bool, crops: Any) -> None:
    """Refuse crops that the model cannot use.

    Args:
        model: a trained model.
        is_uint8: whether the crops are of type uint8.
        crops: array or tensor.

    Raises:
        DeganError: they are not RGB uint8 (N, H, H, 3), H as ``model.crop_size``.
    """
    side = model.crop_size
    if not is_uint8 or tuple(crops.shape[1:]) != (side, side, 3):
        raise DeganError(
            f"crops must be RGB uint8 (N, {side}, {side}, 3), as the model needs, not "
            f"{str(crops.dtype).removeprefix('torch.')} {tuple(crops.shape)}"
        )


def predict_samples(model: Model, dataset: Dataset, indices: Sequence[int]) -> Tensor:
    """Return the probabilities of samples, float32 (N, num_expressions); few crops are in memory.

    Args:
        model: a trained model.
        dataset: a prepared data set with crops of ``model.crop_size``.
        indices: indices of N of its samples, from 0.

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops` and :func:`predict_probabilities`.
    """
    chunks = crop_chunks(dataset, indices, silent)
    return torch.cat([predict_probabilities(model, torch.from_numpy(crops)) for crops in chunks])


@torch.no_grad()
def predict_probabilities(model: Model, crops: torch.Tensor, batch_size: int = 256) -> torch.Tensor:
    """Return the probabilities of the expressions.

    Args:
        model: a trained model.
        crops: one aligned crop or more, RGB uint8 (N, H, H, 3), H as ``model.crop_size``.
        batch_size: number of crops in one network run, at least 1.

    Returns:
        Float32 (N, num_expressions) in [0, 1], columns as ``model.expressions``, rows sum to 1.

    Raises:
        DeganError: the crops have another type or shape, or ``batch_size`` is not at least 1.
        DeganTypeError: an argument has a wrong type.
    """
    check_kind(model, Model, "model", MODEL_NEEDED)
    batch_size = as_int(batch_size, "batch_size", least=1)
    check_kind(crops, torch.Tensor, "crops", "a tensor, such as torch.from_numpy of an array")
    check_crops(model, crops.dtype == torch.uint8, crops)
    if not len(crops):
        return torch.empty(0, len(model.expressions))
    return torch.cat([model.recognition(batch) for batch in crops.split(batch_size)])

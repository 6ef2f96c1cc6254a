"""A trained recogniser, ``model.safetensors`` of a run: saved, loaded, asked for probabilities."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from degan.config import Settings
from degan.errors import DeganError
from degan.networks.classifier import Classifier, Recognition
from degan.networks.encoder import Encoder
from degan.training import checkpoint
from degan.version import __version__

MODEL = "model.safetensors"


@dataclass(frozen=True)
class Model:
    """A trained recogniser and what must be known to use it.

    Attributes:
        recognition: uint8 crops -> probabilities, in evaluation mode.
        expressions: what the columns of the probabilities mean.
        crop_size: side of the crops in pixels.
        frame: the canonical frame that the crops must be cut in.
        trained_on: see :func:`degan.data.provenance.describe_training_data`.
    """

    recognition: Recognition
    expressions: tuple[str, ...]
    crop_size: int
    frame: str
    trained_on: dict[str, str | int]


def save_model(path: Path, model: Model, settings: Settings) -> None:
    """Write a trained recogniser as safetensors, with what :func:`load_model` needs beside it."""
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


def load_model(folder: Path) -> Model:
    """Load the result of :func:`degan.training.pipeline.train` from its run directory.

    Raises:
        DeganError: there is none, or it is damaged.
    """
    path = folder / MODEL
    if not path.is_file():
        raise DeganError(
            f"{folder} holds no trained model ({MODEL}); make one with 'degan train {folder} "
            "--data DATA'"
        )
    return parse_model(*checkpoint.load_checkpoint(path), path)


def parse_model(tensors: dict[str, Tensor], state: dict[str, Any], path: Path) -> Model:
    """Return the model that the content of a ``model.safetensors`` describes.

    Args:
        tensors: parameters and buffers by name.
        state: what is said of them.
        path: where they are from, for messages.

    Raises:
        DeganError: they are damaged.
    """
    try:
        settings = Settings.model_validate(state["settings"])
        expressions = tuple(state["expressions"])
        encoder = Encoder(settings.network)
        classifier = Classifier(settings.network, settings.classifier, len(expressions))
        crop_size, frame, trained_on = state["crop_size"], state["frame"], state["trained_on"]
    except (KeyError, TypeError, ValueError) as error:
        raise DeganError(f"{path} is damaged: its description is incomplete; train anew") from error
    checkpoint.load_module("encoder", encoder, tensors, path)
    checkpoint.load_module("classifier", classifier, tensors, path)
    recognition = Recognition(settings.network, settings.classifier, encoder, classifier).eval()
    return Model(recognition, expressions, crop_size, frame, trained_on)


@torch.no_grad()
def predict_probabilities(model: Model, crops: torch.Tensor, batch_size: int = 256) -> torch.Tensor:
    """Return probabilities (N, num_expressions) of uint8 crops (N, H, H, 3)."""
    return torch.cat([model.recognition(batch) for batch in crops.split(batch_size)])

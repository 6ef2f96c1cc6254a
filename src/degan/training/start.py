"""Weights that a training starts from, instead of random ones."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from degan.config import SHIPPED_STARTS, NetworkSettings, Settings
from degan.data.manifest import Dataset
from degan.data.provenance import manifests_of
from degan.errors import DeganError
from degan.networks.classifier import LAST_LAYER, Classifier
from degan.networks.encoder import Encoder
from degan.system.assets import asset_bytes
from degan.system.files import read_bytes, sha256
from degan.training import checkpoint

_ENCODER, _CLASSIFIER = "encoder", "classifier"
# What the encoder is made of: must be the same on both sides.
_SAME = ("image_size", "detail", "channels", "backbone", "width", "expression_code")
_MAX_BYTES = 2**30
_BATCH = 256


@dataclass(frozen=True)
class Start:
    """What an earlier training ended with.

    Attributes:
        path: where it was read.
        sha256: of the file.
        expressions: the rows of its last layer.
        tensors: by ``encoder.`` or ``classifier.`` and the parameter's name.
        trained_on: what that training saw, see
            :func:`degan.data.provenance.describe_training_data`.
    """

    path: Path
    sha256: str
    expressions: tuple[str, ...]
    tensors: dict[str, Tensor]
    trained_on: Any

    def load_encoder(self, encoder: Encoder) -> None:
        """Give an encoder the weights of the earlier one."""
        checkpoint.load_module(_ENCODER, encoder, self.tensors, self.path)

    def fits(self, classifier: Classifier, expressions: tuple[str, ...]) -> bool:
        """Say whether a classifier can begin with the earlier one, and be drawn back to it."""
        return self._earlier(classifier, expressions) is not None

    def load_classifier(self, classifier: Classifier, expressions: tuple[str, ...]) -> None:
        """Give a classifier the earlier local CNNs, and the rows of expressions that both know.

        One that reads other features than the earlier one did is left as it is.
        """
        earlier = self._earlier(classifier, expressions)
        if earlier is not None:
            classifier.load_state_dict(earlier)

    @torch.no_grad()
    def blend(
        self, encoder: Encoder, classifier: Classifier, expressions: tuple[str, ...], share: float
    ) -> None:
        """Draw trained networks back towards what they began with.

        Rows of expressions that the earlier classifier did not know stay as they were trained. So
        does all where the classifier did not begin with the earlier one: an encoder drawn back
        alone would say what its classifier has not learnt to read.

        Args:
            encoder: begun with :meth:`load_encoder`.
            classifier: begun with :meth:`load_classifier`, trained with that encoder.
            expressions: its rows.
            share: of the earlier weights in the result, 0 to 1.

        Source: not in the paper. Wortsman et al. 2022 (arXiv 2109.01903), eq. 2.
        """
        earlier = self._earlier(classifier, expressions)
        if earlier is None:
            return
        begun = deepcopy(encoder)
        self.load_encoder(begun)
        for module, before in ((encoder, begun.state_dict()), (classifier, earlier)):
            for name, value in module.state_dict().items():
                if value.is_floating_point():  # else it counts steps
                    value.lerp_(before[name].to(value.device), share)

    @torch.no_grad()
    def codes(self, network: NetworkSettings, images: Tensor) -> Tensor:
        """Return f(x) with these weights, not rounded, mean over an image and its mirror image.

        Args:
            network: sizes.
            images: standardised, float (N, C, D, D).

        Returns:
            Float (N, expression_code).
        """
        encoder = Encoder(network.model_copy(update={"code": "real"}))
        self.load_encoder(encoder)
        encoder.to(images.device).eval()
        return torch.cat(
            [
                (encoder(batch).code + encoder(batch.flip(-1)).code) / 2
                for batch in images.split(_BATCH)
            ]
        )

    def _earlier(
        self, classifier: Classifier, expressions: tuple[str, ...]
    ) -> dict[str, Tensor] | None:
        """Return what a classifier would begin with; None where the earlier one does not fit."""
        own = {name: tensor.clone() for name, tensor in classifier.state_dict().items()}
        earlier = {
            name.removeprefix(f"{_CLASSIFIER}."): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(f"{_CLASSIFIER}.")
        }
        head = f"{LAST_LAYER}.weight"
        if own.keys() != earlier.keys() or own[head].shape[1:] != earlier[head].shape[1:]:
            return None
        row_of = {name: row for row, name in enumerate(self.expressions)}
        for name, tensor in own.items():
            if not name.startswith(LAST_LAYER):
                tensor.copy_(earlier[name])
                continue
            for row, expression in enumerate(expressions):
                if expression in row_of:
                    tensor[row] = earlier[name][row_of[expression]]
        return own


def encoder_rate(settings: Settings) -> float:
    """Return the encoder's share of the learning rate in stage 1; 0: it stays as it begins.

    Without weights to start from 0 counts as 1: an encoder of random weights has no f(x) to draw
    from.
    """
    rate = settings.gan.encoder_rate
    return rate if settings.start or rate else 1.0


def check_unseen(start: Start | None, tested: Dataset) -> None:
    """Refuse to begin with weights that know the people who are to be tested.

    Args:
        start: the weights, or None.
        tested: a prepared data set.

    Raises:
        DeganError: the weights were trained on it.
    """
    if start and not tested.manifests.isdisjoint(manifests_of(start.trained_on)):
        raise DeganError(
            f"the weights to start from ({start.path}) were trained on {tested.folder}, so they "
            "know the people who are to be tested; start with others, or with start=''"
        )


def start_facts(start: Start | None) -> dict[str, Any]:
    """Return what ``run.json`` says of the weights that a run started from."""
    return {} if start is None else {"start_sha256": start.sha256}


def read_start(settings: Settings) -> Start | None:
    """Read the weights that ``settings.start`` names: None if it names none.

    Raises:
        DeganError: there are no such weights, they are damaged, or of other networks.
    """
    if not settings.start:
        return None
    file, data = _content(settings.start)
    tensors, state = checkpoint.parse_checkpoint(data, file)
    try:
        earlier = Settings.model_validate(state["settings"])
        expressions = tuple(map(str, state["expressions"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DeganError(f"{file} is damaged: its description is incomplete") from error
    for name in _SAME:
        value, other = getattr(settings.network, name), getattr(earlier.network, name)
        if value != other:
            raise DeganError(
                f"{file} was trained with network.{name} = {other}, but this run has {value}; "
                "give both the same, or start='' for random weights"
            )
    return Start(file, sha256(data), expressions, tensors, state.get("trained_on"))


def _content(name: str) -> tuple[Path, bytes]:
    """Return where the weights of a name lie, and what is there."""
    if name in SHIPPED_STARTS:
        asset = f"{name}.safetensors"
        return Path(asset), asset_bytes(asset)
    path = Path(name)
    file = path / "model.safetensors" if path.is_dir() else path
    if not file.is_file():
        raise DeganError(
            f"there are no weights to start from at {path}; give start the folder of a run that "
            f"'degan train' has finished, or one of {', '.join(SHIPPED_STARTS)} for weights that "
            "ship"
        )
    return file, read_bytes(file, _MAX_BYTES, "weights to start from")

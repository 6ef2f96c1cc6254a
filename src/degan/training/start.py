"""Initial weights of a training from an earlier training, instead of random weights."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from degan.config import SHIPPED_STARTS, NetworkSettings, Settings
from degan.config.run_layout import MODEL_FILE
from degan.data.crop_hashes import find_known, overlap_text
from degan.data.manifest import Dataset
from degan.data.provenance import manifests_of, pictures_of
from degan.errors import DeganError
from degan.networks.classifier import LAST_LAYER, Classifier
from degan.networks.encoder import Encoder
from degan.system.arguments import as_path
from degan.system.assets import asset_bytes
from degan.system.files import read_bytes, sha256
from degan.training import checkpoint
from degan.training.loader import TrainingData

_ENCODER, _CLASSIFIER = "encoder", "classifier"
# Settings of the encoder's layers, which must be equal in both trainings.
_SAME = ("image_size", "detail", "channels", "backbone", "width", "expression_code")
_MAX_BYTES = 2**30
_BATCH = 256


@dataclass(frozen=True)
class InitialWeights:
    """Final weights of an earlier training.

    Attributes:
        path: path of the weights file.
        sha256: hash of the file.
        expressions: names of the rows of the last layer.
        tensors: name -> parameter or buffer; names begin with ``encoder.`` or ``classifier.``.
        trained_on: record of the training data, see
            :func:`degan.data.provenance.describe_training_data`.
    """

    path: Path
    sha256: str
    expressions: tuple[str, ...]
    tensors: dict[str, Tensor]
    trained_on: Any

    def load_encoder(self, encoder: Encoder) -> None:
        """Load the earlier weights into an encoder."""
        checkpoint.load_module(_ENCODER, encoder, self.tensors, self.path)

    def fits(self, classifier: Classifier, expressions: tuple[str, ...]) -> bool:
        """Return whether the earlier classifier fits, so that it can be loaded and blended."""
        return self._initial_state(classifier, expressions) is not None

    def load_classifier(self, classifier: Classifier, expressions: tuple[str, ...]) -> None:
        """Load the earlier local CNNs and the rows of shared expressions into a classifier.

        If the classifier uses other features than the earlier one, it does not change.

        Args:
            classifier: classifier to load into.
            expressions: names of the rows of its last layer.
        """
        initial = self._initial_state(classifier, expressions)
        if initial is not None:
            classifier.load_state_dict(initial)

    @torch.no_grad()
    def blend(
        self, encoder: Encoder, classifier: Classifier, expressions: tuple[str, ...], share: float
    ) -> None:
        """Interpolate trained networks with their initial weights, in place.

        Rows of expressions that the earlier classifier does not have keep their trained weights. If
        the earlier classifier does not fit, nothing changes: the classifier was not trained on the
        f(x) of a blended encoder.

        Args:
            encoder: encoder whose training began with :meth:`load_encoder`.
            classifier: classifier whose training, with that encoder, began with
                :meth:`load_classifier`.
            expressions: names of the rows of its last layer.
            share: fraction of the initial weights in the result, 0 to 1.

        Source: not in the paper. Wortsman et al. 2022 (arXiv 2109.01903), eq. 2.
        """
        initial = self._initial_state(classifier, expressions)
        if initial is None:
            return
        initial_encoder = deepcopy(encoder)
        self.load_encoder(initial_encoder)
        for module, before in ((encoder, initial_encoder.state_dict()), (classifier, initial)):
            for name, value in module.state_dict().items():
                if value.is_floating_point():  # integers count batches
                    value.lerp_(before[name].to(value.device), share)

    @torch.no_grad()
    def codes(self, network: NetworkSettings, data: TrainingData) -> Tensor:
        """Return f(x) of images with these weights, averaged over each image and its mirror image.

        Args:
            network: sizes of the networks.
            data: N samples.

        Returns:
            f(x) before rounding, float (N, expression_code).
        """
        encoder = Encoder(network.model_copy(update={"code": "real"}))
        self.load_encoder(encoder)
        encoder.to(data.device).eval()
        batches = map(data.inputs, torch.arange(len(data), device=data.device).split(_BATCH))
        return torch.cat(
            [(encoder(batch).code + encoder(batch.flip(-1)).code) / 2 for batch in batches]
        )

    def _initial_state(
        self, classifier: Classifier, expressions: tuple[str, ...]
    ) -> dict[str, Tensor] | None:
        """Return the initial state of a classifier; None if the earlier classifier does not fit."""
        state = {name: tensor.clone() for name, tensor in classifier.state_dict().items()}
        earlier = {
            name.removeprefix(f"{_CLASSIFIER}."): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(f"{_CLASSIFIER}.")
        }
        head = f"{LAST_LAYER}.weight"
        if state.keys() != earlier.keys() or state[head].shape[1:] != earlier[head].shape[1:]:
            return None
        row_of = {name: row for row, name in enumerate(self.expressions)}
        for name, tensor in state.items():
            if not name.startswith(LAST_LAYER):
                tensor.copy_(earlier[name])
                continue
            for row, expression in enumerate(expressions):
                if expression in row_of:
                    tensor[row] = earlier[name][row_of[expression]]
        return state


def encoder_rate(settings: Settings) -> float:
    """Return the encoder's learning rate in stage 1 relative to the generator's; 0: it is frozen.

    Without initial weights, 0 counts as 1, because a random encoder must be trained.
    """
    rate = settings.gan.encoder_rate
    return rate if settings.start or rate else 1.0


def check_unseen(start: InitialWeights | None, tested: Dataset, indices: Sequence[int]) -> None:
    """Check that the initial weights were not trained on test data.

    Args:
        start: the initial weights; None: random weights.
        tested: prepared data set for the test.
        indices: indices of its test samples, from 0.

    Raises:
        DeganError: the weights were trained on this data set, or on pictures of the people in the
            test samples; or a crop cannot be read.
    """
    if start is None:
        return
    people = {tested.samples[index].person for index in indices}
    pictures = pictures_of(start.trained_on)
    known = [i for i in find_known(tested, pictures) if tested.samples[i].person in people]
    if known or not tested.manifests.isdisjoint(manifests_of(start.trained_on)):
        raise DeganError(
            f"the weights to start from ({start.path}) were trained on "
            f"{overlap_text(tested, known)}, so they cannot be tested on it; set start to other "
            "weights, or to '' for random weights"
        )


def start_facts(start: InitialWeights | None) -> dict[str, Any]:
    """Return the facts about the initial weights for ``run.json``; empty without them."""
    return {} if start is None else {"start_sha256": start.sha256}


def read_start(settings: Settings) -> InitialWeights | None:
    """Read the initial weights that ``settings.start`` names; return None if it is empty.

    Raises:
        DeganError: there are no such weights, they are damaged, or they have other networks.
    """
    if not settings.start:
        return None
    file, data = _content(settings.start)
    tensors, state = checkpoint.parse_checkpoint(data, file)
    try:
        earlier = Settings.model_validate(state["settings"])
        expressions = tuple(map(str, state["expressions"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DeganError(
            f"{file} is damaged: its metadata is incomplete; use other weights"
        ) from error
    for name in _SAME:
        value, other = getattr(settings.network, name), getattr(earlier.network, name)
        if value != other:
            raise DeganError(
                f"{file} was trained with network.{name} = {other}, but this run has {value}; "
                "use the same value for both, or start='' for random weights"
            )
    return InitialWeights(file, sha256(data), expressions, tensors, state.get("trained_on"))


def _content(name: str) -> tuple[Path, bytes]:
    """Return the path and the content of the weights with a name."""
    if name in SHIPPED_STARTS:
        asset = f"{name}.safetensors"
        return Path(asset), asset_bytes(asset)
    path = as_path(name, "start")
    file = path / MODEL_FILE if path.is_dir() else path
    if not file.is_file():
        raise DeganError(
            f"there are no weights to start from at {path}; set start to the folder of a finished "
            f"run of 'degan train', or to one of the included weights: {', '.join(SHIPPED_STARTS)}"
        )
    return file, read_bytes(file, _MAX_BYTES, "weights to start from")

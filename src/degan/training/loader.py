"""Crops in memory, as the tensors that training works on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from degan.config import ClassifierSettings, GanSettings, NetworkSettings
from degan.data.crops import read_crops
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.networks.layers import Standardize

_CHUNK = 512


class Known(NamedTuple):
    """What is known of a batch; see :class:`TrainingData`."""

    expression: Tensor
    subject: Tensor
    actions: Tensor | None = None
    kept: Tensor | None = None


@dataclass(frozen=True)
class TrainingData:
    """Everything that one training sees.

    Attributes:
        images: standardised, as the encoder reads them, float (N, C, D, D) in [-1, 1].
        expression: index into ``expressions``, int64 (N,).
        subject: index into ``subjects``, int64 (N,): the identity code c.
        expressions: names in the order of :data:`degan.labels.EXPRESSIONS`.
        subjects: names, sorted.
        detail: D / S, see :class:`degan.config.NetworkSettings`.
        actions: amounts of facial actions, float (N, 16), see
            :func:`degan.data.facial_actions.read_actions`; None: not known, or not asked for.
        kept: what f(x) was with the weights to start from, float (N, expression_code); None: there
            are none, or not asked for.
    """

    images: Tensor
    expression: Tensor
    subject: Tensor
    expressions: tuple[str, ...]
    subjects: tuple[str, ...]
    detail: int = 1
    actions: Tensor | None = None
    kept: Tensor | None = None

    def photos(self, index: Tensor) -> Tensor:
        """Return images as G is to draw them, float (M, C, S, S) for int64 (M,)."""
        images = self.images[index]
        if self.detail > 1:
            images = F.avg_pool2d(images, self.detail)
        return images.contiguous(memory_format=torch.channels_last)

    def known(self, index: Tensor) -> "Known":
        """Return what is known of some images, int64 (M,)."""
        return Known(
            self.expression[index],
            self.subject[index],
            None if self.actions is None else self.actions[index],
            None if self.kept is None else self.kept[index],
        )

    @property
    def device(self) -> torch.device:
        """Where all of it lies."""
        return self.images.device

    def to(self, device: torch.device) -> "TrainingData":
        """Return it on another device."""
        moved: dict[str, Any] = {
            name: value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        return replace(self, **moved)

    def only(self, index: Tensor) -> "TrainingData":
        """Return some of the images, int64 (M,); subjects and expressions keep their numbers."""
        return replace(self, images=self.images[index], **self.known(index)._asdict())

    def __len__(self) -> int:
        return len(self.images)


def load(
    dataset: Dataset,
    indices: Sequence[int],
    settings: NetworkSettings,
    expressions: Sequence[str],
    *,
    actions: NDArray[np.float32] | None = None,
) -> TrainingData:
    """Read and standardise the samples of a training.

    Args:
        dataset: where they lie.
        indices: which of its samples.
        settings: the size and channels of the networks' images.
        expressions: the classes; every sample must be of one of them.
        actions: amounts of facial actions of these samples, float32 (N, 16), see
            :func:`degan.data.facial_actions.read_actions`; None if no loss term needs them.

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops` and :func:`check_size`.
    """
    check_size(dataset, settings)
    standardize = Standardize(settings.channels, settings.input_size)
    side = settings.input_size
    # Filled in place: chunks that were joined in the end would take twice the memory.
    images = torch.empty(len(indices), settings.channels, side, side)
    for start in range(0, len(indices), _CHUNK):
        crops = torch.from_numpy(read_crops(dataset, indices[start : start + _CHUNK]))
        images[start : start + _CHUNK] = standardize(crops)
    samples = [dataset.samples[index] for index in indices]
    subjects = tuple(sorted({sample.person for sample in samples}))
    place = {subject: number for number, subject in enumerate(subjects)}
    return TrainingData(
        images=images,
        expression=torch.tensor([expressions.index(sample.expression) for sample in samples]),
        subject=torch.tensor([place[sample.person] for sample in samples]),
        expressions=tuple(expressions),
        subjects=subjects,
        detail=settings.detail,
        actions=None if actions is None else torch.from_numpy(actions),
    )


def check_size(dataset: Dataset, settings: NetworkSettings) -> None:
    """Refuse crops that the networks cannot read.

    Raises:
        DeganError: the crops' side is neither a whole multiple of what the encoder reads nor a
            whole part of it.
    """
    size, crop = settings.input_size, dataset.crop_size
    if crop % size and size % crop:
        sides = "network.image_size" if settings.detail == 1 else "what network.detail makes of it"
        raise DeganError(
            f"crops of {crop} pixels are neither a multiple of {sides} = {size} nor a whole part "
            f"of it; prepare with --size {2 * settings.image_size}, or change it"
        )


def batches(count: int, batch_size: int) -> Iterator[Tensor]:
    """Yield the indices of one pass in random order (torch's default generator).

    A rest of one image is dropped where there are others: batch norm needs two.
    """
    order = torch.randperm(count)
    for start in range(0, count, batch_size):
        batch = order[start : start + batch_size]
        if len(batch) > 1 or count == 1:
            yield batch


def num_batches(count: int, batch_size: int) -> int:
    """Return how many batches :func:`batches` yields."""
    full, rest = divmod(count, batch_size)
    return max(1, full + (rest > 1))


def num_epochs(choice: GanSettings | ClassifierSettings, count: int) -> int:
    """Return how many passes a stage makes over ``count`` images."""
    if not choice.epochs:
        return 0
    return max(choice.epochs, -(-choice.min_steps // num_batches(count, choice.batch_size)))

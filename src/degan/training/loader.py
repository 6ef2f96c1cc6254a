"""Training samples, as tensors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from degan.config import ClassifierSettings, GanSettings, NetworkSettings
from degan.data.crop_hashes import crop_hashes
from degan.data.crops import read_crops
from degan.data.join import parts_of
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.networks.layers import Standardize
from degan.training.stored_images import StoredImages

_CHUNK = 512


class Labels(NamedTuple):
    """Labels of a batch; see :class:`TrainingData` for the fields."""

    expression: Tensor
    subject: Tensor
    actions: Tensor | None = None
    kept: Tensor | None = None
    part: Tensor | None = None


@dataclass(frozen=True)
class TrainingData:
    """All samples of one training.

    Attributes:
        images: standardised images, float (M, C, D, D) in [-1, 1]. They may be in a file that
            processes share, with images of other samples too; :meth:`inputs` selects.
        expression: index into ``expressions``, int64 (N,).
        subject: index into ``subjects``, the identity code c, int64 (N,).
        expressions: names of the classes, in the order of :data:`degan.labels.EXPRESSIONS`.
        subjects: sorted names of the subjects.
        detail: D / S, see :class:`degan.config.NetworkSettings`.
        actions: amounts of facial actions, float (N, 16), NaN for samples without amounts, see
            :func:`degan.data.facial_actions.read_actions`; None if no loss term needs them.
        kept: f(x) of the initial weights, float (N, expression_code); None if no loss term needs
            it, or if there are no initial weights.
        pictures: hashes of the crops of all samples, see
            :func:`degan.data.crop_hashes.crop_hash`. A part of the data keeps them all.
        part: number of the joined data set that each sample comes from, int64 (N,), from 0; None if
            the data set was not joined.
        rows: row of each sample in ``images``, int64 (N,); None if M = N and row k is sample k.
    """

    images: Tensor
    expression: Tensor
    subject: Tensor
    expressions: tuple[str, ...]
    subjects: tuple[str, ...]
    detail: int = 1
    actions: Tensor | None = None
    kept: Tensor | None = None
    pictures: frozenset[str] = frozenset()
    part: Tensor | None = None
    rows: Tensor | None = None

    def inputs(self, index: Tensor) -> Tensor:
        """Return inputs of the encoder, float (M, C, D, D), for int64 indices (M,)."""
        return self.images[index if self.rows is None else self.rows[index]]

    def photos(self, index: Tensor) -> Tensor:
        """Return images in the size of G's output, float (M, C, S, S), for int64 indices (M,)."""
        images = self.inputs(index)
        if self.detail > 1:
            images = F.avg_pool2d(images, self.detail)
        return images.contiguous(memory_format=torch.channels_last)

    def known(self, index: Tensor) -> "Labels":
        """Return the labels of some images, for int64 indices (M,)."""
        return Labels(
            self.expression[index],
            self.subject[index],
            *(
                None if known is None else known[index]
                for known in (self.actions, self.kept, self.part)
            ),
        )

    @property
    def device(self) -> torch.device:
        """Device of the tensors."""
        return self.expression.device

    def to(self, device: torch.device) -> "TrainingData":
        """Return the data on another device; images in a file are copied to its memory."""
        if device == self.device:
            return self
        moved: dict[str, Any] = {
            name: value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
            if name not in ("images", "rows")
        }
        images = self.images.new_empty(len(self), *self.images.shape[1:], device=device)
        for chunk in torch.arange(len(self), device=self.device).split(_CHUNK):
            images[int(chunk[0]) : int(chunk[-1]) + 1] = self.inputs(chunk).to(device)
        return replace(self, **moved, images=images, rows=None)

    def only(self, index: Tensor) -> "TrainingData":
        """Return a part of the data, for int64 indices (M,).

        Labels stay the same, and no image is copied.
        """
        rows = index if self.rows is None else self.rows[index]
        return replace(self, rows=rows, **self.known(index)._asdict())

    def __len__(self) -> int:
        return len(self.expression)


def load(
    dataset: Dataset,
    indices: Sequence[int],
    settings: NetworkSettings,
    expressions: Sequence[str],
    *,
    actions: NDArray[np.float32] | None = None,
    stored: StoredImages | None = None,
) -> TrainingData:
    """Return samples with standardised images.

    Args:
        dataset: a prepared data set.
        indices: indices of N of its samples.
        settings: network settings, with the size and channels of the images.
        expressions: names of the classes; every sample must show one of them.
        actions: amounts of facial actions of these samples, float32 (N, 16), NaN for samples
            without amounts, see :func:`degan.data.facial_actions.read_actions`; None if no loss
            term needs them.
        stored: file with the images of all these samples, which fits the settings. None: the crops
            are read, and their images are kept in memory.

    Raises:
        DeganError: see :func:`degan.data.crops.read_crops` and :func:`check_size`.
    """
    check_size(dataset, settings)
    if stored is None:
        images, hashes = _read_images(dataset, indices, settings)
    else:
        images, hashes = stored.open(), [stored.hashes[index] for index in indices]
    samples = [dataset.samples[index] for index in indices]
    subjects = tuple(sorted({sample.person for sample in samples}))
    subject_index = {subject: index for index, subject in enumerate(subjects)}
    return TrainingData(
        images=images,
        expression=torch.tensor([expressions.index(sample.expression) for sample in samples]),
        subject=torch.tensor([subject_index[sample.person] for sample in samples]),
        expressions=tuple(expressions),
        subjects=subjects,
        detail=settings.detail,
        actions=None if actions is None else torch.from_numpy(actions),
        pictures=frozenset(hashes),
        part=torch.tensor(parts_of(dataset, indices)) if dataset.joined else None,
        rows=None if stored is None else torch.tensor(indices, dtype=torch.int64),
    )


def _read_images(
    dataset: Dataset, indices: Sequence[int], settings: NetworkSettings
) -> tuple[Tensor, list[str]]:
    """Return standardised images, float (N, C, D, D), and the hashes of their crops."""
    standardize = Standardize(settings.channels, settings.input_size)
    side = settings.input_size
    # Preallocated: concatenating the chunks at the end would need twice the memory.
    images = torch.empty(len(indices), settings.channels, side, side)
    hashes: list[str] = []
    for start in range(0, len(indices), _CHUNK):
        crops = read_crops(dataset, indices[start : start + _CHUNK])
        hashes += crop_hashes(crops)
        images[start : start + _CHUNK] = standardize(torch.from_numpy(crops))
    return images, hashes


def check_size(dataset: Dataset, settings: NetworkSettings) -> None:
    """Check that the networks can use crops of this size.

    Raises:
        DeganError: the side of the crops is neither a multiple nor a divisor of that of the
            encoder's input.
    """
    size, crop = settings.input_size, dataset.crop_size
    if crop % size and size % crop:
        sides = "network.image_size" if settings.detail == 1 else "network.image_size * detail"
        raise DeganError(
            f"the crop size {crop} is neither a multiple nor a divisor of {sides} = {size}; "
            f"prepare the data with --size {2 * settings.image_size}, or change the settings"
        )


def batches(count: int, batch_size: int) -> Iterator[Tensor]:
    """Yield the indices of one epoch in random order (torch's default generator).

    If the last of several batches has one image, it is dropped: batch norm needs two.

    Args:
        count: number of images.
        batch_size: maximum number of images per batch.
    """
    order = torch.randperm(count)
    for start in range(0, count, batch_size):
        batch = order[start : start + batch_size]
        if len(batch) > 1 or count == 1:
            yield batch


def num_batches(count: int, batch_size: int) -> int:
    """Return the number of batches that :func:`batches` yields."""
    full, rest = divmod(count, batch_size)
    return max(1, full + (rest > 1))


def num_epochs(choice: GanSettings | ClassifierSettings, count: int) -> int:
    """Return the number of epochs of a stage; more than ``epochs`` if ``min_steps`` needs it.

    Args:
        choice: settings of the stage.
        count: number of training images.
    """
    if not choice.epochs:
        return 0
    return max(choice.epochs, -(-choice.min_steps // num_batches(count, choice.batch_size)))

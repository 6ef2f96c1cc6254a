"""Propose faces with two detection networks over an image pyramid, at every rotation.

Google's short-range network finds faces from 13 % of the image size up to the whole image. Its
full-range network finds faces from 7 % on, but none that fill the frame. For smaller faces the
image is cut into windows. The networks tolerate a tilt of about 45 degrees (full-range) or 90
degrees (short-range) to either side. For other rotations, each window is turned by 90, 180 or 270
degrees.

The proposals may be wrong: :mod:`degan.faces.finder` fits landmarks and keeps the true faces.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.media.images import RgbImage
from degan.media.warp import Pixels, as_rgb, warp
from degan.system.assets import inference_session

__all__ = ["Detector", "Proposals", "areas", "shared_areas"]

Floats = NDArray[np.float64]

SMALLEST_FACE = 13.5  # pixels in the full-range window; with 12, one of six turned faces is missed
_LEVEL_RATIO = 3.5  # maximum size ratio of neighbouring pyramid levels
_OVERLAP = 52  # pixels shared by windows: a face of SMALLEST_FACE * _LEVEL_RATIO plus a border
_BORDER = 12  # pixels of a window outside the image; needed for faces in the image corners
_CROP_BORDER = 1.5  # bordered side / side of a cut-out face
_GAP = 1.1  # Pillow's reducing_gap
_WHOLE = 2**24  # pixels up to which an image is resized at once
_STRIP = 2**20  # pixels that are reduced at a time in larger images
_LARGE = 0.2  # face width / longer side of the image
_SURE = 0.7  # score that false proposals rarely reach
_MERGE_IOU = 0.3
_MERGE_ROLL = math.radians(50)


class Proposals(NamedTuple):
    """N possible faces, in pixels of the image or of a window.

    Attributes:
        corners: (N, 4) left, top, right, bottom of the face from brow to chin.
        points: (N, 6, 2) eyes (the person's right eye first), nose tip, mouth, ears.
        scores: (N,) detection scores in [0, 1].
    """

    corners: Floats
    points: Floats
    scores: Floats

    @property
    def rolls(self) -> Floats:
        """Angles (N,) of the line through the eyes in radians, clockwise in the image."""
        eyes = self.points[:, 1] - self.points[:, 0]
        return np.arctan2(eyes[:, 1], eyes[:, 0])

    def take(self, indices: NDArray[np.intp]) -> "Proposals":
        """Return the proposals with the given indices."""
        return Proposals(*(field[indices] for field in self))

    def quarter_turned_back(self, turns: int, side: float) -> "Proposals":
        """Map proposals in ``np.rot90(window, turns)`` back to the window.

        Args:
            turns: number of anticlockwise quarter turns.
            side: side of the square window in pixels.
        """
        corners, points = self.corners, self.points
        for _ in range(turns % 4):
            left, top, right, bottom = corners.T
            corners = np.stack([side - bottom, left, side - top, right], axis=1)
            points = np.stack([side - points[..., 1], points[..., 0]], axis=-1)
        return Proposals(corners, points, self.scores)

    def mapped(self, scale: float, left: float, top: float) -> "Proposals":
        """Return the proposals shifted by (left, top), then multiplied by ``scale``."""
        offset = np.array([left, top])
        corners = (self.corners + np.tile(offset, 2)) * scale
        return Proposals(corners, (self.points + offset) * scale, self.scores)


class _Network:
    """A single-shot detection network, which maps a square window to proposals."""

    def __init__(
        self,
        asset: str,
        side: int,
        grid: tuple[tuple[int, int], ...],
        min_score: float,
        threads: int,
    ) -> None:
        """Load the network.

        Args:
            asset: file name of the shipped network.
            side: side of its input window in pixels.
            grid: (stride in pixels, anchors per cell) of each output layer.
            min_score: minimum score of the proposals that are returned, in (0, 1).
            threads: maximum number of threads per run.
        """
        self.side = side
        self._session = inference_session(asset, threads)
        self._input = self._session.get_inputs()[0].name
        self._anchors = _anchors(side, grid)
        self._min_logit = math.log(min_score / (1 - min_score))

    def __call__(self, window: RgbImage, turns: int) -> Proposals:
        """Return the proposals in a window, RGB uint8 (side, side, 3).

        Args:
            window: part of the image.
            turns: number of anticlockwise quarter turns of the window before detection.
        """
        turned = np.rot90(window, turns).transpose(2, 0, 1)[None]
        feed = np.ascontiguousarray(turned, dtype=np.float32) / np.float32(127.5) - np.float32(1)
        regressors, logits = self._session.run(None, {self._input: feed})
        above_threshold = np.flatnonzero(logits.reshape(-1) > self._min_logit)
        raw = regressors.reshape(-1, 8, 2)[above_threshold].astype(
            np.float64
        )  # centre, size, six points
        anchors = self._anchors[above_threshold]
        centres, halves = raw[:, 0] + anchors, raw[:, 1] / 2
        proposals = Proposals(
            corners=np.concatenate([centres - halves, centres + halves], axis=1),
            points=raw[:, 2:] + anchors[:, None],
            scores=1 / (1 + np.exp(-logits.reshape(-1)[above_threshold].astype(np.float64))),
        )
        proper = np.flatnonzero((halves > 1).all(axis=1))
        return proposals.take(proper).quarter_turned_back(turns, self.side)


class Detector:
    """Proposes faces of any in-plane rotation with a width of at least ``min_face`` pixels."""

    def __init__(self, min_face: float, threads: int) -> None:
        self._min_face = min_face
        self._short = _Network(
            "face_detection_short_range.onnx", 128, ((8, 2), (16, 6)), 0.5, threads
        )
        self._full = _Network("face_detection_full_range.onnx", 192, ((4, 1),), 0.4, threads)

    def propose(self, image: RgbImage, *, turned: bool = False) -> Proposals:
        """Return the possible faces of an image, in its pixels, best score first.

        One face may have several proposals with different rotations.

        Args:
            image: RGB uint8 (H, W, 3).
            turned: False finds upright and tilted faces. True finds only faces that lie on a side
                or are upside down, and takes three times as long.
        """
        full_turns, short_turns = ((1, 2, 3), (2,)) if turned else ((0,), (0,))
        found: list[Proposals] = []
        for level, scale in _pyramid(image, self._finest_scale(image), self._full.side):
            found += _looked_at(self._full, level, scale, full_turns)
        # The last `level` is the whole image at the input size of the full-range network.
        if not _has_large(found, image):
            scale = self._short.side / max(image.shape[:2])
            level = _resized(level, image.shape, scale)
            found += _looked_at(self._short, level, scale, short_turns)
        return _merged(_joined(found))

    def propose_upright(self, image: RgbImage) -> Proposals:
        """Return the possible upright, large faces of an image, best score first.

        Large means at least 1/14 of the longer side of the image, RGB uint8 (H, W, 3).
        """
        found: list[Proposals] = []
        level: Image.Image | None = None
        for network in (self._full, self._short):
            scale = network.side / max(image.shape[:2])
            level = _level(image, scale) if level is None else _resized(level, image.shape, scale)
            found += _looked_at(network, level, scale, (0,))
        return _merged(_joined(found))

    def propose_in_crop(self, image: Pixels) -> Iterator[Proposals]:
        """Yield the possible faces of an image that one face may fill, such as a crop.

        The short-range network is applied to the image with a border of repeated edge pixels.

        Args:
            image: RGB uint8 (H, W, 3), or grey (H, W).

        Yields:
            Upright and tilted faces; then these and upside-down ones, which needs a second run.
        """
        height, width = image.shape[:2]
        scale = _CROP_BORDER * max(height, width) / self._short.side
        left = (width / scale - self._short.side) / 2  # in pixels of the window
        top = (height / scale - self._short.side) / 2
        to_image = scale * np.array([[1, 0, left], [0, 1, top]])
        window = as_rgb(warp(image, to_image, self._short.side))
        upright = self._short(window, 0).mapped(scale, left, top)
        yield _merged(upright)
        yield _merged(_joined([upright, self._short(window, 2).mapped(scale, left, top)]))

    def _finest_scale(self, image: RgbImage) -> float:
        """Return the smallest scale, at most 1, at which faces of the minimum width are found."""
        return min(1.0, SMALLEST_FACE / self._min_face)


def _looked_at(
    network: _Network, level: Image.Image, scale: float, turns: tuple[int, ...]
) -> list[Proposals]:
    """Return the proposals of a network in one pyramid level, in pixels of the whole image."""
    return [
        network(window, turn).mapped(1 / scale, left, top)
        for window, left, top in _windows(level, network.side)
        for turn in turns
    ]


def _has_large(found: list[Proposals], image: RgbImage) -> bool:
    """Return whether a face was found that is so large that no other face can fill the image."""
    least = _LARGE * max(image.shape[:2])
    return any(
        ((part.corners[:, 2] - part.corners[:, 0] >= least) & (part.scores >= _SURE)).any()
        for part in found
    )


def areas(corners: Floats) -> Floats:
    """Return the areas (N,) of boxes (N, 4) with columns left, top, right, bottom."""
    sides: Floats = corners[:, 2:] - corners[:, :2]
    return sides[:, 0] * sides[:, 1]


def shared_areas(box: Floats, others: Floats) -> Floats:
    """Return the intersection areas (N,) of a box (4,) with other boxes (N, 4)."""
    sides: Floats = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    sides = sides.clip(min=0)
    return sides[:, 0] * sides[:, 1]


def _anchors(side: int, grid: tuple[tuple[int, int], ...]) -> Floats:
    """Return the anchor centres (N, 2) as x, y in pixels, in the order of the network's output."""
    layers = []
    for stride, repeats in grid:
        line = np.arange(stride / 2, side, stride)
        cells = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        layers.append(np.repeat(cells, repeats, axis=0))
    return np.concatenate(layers)


def _pyramid(image: RgbImage, finest: float, side: int) -> Iterator[tuple[Image.Image, float]]:
    """Yield (level, scale) from scale ``finest`` to the scale where the image fits in ``side``."""
    coarsest = side / max(image.shape[:2])
    num_steps = max(0, math.ceil(math.log(finest / coarsest) / math.log(_LEVEL_RATIO)))
    level: Image.Image | None = None
    for step in range(num_steps, -1, -1):
        scale = coarsest * (finest / coarsest) ** (step / num_steps) if step else coarsest
        level = _level(image, scale) if level is None else _resized(level, image.shape, scale)
        yield level, scale


def _level(image: RgbImage, scale: float) -> Image.Image:
    """Return the image at ``scale`` times its size.

    Large images are reduced by an integer factor in strips, because Pillow needs a copy of what it
    resizes. The result is the same.
    """
    height, width = image.shape[:2]
    if width * height <= _WHOLE:
        return _resized(Image.fromarray(image), image.shape, scale)
    size = _size(image.shape, scale)
    across, down = (
        int(length / new / _GAP) or 1 for length, new in zip((width, height), size, strict=True)
    )
    reduced = Image.new("RGB", (-(-width // across), -(-height // down)))
    rows = down * max(1, _STRIP // (width * down))
    for top in range(0, height, rows):
        strip = Image.fromarray(image[top : top + rows])
        reduced.paste(strip.reduce((across, down)), (0, top // down))
    box = (0, 0, width / across, height / down)
    return reduced.resize(size, Image.Resampling.BILINEAR, box=box)


def _size(shape: tuple[int, ...], scale: float) -> tuple[int, int]:
    """Return the width and height of an image (H, W, 3) at a scale."""
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


def _resized(level: Image.Image, shape: tuple[int, ...], scale: float) -> Image.Image:
    """Resize a level to ``scale`` times the size of the original image, which has ``shape``."""
    # reducing_gap: reduce by an integer factor first. It is several times faster, and the networks
    # do not need more precision.
    size = _size(shape, scale)
    return level.resize(size, Image.Resampling.BILINEAR, reducing_gap=_GAP)


def _windows(level: Image.Image, side: int) -> Iterator[tuple[RgbImage, int, int]]:
    """Yield (window, left, top): overlapping squares that cover the level, black outside."""
    for top in _origins(level.height, side):
        for left in _origins(level.width, side):
            box = (left, top, left + side, top + side)
            yield np.asarray(level.crop(box)), left, top


def _origins(length: int, side: int) -> list[int]:
    """Return the starts of the windows along an axis; a short axis has one centred window."""
    if length <= side:
        return [(length - side) // 2]
    span = length - side + 2 * _BORDER
    count = math.ceil(span / (side - _OVERLAP)) + 1
    return [round(index * span / (count - 1)) - _BORDER for index in range(count)]


def _joined(parts: list[Proposals]) -> Proposals:
    return Proposals(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def _merged(proposals: Proposals) -> Proposals:
    """Merge proposals with similar box and roll into score-weighted means, best score first.

    This is MediaPipe's weighted non-maximum suppression, except that proposals with different rolls
    are not merged.
    """
    left = np.argsort(-proposals.scores, kind="stable")
    blended: list[Proposals] = []
    rolls, sizes = proposals.rolls, areas(proposals.corners)
    while left.size:
        best = left[0]
        shared = shared_areas(proposals.corners[best], proposals.corners[left])
        turn = np.abs(np.angle(np.exp(1j * (rolls[left] - rolls[best]))))
        same = (shared > _MERGE_IOU * (sizes[best] + sizes[left] - shared)) & (turn < _MERGE_ROLL)
        group = proposals.take(left[same])
        weights = group.scores / group.scores.sum()
        blended.append(
            Proposals(
                np.tensordot(weights, group.corners, 1)[None],
                np.tensordot(weights, group.points, 1)[None],
                group.scores[:1],
            )
        )
        left = left[~same]
    return _joined(blended) if blended else proposals

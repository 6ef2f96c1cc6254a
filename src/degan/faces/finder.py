"""Find all faces of a photo and fit 468 landmarks to each.

Google's face-mesh network checks each proposal of :mod:`degan.faces.detector`. It returns a face
score and the landmarks. A face is kept if a second fit, in the region around the landmarks of the
first fit, finds the same landmarks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError, DeganTypeError
from degan.faces.alignment import LANDMARKS
from degan.faces.detector import Detector, Proposals, areas, shared_areas
from degan.faces.region import REGION_SCALE, Landmarks, Region, roll_of, turn_between
from degan.media.images import RgbImage, check_image
from degan.media.warp import warp
from degan.system.assets import inference_session

__all__ = [
    "FARTHEST",
    "Box",
    "Face",
    "FaceFinder",
    "Landmarks",
    "check_box",
    "check_face",
    "crop_box",
]

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels."""

FARTHEST = 1e9
"""Largest coordinate of a box in pixels; every image is smaller."""

_INPUT = 192  # side of the landmark network's input in pixels
_RIGHT_EYELIDS = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_LEFT_EYELIDS = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
_LIP_CORNERS = (61, 291)

_BOX_MARGIN = 0.05
_MIN_SCORE = 0.5  # landmark score below which a fit is not refined
_SURE_SCORE = 0.95  # minimum landmark score of a face after refinement
_CLEAR_LOGIT = 20  # landmark logit; fits with a wrong position or roll rarely reach 10
_OFF_SHARE = 0.5  # upper bound of: shift of the landmarks in a refit / error of their region
_MAX_REFITS = 3
_STILL = 0.03  # shift between two fits, in face sizes, below which refitting stops
_MAX_SHIFT = 0.08  # maximum shift of the last refit, in face sizes
_MAX_TILT = math.radians(50)  # maximum roll of an upright face
_MAX_TURN = math.radians(60)  # maximum difference between detector roll and landmark roll
_SAME_FACE = 0.4  # intersection area / area of the smaller box
_LOGIT_WEIGHT = 0.02  # weight of the landmark logit, added to the detection score
_LARGEST = 2.0  # maximum face size / longer side of the image
_MIN_SPREAD = 1e-3  # minimum extent of landmarks in pixels
_MAX_DISTANCE = 10.0  # maximum distance of landmarks from the image / longer side of the image
_CROP_SCALES = (1.0, 1.2, 1.45, 1.75)  # region of interest / longer side of a cut-out face


@dataclass(frozen=True)
class Face:
    """One face of an image.

    Coordinates are continuous: the pixel in row i, column j covers [j, j+1) x [i, i+1).

    Attributes:
        box: (x, y, width, height) in pixels, axis-parallel and inside the image. It is the bounding
            box of the landmarks plus 5 % on each side. This box is more stable than the detector's
            and does not depend on the detector.
        score: detection score in [0, 1]; the landmark score for a cut-out face that the detector
            missed.
        landmarks: float32 (468, 3) in the order of MediaPipe's face mesh: x, y in pixels (may lie
            outside the image), z in the same scale, smaller is nearer.
        landmark_score: probability of a face according to the landmark network, in [0, 1]. It is
            no measure of occlusion: it stays high if the mouth is covered.
    """

    box: Box
    score: float
    landmarks: Landmarks = field(compare=False)
    landmark_score: float

    @classmethod
    def of_landmarks(cls, image: RgbImage, landmarks: NDArray[np.floating]) -> "Face":
        """Return a face from given landmarks; both scores are 1.

        Args:
            image: image with the face, RGB uint8 (H, W, 3).
            landmarks: MediaPipe's face mesh in pixels, (468 or 478, 2 or 3).

        Raises:
            DeganError: the landmarks have another shape, are not finite, or are not a face inside
                the image.
        """
        check_image(image)
        mesh = _check_landmarks(landmarks)
        points = np.zeros((468, 3), np.float32)
        points[:, : mesh.shape[1]] = mesh[:468]
        face = _face(image, _Fit(points, math.inf, 0.0), 1.0)
        small = np.ptp(points[LANDMARKS, :2], axis=0).min() < 1
        large = np.ptp(points[:, :2], axis=0).max() > _LARGEST * max(image.shape[:2])
        if min(face.box[2:]) <= 0 or small or large:
            raise DeganError("landmarks must be pixel coordinates of a face inside the image")
        return face

    @property
    def roll(self) -> float:
        """In-plane rotation in degrees, (-180, 180]: 0 upright, positive clockwise in the image."""
        return math.degrees(roll_of(self.landmarks))


class FaceFinder:
    """Finds faces and their landmarks. It has no state, so threads may share one finder.

    Examples:
        >>> import degan
        >>> from degan.faces import FaceFinder
        >>> (face,) = FaceFinder().find(degan.read_image("examples/london/smiling/001.jpg"))
        >>> face.landmarks.shape, [round(value) for value in face.box]
        ((468, 3), [81, 93, 96, 109])
    """

    def __init__(self, *, min_face: float = 40, threads: int = 1) -> None:
        """Load the networks.

        Args:
            min_face: minimum width of a face in pixels; larger is faster. In a photo whose longer
                side exceeds 100 times this width, the minimum is 1 % of that side.
            threads: maximum number of threads per network run.

        Raises:
            ValueError: ``min_face`` is not positive.
            DeganError: a shipped network is damaged.
        """
        if not min_face > 0:
            raise ValueError(f"min_face must be positive, not {min_face}")
        self._detector = Detector(min_face, threads)
        self._mesh = inference_session("face_landmark.onnx", threads)
        self._mesh_input = self._mesh.get_inputs()[0].name

    def find(self, image: RgbImage, *, thorough: bool = False) -> list[Face]:
        """Return all faces of an image at any in-plane rotation, largest first.

        The first pass finds upright and tilted faces. A second pass finds faces that lie on a side
        or are upside down; it is skipped if all faces of the first pass are clear and upright.

        Args:
            image: RGB uint8 (H, W, 3).
            thorough: always run the second pass, at four times the cost.
        """
        fits = self._fits(image, self._detector.propose(image))
        if thorough or not fits or not all(fit.is_clear and fit.is_upright for fit, _ in fits):
            fits += self._fits(image, self._detector.propose(image, turned=True))
        return _distinct(fits)

    def find_upright(self, image: RgbImage) -> list[Face]:
        """Return the faces of an image that are upright or tilted, largest first."""
        return _distinct(self._fits(image, self._detector.propose(image)))

    def find_main(self, image: RgbImage) -> list[Face]:
        """Return the large upright faces of an image, or the result of :meth:`find` if none.

        For data sets: it finds the main face in a fraction of the time and skips small faces in the
        background.
        """
        main = self._fits(image, self._detector.propose_upright(image))
        return _distinct(main) or self.find(image)

    def follow(self, image: RgbImage, landmarks: Landmarks) -> Face | None:
        """Return the face at its last position in a video, or None if it is no longer there.

        Args:
            image: the next frame, RGB uint8 (H, W, 3), of the same size as the frame before.
            landmarks: landmarks of the face in the frame before, (468, 3) in pixels.
        """
        fit = self._fit(image, Region.of_landmarks(landmarks))
        face = _face(image, fit, fit.score) if fit.is_face else None
        return face if face is not None and min(face.box[2:]) > 0 else None

    def find_in_box(self, image: RgbImage, box: Box) -> Face | None:
        """Return the face in a given box, or None; only landmarks are fitted, without a detector.

        Args:
            image: RGB uint8 (H, W, 3).
            box: box of a face from brow to chin or larger, in pixels; may extend outside the image.

        Raises:
            DeganError: the box has no area inside the image.
        """
        crop_box(image, box)
        x, y, width, height = box
        if max(width, height) > _LARGEST * max(image.shape[:2]):
            return None  # little of the face is visible
        fit = self._fit(
            image, Region(x + width / 2, y + height / 2, REGION_SCALE * max(width, height), 0.0)
        )
        face = _face(image, fit, fit.score) if fit.is_face else None
        return face if face is not None and min(face.box[2:]) > 0 else None

    def _fits(self, image: RgbImage, proposals: Proposals) -> "list[tuple[_Fit, Face]]":
        """Return the proposals that are faces, with landmarks; some may be of the same face."""
        fits: list[tuple[_Fit, Face]] = []
        clear: list[Box] = []
        for index in range(len(proposals.scores)):
            if any(_overlap(proposals.corners[index], box) > _SAME_FACE for box in clear):
                continue  # the same face at another roll
            roi = Region.of_proposal(proposals, index)
            fit = self._fit(image, roi)
            if fit.is_face and turn_between(roll_of(fit.landmarks), roi.roll) <= _MAX_TURN:
                face = _face(image, fit, float(proposals.scores[index]))
                if min(face.box[2:]) > 0:  # else the fit moved outside the image
                    fits.append((fit, face))
                    if fit.is_clear:
                        clear.append(face.box)
        return fits

    def find_in_crop(self, image: RgbImage) -> Face | None:
        """Return the face of a cut-out face image, or None.

        The image may be as small as 32 pixels, and the face may fill it. The detector runs on the
        image plus a border. If it misses the face, landmarks are fitted to the whole image at
        several scales, and only stable fits are accepted. The roll of the face must be at most 60
        degrees, and its eyes and mouth must be inside the image.

        Args:
            image: RGB uint8 (H, W, 3).
        """
        height, width = image.shape[:2]
        proposals = self._detector.propose_in_crop(image)
        found = [
            (self._fit(image, Region.of_proposal(proposals, index)), float(proposals.scores[index]))
            for index in range(len(proposals.scores))
        ]
        found = [(fit, score) for fit, score in found if fit.is_face]
        if found:
            fit, score = max(found, key=lambda pair: _quality(*pair))
            return _face(image, fit, score) if _plausible_in_crop(fit, width, height) else None
        side = max(height, width)
        rois = [Region(width / 2, height / 2, scale * side, 0.0) for scale in _CROP_SCALES]
        fits = [fit for fit in (self._fit(image, roi) for roi in rois) if fit.shift <= _STILL]
        fits = [fit for fit in fits if _plausible_in_crop(fit, width, height)]
        best = max(fits, key=lambda fit: fit.logit, default=None)
        return None if best is None else _face(image, best, best.score)

    def _fit(self, image: RgbImage, roi: Region) -> "_Fit":
        """Fit landmarks in a region and refit in the region around them until they are stable.

        One fit is enough if its logit is high and the face lies at the centre of the region.
        """
        landmarks, logit = self._landmarks(image, roi)
        off = roi.distance(Region.of_landmarks(landmarks))
        fit = _Fit(landmarks, logit, _OFF_SHARE * off if logit >= _CLEAR_LOGIT else math.inf)
        for _ in range(_MAX_REFITS):
            if fit.score < _MIN_SCORE or fit.shift <= _STILL:
                break
            before, roi = fit.landmarks, Region.of_landmarks(fit.landmarks)
            landmarks, logit = self._landmarks(image, roi)
            moved = np.linalg.norm(landmarks[:, :2] - before[:, :2], axis=1).mean()
            fit = _Fit(landmarks, logit, float(moved) * REGION_SCALE / roi.size)
        return fit

    def _landmarks(self, image: RgbImage, roi: Region) -> tuple[Landmarks, float]:
        """Return the landmarks in a region, (468, 3) in pixels of the image, and the face logit."""
        matrix = roi.matrix(_INPUT)
        crop = warp(image, matrix, _INPUT, finer=1).transpose(2, 0, 1)[None]
        feed = np.ascontiguousarray(crop, dtype=np.float32) / np.float32(255)
        points, logit = self._mesh.run(None, {self._mesh_input: feed})
        points = points.reshape(468, 3).astype(np.float64)
        flat = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        depth = points[:, 2:] * roi.size / _INPUT
        return np.concatenate([flat, depth], axis=1).astype(np.float32), float(logit.item())


def check_box(box: Any) -> Box:
    """Return a box of the user as four floats.

    Args:
        box: (x, y, width, height) in pixels, each at most :data:`FARTHEST`.

    Raises:
        DeganTypeError: it is not a sequence of four numbers.
        DeganError: a number is infinite, NaN or too large.
    """
    proper = isinstance(box, Sequence | np.ndarray) and not isinstance(box, str) and len(box) == 4
    if not proper or any(isinstance(v, bool) or not isinstance(v, Real) for v in box):
        raise DeganTypeError(
            f"a box must be four numbers (x, y, width, height) in pixels, not {box!r:.60}"
        )
    if not all(abs(value) <= FARTHEST for value in box):
        raise DeganError(f"a box must have numbers of pixels up to {FARTHEST:g}, not {box!r:.60}")
    x, y, width, height = map(float, box)
    return x, y, width, height


def check_face(image: RgbImage, face: Face) -> None:
    """Refuse a face that cannot be a face of the image.

    Args:
        image: RGB uint8 (H, W, 3).
        face: a face.

    Raises:
        DeganError: its landmarks have another shape, are not finite, all lie on one point, or lie
            far outside the image.
    """
    flat = _check_landmarks(face.landmarks)[:, :2]
    height, width = image.shape[:2]
    margin = _MAX_DISTANCE * max(height, width)
    near = (flat >= -margin).all() and (flat <= (width + margin, height + margin)).all()
    if not near or np.ptp(flat[LANDMARKS], axis=0).max() < _MIN_SPREAD:
        raise DeganError(
            f"the landmarks of a face are not those of a face in an image of {width} x {height} "
            "pixels; give each image its own faces"
        )


def _check_landmarks(landmarks: Any) -> NDArray[np.floating]:
    """Return landmarks of the user as an array (468 or 478, 2 or 3) of finite numbers."""
    try:
        points = np.asarray(landmarks)
    except ValueError:  # rows of unequal length
        points = np.empty(0)
    is_mesh = points.ndim == 2 and points.shape[0] in (468, 478) and points.shape[1] in (2, 3)
    if not is_mesh or points.dtype.kind not in "iuf":
        raise DeganError(
            "landmarks must be MediaPipe's face mesh, numbers (468, 3) in pixels, not "
            f"{points.dtype} {points.shape}"
        )
    if not np.isfinite(points).all():
        raise DeganError("landmarks must be finite numbers in pixels; some are infinite or NaN")
    return points


def crop_box(image: RgbImage, box: Box) -> RgbImage:
    """Return the part of an image inside a box (x, y, width, height in pixels).

    Raises:
        DeganError: the box has no area inside the image.
    """
    height, width = image.shape[:2]
    if np.isfinite(box).all():
        left, top = (max(0, math.floor(value)) for value in box[:2])
        right = min(width, math.ceil(box[0] + box[2]))
        bottom = min(height, math.ceil(box[1] + box[3]))
        if right > left and bottom > top and min(box[2:]) > 0:
            return image[top:bottom, left:right]
    raise DeganError(
        f"the box {box} has no area in an image of {width} x {height} pixels; a box is x, y, "
        "width, height"
    )


@dataclass(frozen=True)
class _Fit:
    """Result of a fit: landmarks, face logit, and mean shift of the last refit in face sizes."""

    landmarks: Landmarks
    logit: float
    shift: float

    @property
    def score(self) -> float:
        """Probability of a face according to the landmark network, in [0, 1]."""
        return 1 / (1 + math.exp(-max(-80.0, self.logit)))

    @property
    def is_clear(self) -> bool:
        """Whether the logit is so high that a false detection is very unlikely."""
        return self.logit >= _CLEAR_LOGIT

    @property
    def is_upright(self) -> bool:
        """Whether the face is upright or tilted, not lying on a side or upside down."""
        return abs(roll_of(self.landmarks)) <= _MAX_TILT

    @property
    def is_face(self) -> bool:
        """Whether the score is high and the refit found the landmarks at the same place."""
        return self.score >= _SURE_SCORE and self.shift <= _MAX_SHIFT


def _quality(fit: _Fit, score: float) -> float:
    """Return a rank of fits to the same face: higher for the correct roll, lower if upside down.

    Detection scores of both may be similar, but the landmark logit is over 20 for the correct roll
    and rarely over 10 for the other.
    """
    return score + _LOGIT_WEIGHT * fit.logit


def _plausible_in_crop(fit: _Fit, width: int, height: int) -> bool:
    """Return whether a fit is the main face of a crop: upright, inside it, and large enough."""
    if not fit.is_face or abs(roll_of(fit.landmarks)) > math.radians(60):
        return False
    flat = fit.landmarks[:, :2]
    right, left = flat[list(_RIGHT_EYELIDS)].mean(axis=0), flat[list(_LEFT_EYELIDS)].mean(axis=0)
    mouth = flat[list(_LIP_CORNERS)].mean(axis=0)
    inside = all(0 <= x <= width and 0 <= y <= height for x, y in (right, left, mouth))
    distance = float(np.linalg.norm(left - right)) / max(width, height)
    return inside and mouth[1] > max(right[1], left[1]) and 0.1 <= distance <= 0.8


def _face(image: RgbImage, fit: _Fit, score: float) -> Face:
    height, width = image.shape[:2]
    low, high = fit.landmarks[:, :2].min(axis=0), fit.landmarks[:, :2].max(axis=0)
    margin = _BOX_MARGIN * (high - low)
    left, top = np.clip(low - margin, 0, (width, height)).tolist()
    right, bottom = np.clip(high + margin, 0, (width, height)).tolist()
    box = (left, top, right - left, bottom - top)
    return Face(box, score, fit.landmarks, fit.score)


def _overlap(corners: NDArray[np.float64], box: Box) -> float:
    """Return the intersection area of corners (4,) and a box / area of the smaller one."""
    other = np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])
    both = np.stack([corners, other])
    shared = float(shared_areas(corners, both[1:])[0])
    return shared / max(1e-9, float(areas(both).min()))


def _distinct(fits: list[tuple[_Fit, Face]]) -> list[Face]:
    """Return the best fit of each group of overlapping faces, largest first."""
    fits = sorted(fits, key=lambda pair: -_quality(pair[0], pair[1].score))
    faces = [face for _, face in fits]
    corners = np.array([face.box for face in faces], dtype=np.float64).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    sizes = areas(corners)
    selected: list[int] = []
    for index in range(len(faces)):
        shared = shared_areas(corners[index], corners[selected])
        if not (shared > _SAME_FACE * np.minimum(sizes[index], sizes[selected])).any():
            selected.append(index)
    return [faces[index] for index in sorted(selected, key=lambda index: -float(sizes[index]))]

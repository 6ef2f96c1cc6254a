"""Find all faces of a photo and fit 468 landmarks to each.

Google's face-mesh network checks each proposal of :mod:`degan.faces.detector`. It returns a face
score and the landmarks. A face is kept if a second fit, in the region around the landmarks of the
first fit, finds the same landmarks.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.faces.alignment import check_landmarks
from degan.faces.detector import Detector, Proposals, areas, shared_areas
from degan.faces.face import LARGEST, Box, Face, box_around, check_box, crop_box
from degan.faces.region import REGION_SCALE, Landmarks, Region, roll_of, turn_between
from degan.media.images import RgbImage, check_image
from degan.media.warp import Pixels, as_grey, as_rgb, warp
from degan.system.arguments import as_int, check_flag, check_number
from degan.system.assets import inference_session
from degan.system.machine import MAX_THREADS

__all__ = ["FaceFinder", "is_sure", "is_upright"]

_INPUT = 192  # side of the landmark network's input in pixels
_RIGHT_EYELIDS = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_LEFT_EYELIDS = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
_LIP_CORNERS = (61, 291)

_MIN_SCORE = 0.5  # landmark score below which a fit is not refined
_SURE_SCORE = 0.95  # minimum landmark score of a face after refinement
_CLEAR_LOGIT = 20  # landmark logit; fits with a wrong position or roll rarely reach 10
_CLEAR_SCORE = 1 / (1 + math.exp(-_CLEAR_LOGIT))
_UPRIGHT_LOGIT = 12  # landmark logit of a cut-out face that an upside-down fit never reaches
_OFF_SHARE = 0.5  # upper bound of: shift of the landmarks in a refit / error of their region
_MAX_REFITS = 3
_STILL = 0.03  # shift between two fits, in face sizes, below which refitting stops
_MAX_SHIFT = 0.08  # maximum shift of the last refit, in face sizes
_MAX_TILT = math.radians(50)  # maximum roll of an upright face
_MAX_TURN = math.radians(60)  # maximum difference between detector roll and landmark roll
_SAME_FACE = 0.4  # intersection area / area of the smaller box
_LOGIT_WEIGHT = 0.02  # weight of the landmark logit, added to the detection score
_CROP_SCALES = (1.0, 1.2, 1.45, 1.75)  # region of interest / longer side of a cut-out face


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
            min_face: minimum width of a face in pixels, above 0; larger is faster. The time grows
                with the area of the image / the square of this width.
            threads: maximum number of threads per network run, from 1 to 1024.

        Raises:
            DeganError: an argument is out of range, or a shipped network is damaged.
            DeganTypeError: an argument is not a number.
        """
        check_number(min_face, "min_face", least=0)
        if min_face == 0:
            raise DeganError("min_face must be above 0; give a width in pixels, such as 40")
        threads = as_int(threads, "threads", least=1, most=MAX_THREADS)
        self._detector = Detector(min_face, threads)
        self._mesh = inference_session("face_landmark.onnx", threads)
        self._mesh_input = self._mesh.get_inputs()[0].name

    def find(self, image: RgbImage, *, thorough: bool = False) -> list[Face]:
        """Return all faces of an image at any in-plane rotation, largest first.

        The first pass finds upright and tilted faces. A second pass finds faces that lie on a side
        or are upside down; it is skipped if all faces of the first pass are clear and upright.

        Args:
            image: RGB uint8 (H, W, 3).
            thorough: whether to run the second pass always, at four times the cost.

        Raises:
            DeganError: the image has another type or shape.
            DeganTypeError: ``thorough`` is neither True nor False.
        """
        check_image(image)
        check_flag(thorough, "thorough")
        fits = self._fits(image, self._detector.propose(image))
        if thorough or not fits or not all(is_sure(face) for _, face in fits):
            fits += self._fits(image, self._detector.propose(image, turned=True))
        return _distinct(fits)

    def find_upright(self, image: RgbImage) -> list[Face]:
        """Return the faces of an image that are upright or tilted, largest first.

        Args:
            image: RGB uint8 (H, W, 3).

        Raises:
            DeganError: the image has another type or shape.
        """
        check_image(image)
        return _distinct(self._fits(image, self._detector.propose(image)))

    def find_main(self, image: RgbImage) -> list[Face]:
        """Return the large upright faces of an image, or the result of :meth:`find` if none.

        For data sets: it finds the main face in a fraction of the time and skips small faces in the
        background. The faces are sorted by size, largest first.

        Args:
            image: RGB uint8 (H, W, 3).

        Raises:
            DeganError: the image has another type or shape.
        """
        check_image(image)
        main = self._fits(image, self._detector.propose_upright(image))
        return _distinct(main) or self.find(image)

    def follow(self, image: RgbImage, landmarks: Landmarks) -> Face | None:
        """Return the face at its last position in a video, or None if it is no longer there.

        Args:
            image: the next frame, RGB uint8 (H, W, 3), of the same size as the frame before.
            landmarks: landmarks of the face in the frame before, float32 (468, 3) in pixels.

        Raises:
            DeganError: the image has another type or shape, or the landmarks cannot be those of a
                face in it.
        """
        mesh = check_landmarks(check_image(image), landmarks)
        fit = self._fit(image, Region.of_landmarks(mesh))
        face = _face(image, fit, fit.score) if fit.is_face else None
        return face if face is not None and min(face.box[2:]) > 0 else None

    def find_in_box(self, image: RgbImage, box: Box) -> Face | None:
        """Return the face in a given box, or None; only landmarks are fitted, without a detector.

        Args:
            image: RGB uint8 (H, W, 3).
            box: (x, y, width, height) in pixels, around a face from brow to chin or larger; may
                extend outside the image.

        Raises:
            DeganError: the box has no area inside the image, or the image has another type or
                shape.
            DeganTypeError: the box is not four numbers.
        """
        x, y, width, height = box = check_box(box)
        crop_box(check_image(image), box)
        if max(width, height) > LARGEST * max(image.shape[:2]):
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

        Raises:
            DeganError: the image has another type or shape.
        """
        height, width = check_image(image).shape[:2]
        pixels = as_grey(image)
        found: list[tuple[_Fit, float]] = []
        for proposals in self._detector.propose_in_crop(pixels):
            found = self._fits_in_crop(pixels, proposals)
            main = (fit for fit, _ in found if _plausible_in_crop(fit, width, height))
            if any(fit.logit >= _UPRIGHT_LOGIT for fit in main):
                break  # an upside-down fit would have a lower logit
        if found:
            fit, score = max(found, key=lambda pair: _quality(*pair))
            return _face(image, fit, score) if _plausible_in_crop(fit, width, height) else None
        side = max(height, width)
        rois = [Region(width / 2, height / 2, scale * side, 0.0) for scale in _CROP_SCALES]
        fits = [fit for fit in (self._fit(pixels, roi) for roi in rois) if fit.shift <= _STILL]
        fits = [fit for fit in fits if _plausible_in_crop(fit, width, height)]
        best = max(fits, key=lambda fit: fit.logit, default=None)
        return None if best is None else _face(image, best, best.score)

    def _fits_in_crop(self, image: Pixels, proposals: Proposals) -> "list[tuple[_Fit, float]]":
        """Return the fits and scores of the proposals that are faces."""
        fits = [
            (self._fit(image, Region.of_proposal(proposals, index)), float(proposals.scores[index]))
            for index in range(len(proposals.scores))
        ]
        return [(fit, score) for fit, score in fits if fit.is_face]

    def _fit(self, image: Pixels, roi: Region) -> "_Fit":
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

    def _landmarks(self, image: Pixels, roi: Region) -> tuple[Landmarks, float]:
        """Return the landmarks in a region, (468, 3) in pixels of the image, and the face logit."""
        matrix = roi.matrix(_INPUT)
        crop = as_rgb(warp(image, matrix, _INPUT, finer=1)).transpose(2, 0, 1)[None]
        feed = np.ascontiguousarray(crop, dtype=np.float32) / np.float32(255)
        points, logit = self._mesh.run(None, {self._mesh_input: feed})
        points = points.reshape(468, 3).astype(np.float64)
        flat = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        depth = points[:, 2:] * roi.size / _INPUT
        return np.concatenate([flat, depth], axis=1).astype(np.float32), float(logit.item())


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
    def is_face(self) -> bool:
        """Whether the score is high and the refit found the landmarks at the same place."""
        return self.score >= _SURE_SCORE and self.shift <= _MAX_SHIFT


def is_sure(face: Face) -> bool:
    """Return whether a face is clear and upright; beside others, no turned faces are expected.

    Args:
        face: a face that :class:`FaceFinder` found, or followed.
    """
    return face.landmark_score >= _CLEAR_SCORE and is_upright(face)


def is_upright(face: Face) -> bool:
    """Return whether a face is upright or tilted, not lying on a side or upside down."""
    return abs(roll_of(face.landmarks)) <= _MAX_TILT


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
    return Face(box_around(fit.landmarks, image), score, fit.landmarks, fit.score)


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

"""Find every face of a photo and fit 468 landmarks to it.

Google's face-mesh network checks each proposal of :mod:`degan.faces.detector`: it returns whether
there is a face and where its landmarks are. A face is kept if a second fit, in the frame that the
first one gave, finds the same landmarks.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degan.errors import DeganError
from degan.faces.alignment import LANDMARKS
from degan.faces.detector import Detector, Proposals, areas, shared_areas
from degan.faces.region import REGION_SCALE, Landmarks, Region, roll_of, turn_between
from degan.media.images import RgbImage, check_image
from degan.media.warp import warp
from degan.system.assets import inference_session

__all__ = ["Box", "Face", "FaceFinder", "Landmarks", "inside_of"]

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels."""

_INPUT = 192  # side of the landmark network's input in pixels
_RIGHT_EYELIDS = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_LEFT_EYELIDS = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
_LIP_CORNERS = (61, 291)

_BOX_MARGIN = 0.05
_MIN_SCORE = 0.5  # of the landmarks: below it a fit is not followed up
_SURE_SCORE = 0.95  # what a face must have in the end
_CLEAR_LOGIT = 20  # of the landmarks: a fit in a wrong place or at a wrong roll seldom has 10
_OFF_SHARE = 0.5  # landmarks move by less than half of what their region was off
_MAX_REFITS = 3
_STILL = 0.03  # a shift between two fits, in face sizes, that ends the refitting
_MAX_SHIFT = 0.08  # the most that the last shift may be
_MAX_TILT = math.radians(50)  # of an upright face
_MAX_TURN = math.radians(60)  # between the detector's and the landmarks' roll
_SAME_FACE = 0.4  # shared area / smaller box
_LOGIT_WEIGHT = 0.02  # of the landmarks' logit beside the detector's score
_LARGEST = 2.0  # size of a face that is looked at / longer side of the image
_CROP_SCALES = (1.0, 1.2, 1.45, 1.75)  # region of interest / longer side of a cut-out face


@dataclass(frozen=True)
class Face:
    """One face of an image. Coordinates are continuous: pixel (i, j) covers [j, j+1) x [i, i+1).

    Attributes:
        box: (x, y, width, height) in pixels, upright and inside the image. It is the box of the
            landmarks, 5 % wider on each side: refitted landmarks move less than the detector's
            box, and one box means the same whichever detector found the face.
        score: of the detector, 0-1; of the landmarks for a cut-out face that it missed.
        landmarks: (468, 3) x, y in pixels (may lie outside the image), z in the same scale,
            smaller is nearer. Order of MediaPipe's face mesh.
        landmark_score: 0-1, whether the landmark network sees a face. It tells nothing about
            hidden parts: it stays high with a covered mouth.
    """

    box: Box
    score: float
    landmarks: Landmarks
    landmark_score: float

    @classmethod
    def of_landmarks(cls, image: RgbImage, landmarks: NDArray[np.floating]) -> "Face":
        """Return the face that landmarks of one's own mean; both scores are 1.

        Args:
            image: the image that they are in, RGB uint8 (H, W, 3).
            landmarks: MediaPipe's face mesh in pixels, (468 or 478, 2 or 3).

        Raises:
            DeganError: they are not so, or are no face in the image.
        """
        check_image(image)
        given = np.asarray(landmarks)
        if given.ndim != 2 or given.shape[0] not in (468, 478) or given.shape[1] not in (2, 3):
            raise DeganError(
                f"landmarks must be MediaPipe's face mesh, (468, 3) in pixels, not {given.shape}"
            )
        if not np.isfinite(given).all():
            raise DeganError("landmarks must be numbers of pixels; some are infinite or none")
        points = np.zeros((468, 3), np.float32)
        points[:, : given.shape[1]] = given[:468]
        face = _face(image, _Fit(points, math.inf, 0.0), 1.0)
        small = np.ptp(points[LANDMARKS, :2], axis=0).min() < 1
        large = np.ptp(points[:, :2], axis=0).max() > _LARGEST * max(image.shape[:2])
        if min(face.box[2:]) <= 0 or small or large:
            raise DeganError("landmarks must be of a face in the image, in pixels")
        return face

    @property
    def roll(self) -> float:
        """In-plane rotation in degrees, (-180, 180]: 0 upright, positive clockwise in the image."""
        return math.degrees(roll_of(self.landmarks))


class FaceFinder:
    """Finds faces. Holds networks but no state: one finder may serve many threads."""

    def __init__(self, *, min_face: float = 40, threads: int = 1) -> None:
        """Load the networks.

        Args:
            min_face: smallest width of a face to look for, in pixels; larger is faster. In photos
                longer than 100 times that, 1 % of the longer side counts instead.
            threads: how many threads one network run may use.

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
        """Return every face of an image once, largest first, at whatever in-plane rotation.

        Faces that lie on a side or upside down are looked for unless all that the first look finds
        are clear and upright.

        Args:
            image: RGB uint8 (H, W, 3).
            thorough: look for them beside clear upright faces too, at four times the cost.
        """
        fits = self._fits(image, self._detector.propose(image))
        if thorough or not fits or not all(fit.is_clear and fit.is_upright for fit, _ in fits):
            fits += self._fits(image, self._detector.propose(image, turned=True))
        return _distinct(fits)

    def find_upright(self, image: RgbImage) -> list[Face]:
        """Return the faces of an image that are upright or tilted, largest first."""
        return _distinct(self._fits(image, self._detector.propose(image)))

    def find_main(self, image: RgbImage) -> list[Face]:
        """Return the upright, large faces of an image; if it has none, what :meth:`find` finds.

        What a data set's photo shows is found in a fraction of the time; small faces behind it are
        not looked for.
        """
        main = self._fits(image, self._detector.propose_upright(image))
        return _distinct(main) or self.find(image)

    def follow(self, image: RgbImage, landmarks: Landmarks) -> Face | None:
        """Return the face where it was a moment ago, or None if it is no longer there.

        Args:
            image: the next frame, of the same size.
            landmarks: of the face in the frame before, (468, 3) in pixels.
        """
        fit = self._fit(image, Region.of_landmarks(landmarks))
        face = _face(image, fit, fit.score) if fit.is_face else None
        return face if face is not None and min(face.box[2:]) > 0 else None

    def find_in_box(self, image: RgbImage, box: Box) -> Face | None:
        """Return the face in a box, from brow to chin or larger, or None; nothing is detected.

        Args:
            image: RGB uint8 (H, W, 3).
            box: in pixels; it may reach out of the image.

        Raises:
            DeganError: it has no area inside the image.
        """
        inside_of(image, box)
        x, y, width, height = box
        if max(width, height) > _LARGEST * max(image.shape[:2]):
            return None  # too little of it is seen, and the part to look at would fill the memory
        fit = self._fit(
            image, Region(x + width / 2, y + height / 2, REGION_SCALE * max(width, height), 0.0)
        )
        face = _face(image, fit, fit.score) if fit.is_face else None
        return face if face is not None and min(face.box[2:]) > 0 else None

    def _fits(self, image: RgbImage, proposals: Proposals) -> "list[tuple[_Fit, Face]]":
        """Return the faces among proposals; at one place there may be several."""
        fits: list[tuple[_Fit, Face]] = []
        clear: list[Box] = []
        for index in range(len(proposals.scores)):
            if any(_overlap(proposals.corners[index], box) > _SAME_FACE for box in clear):
                continue  # the same face at another roll
            roi = Region.of_proposal(proposals, index)
            fit = self._fit(image, roi)
            if fit.is_face and turn_between(roll_of(fit.landmarks), roi.roll) <= _MAX_TURN:
                face = _face(image, fit, float(proposals.scores[index]))
                if min(face.box[2:]) > 0:  # else the fit slid off the image
                    fits.append((fit, face))
                    if fit.is_clear:
                        clear.append(face.box)
        return fits

    def find_in_crop(self, image: RgbImage) -> Face | None:
        """Return the face that a picture was cut down to, or None.

        The picture may be as small as 32 pixels and the face may fill it. The detector is asked
        with a border around the picture; where it misses the face, the landmark network looks at
        the whole picture at several scales, and only fits that hold still are believed. The face
        must be upright to 60 degrees, its eyes and mouth inside the picture.
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
        """Fit landmarks in a region, then in the region that these give, until they hold still.

        Where the network is sure of a face, and finds it where the region says, once is enough.
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
        """Run the network on a region: landmarks in pixels of the image, and its logit."""
        matrix = roi.matrix(_INPUT)
        crop = warp(image, matrix, _INPUT, finer=1).transpose(2, 0, 1)[None]
        feed = np.ascontiguousarray(crop, dtype=np.float32) / np.float32(255)
        points, logit = self._mesh.run(None, {self._mesh_input: feed})
        points = points.reshape(468, 3).astype(np.float64)
        flat = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        depth = points[:, 2:] * roi.size / _INPUT
        return np.concatenate([flat, depth], axis=1).astype(np.float32), float(logit.item())


def inside_of(image: RgbImage, box: Box) -> RgbImage:
    """Return the part of an image in a box.

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
        f"the box {box} has no area in an image of {width} x {height} pixels; it is x, y, width, "
        "height"
    )


@dataclass(frozen=True)
class _Fit:
    """Landmarks, the network's logit for a face, and the last refit's shift in face sizes."""

    landmarks: Landmarks
    logit: float
    shift: float

    @property
    def score(self) -> float:
        """0-1, the network's belief that this is a face."""
        return 1 / (1 + math.exp(-max(-80.0, self.logit)))

    @property
    def is_clear(self) -> bool:
        """Tell whether the network is so sure as it hardly ever is of what is no face."""
        return self.logit >= _CLEAR_LOGIT

    @property
    def is_upright(self) -> bool:
        """Tell whether the face is tilted by less than a photo is that lies on a side."""
        return abs(roll_of(self.landmarks)) <= _MAX_TILT

    @property
    def is_face(self) -> bool:
        """Tell whether the network sees a face and finds it again where it says it is."""
        return self.score >= _SURE_SCORE and self.shift <= _MAX_SHIFT


def _quality(fit: _Fit, score: float) -> float:
    """Rank fits to one face: the one that sees it upright, not upside down, comes first.

    The detector's score of the two may be alike; the landmarks' logit is over 20 for the one and
    seldom over 10 for the other.
    """
    return score + _LOGIT_WEIGHT * fit.logit


def _plausible_in_crop(fit: _Fit, width: int, height: int) -> bool:
    """Tell whether a fit is the face of a crop: upright, inside it, and filling enough of it."""
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
    """Return the area that corners (4,) and a box share, as a share of the smaller one."""
    other = np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])
    both = np.stack([corners, other])
    shared = float(shared_areas(corners, both[1:])[0])
    return shared / max(1e-9, float(areas(both).min()))


def _distinct(fits: list[tuple[_Fit, Face]]) -> list[Face]:
    """Keep of each group of overlapping faces the one that is fitted best; largest first."""
    fits = sorted(fits, key=lambda pair: -_quality(pair[0], pair[1].score))
    faces = [face for _, face in fits]
    corners = np.array([face.box for face in faces], dtype=np.float64).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    sizes = areas(corners)
    kept: list[int] = []
    for index in range(len(faces)):
        shared = shared_areas(corners[index], corners[kept])
        if not (shared > _SAME_FACE * np.minimum(sizes[index], sizes[kept])).any():
            kept.append(index)
    return [faces[index] for index in sorted(kept, key=lambda index: -float(sizes[index]))]

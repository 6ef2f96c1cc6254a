"""Track several people through the frames of a video and assign person numbers.

Each face is followed from its landmarks in the frame before, so the detector runs only now and
then. :mod:`degan.data.face_track` instead follows one face of a recording, also backwards.
"""

import math
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.errors import DeganError
from degan.faces.detector import shared_areas
from degan.faces.face import Face
from degan.faces.finder import FaceFinder, is_sure, is_upright
from degan.faces.likeness import Describer, Descriptor
from degan.faces.person_numbers import PersonNumbers
from degan.faces.region import roll_of, turn_between
from degan.media.images import RgbImage, check_image
from degan.system.arguments import check_flag, check_kind, check_number

__all__ = ["TrackedFace", "Tracker"]

SEARCH_INTERVAL: Final = 0.5
"""Default interval between searches for new faces, in seconds."""

_LOOK_AGAIN = 0.1  # search interval in seconds if a face was lost or no face is tracked
# Seconds between searches for turned faces, which take three times as long, if the faces in sight
# are not all clear and upright. The interval grows while the searches find none.
_TURN_AGAIN, _TURN_SELDOM, _TURN_GROWTH = 1.0, 10.0, 4
_OTHER_ROLL = math.radians(90)  # difference above which one of two rolls of a face is wrong
_GIVE_UP = 1.0  # seconds after which a lost track is dropped
_SAME = 0.3  # intersection over union above which two boxes are the same face
_NEAR = 0.7  # distance between centres, in face sizes, of a new face and a lost track
_CUT = 0.2  # mean change of pixels, as a fraction of the value range, at a scene cut
# Median change at a possible cut. It is small for a passer-by and larger for another shot in the
# same studio.
_PERHAPS_CUT = 0.01
_SUDDEN = 3.0  # ratio to the change before; with a moving camera both changes are similar
# Lower quartile of the changes in a face that may be another face now. It stays low if a face is
# only half hidden.
_PERHAPS_SWAP = 0.012
_FAR_APART = 0.3  # seconds between frames above which motion is not expected to be steady
_SAME_LOOK = 0.7  # minimum similarity to the last descriptor if the face may be another one
_WHOLE_LOOK = 0.55  # similarity below which a tracked face is half hidden or turned away
_TINY = (32, 18)
_PATCH = 8
_FINE = 48  # rows and columns of pixels that a patch is averaged from


class TrackedFace(NamedTuple):
    """A face of a frame.

    Attributes:
        person: number of the person, from 1, in the order of appearance.
        face: box and landmarks.
        likeness: face descriptor, float32 (192,), a unit vector. It is computed for new faces, and
            for all faces in frames with a search; otherwise None.
    """

    person: int
    face: Face
    likeness: Descriptor | None = None


@dataclass
class _Track:
    person: int
    face: Face
    seen: float  # time of the last frame with this face, in seconds
    look: Descriptor  # last descriptor
    fresh: bool = True  # whether ``look`` was computed in this frame
    patch: NDArray[np.int16] | None = None  # brightness in its box in the last frame
    moved: float = 0.0  # recent change of ``patch`` from frame to frame
    doubt: bool = False  # whether the face may have been replaced by another one


class Tracker:
    """Tracks people. It has a state: use one tracker per video and pass the frames in order.

    A person who comes back after any time, or after a cut, gets the same number if no other known
    person is more similar.

    Args:
        finder: face finder.
        look_every: interval between searches for new faces in seconds, at least 0. If a face was
            lost or no face is tracked, searches are at most 0.1 seconds apart.
        thorough: whether all searches find faces that lie on a side or are upside down, at four
            times the cost. Otherwise, as in photos, only if the upright faces are not all clear,
            and less often while there are none.

    Raises:
        DeganError: ``look_every`` is out of range, or the shipped network is damaged.
        DeganTypeError: an argument has a wrong type.
    """

    def __init__(
        self,
        finder: FaceFinder,
        *,
        look_every: float = SEARCH_INTERVAL,
        thorough: bool = False,
    ) -> None:
        check_kind(finder, FaceFinder, "finder", "a FaceFinder")
        check_number(look_every, "look_every", least=0)
        check_flag(thorough, "thorough")
        self._finder, self._thorough = finder, thorough
        self._turned_at = -float("inf")  # time of the last search for turned faces
        self._turned_wait = 0.0
        self._look_every = look_every
        self._tracks: list[_Track] = []
        self._lost: list[_Track] = []
        self._describer, self._people = Describer(), PersonNumbers()
        self._looked = -float("inf")
        self._doubt = False
        self._time = 0.0
        self._moved = 0.0
        self._tiny: NDArray[np.int16] | None = None
        self._shape: tuple[int, ...] = ()

    def next(self, image: RgbImage, time: float) -> list[TrackedFace]:
        """Return the faces of the next frame, largest first.

        Args:
            image: RGB uint8 (H, W, 3).
            time: time in seconds after the first frame, at least 0; must not decrease.

        Returns:
            One entry per face, with its person number.

        Raises:
            DeganError: the image has another type or shape, or ``time`` is negative, not finite or
                before the time of the last frame.
            DeganTypeError: an argument has a wrong type.
        """
        check_image(image)
        check_number(time, "time", least=0)
        if time < self._time:
            raise DeganError(
                f"time is {time:g}, before the last frame at {self._time:g} seconds; pass the "
                "frames in order, and use a new Tracker for each video"
            )
        cut, self._doubt = self._changed(image)
        if cut:
            self._tracks, self._lost = [], []
            self._turned_wait = min(self._turned_wait, _TURN_AGAIN)
        else:
            for track in self._tracks:
                _suspect(track, image, far_apart=time - self._time > _FAR_APART)
            self._follow(image, time)
        self._time = time
        if self._doubt or any(track.doubt for track in self._tracks):
            self._looked = -float("inf")
        self._lost = [track for track in self._lost if time - track.seen <= _GIVE_UP]
        wait = self._look_every if self._tracks and not self._lost else _LOOK_AGAIN
        if time - self._looked >= min(wait, self._look_every):
            self._looked = time
            self._look(image, time)
        for track in self._tracks:
            track.patch = _patch(image, track.face)
        found = [
            TrackedFace(track.person, track.face, track.look if track.fresh else None)
            for track in self._tracks
        ]
        return sorted(found, key=lambda one: -one.face.box[2] * one.face.box[3])

    def _changed(self, image: RgbImage) -> tuple[bool, bool]:
        """Return whether the scene or the image size changed, and whether the scene may have."""
        rough = Image.fromarray(image[:: max(1, image.shape[0] // 90)])  # fewer rows, for speed
        tiny = np.asarray(rough.convert("L").resize(_TINY, Image.Resampling.BOX)).astype(np.int16)
        before, self._tiny = self._tiny, tiny
        shape, self._shape = self._shape, image.shape
        if before is None or shape != image.shape:
            return True, True
        change = np.abs(tiny - before) / 255
        steady, self._moved = self._moved, float(np.median(change))
        sudden = self._moved > max(_PERHAPS_CUT, _SUDDEN * steady)
        return float(change.mean()) > _CUT, sudden

    def _follow(self, image: RgbImage, time: float) -> None:
        """Follow all tracks; if two arrive at the same face, keep the one that moved less."""
        found: list[tuple[float, _Track, Face]] = []
        for track in self._tracks:
            face = self._finder.follow(image, track.face.landmarks)
            if face is None:
                self._lost.append(track)
            else:
                found.append((_apart(face, track.face), track, face))
        distinct: list[_Track] = []
        for _, track, face in sorted(found, key=lambda one: one[0]):
            if all(_shared(face, other.face) < _SAME for other in distinct):
                distinct.append(replace(track, face=face, seen=time, fresh=False))
            else:  # hidden behind the other face; it may reappear
                self._lost.append(track)
        self._tracks = sorted(distinct, key=lambda track: track.person)

    def _look(self, image: RgbImage, time: float) -> None:
        """Search for new faces and check by descriptor that tracked faces are still the same."""
        new: list[tuple[Face, Descriptor]] = []
        followed, self._tracks = self._tracks, []
        faces = self._faces(image, time)
        for track in followed:
            track.face = _righted(track.face, faces)
            self._see(track, image, track.face, time, new)
        for face in faces:
            if any(_shared(face, track.face) >= _SAME for track in followed):
                continue
            again = min(self._lost, key=lambda track: _apart(face, track.face), default=None)
            if again is not None and _apart(face, again.face) < _NEAR:
                self._see(again, image, face, time, new)
            else:
                new.append((face, self._describer.describe(image, face)))
        visible = [track.person for track in self._tracks]
        people = self._people.next([look for _, look in new], visible)
        for person, (face, look) in zip(people, new, strict=True):
            self._tracks.append(_Track(person, face, time, look))
        visible += people
        self._lost = [track for track in self._lost if track.person not in visible]
        self._tracks.sort(key=lambda track: track.person)

    def _faces(self, image: RgbImage, time: float) -> list[Face]:
        """Return the faces of an image, also turned ones if they are to be searched for now."""
        if self._thorough:
            return self._finder.find(image, thorough=True)
        faces = self._finder.find_upright(image)
        sure = bool(faces) and all(map(is_sure, faces))
        if sure or time - self._turned_at < self._turned_wait:
            return faces
        faces = self._finder.find(image, thorough=True)
        self._turned_at = time
        if all(map(is_upright, faces)):
            self._turned_wait = min(
                max(_TURN_GROWTH * self._turned_wait, _TURN_AGAIN), _TURN_SELDOM
            )
        else:
            self._turned_wait = 0.0
        return faces

    def _see(
        self,
        track: _Track,
        image: RgbImage,
        face: Face,
        time: float,
        new: list[tuple[Face, Descriptor]],
    ) -> None:
        """Continue a track at a face, or add the face to ``new`` if it is another person.

        The person can change without a visible cut, for example between shots of one studio.
        """
        doubt = self._doubt or track.doubt
        look = self._describer.describe(image, face)
        taken = any(other.person == track.person for other in self._tracks)
        like = float(look @ track.look)
        if taken or (doubt and like < _SAME_LOOK):
            new.append((face, look))
        elif like >= _WHOLE_LOOK:
            self._people.add(track.person, look)
            self._tracks.append(
                replace(track, face=face, seen=time, look=look, fresh=True, doubt=False)
            )
        else:
            self._tracks.append(replace(track, face=face, seen=time, fresh=False, doubt=False))


def _suspect(track: _Track, image: RgbImage, *, far_apart: bool) -> None:
    """Set ``track.doubt`` if the face changed so much that it may be another face now."""
    if track.patch is None:
        return
    change = np.sort(np.abs(_patch(image, track.face) - track.patch), axis=None)
    moved = float(change[change.size // 4]) / 255
    # A repeated frame does not mean that the face is at rest, so ``moved`` decays slowly.
    steady, track.moved = track.moved, max(moved, track.moved / 2)
    track.doubt = moved > max(_PERHAPS_SWAP, 0 if far_apart else _SUDDEN * steady)


def _patch(image: RgbImage, face: Face) -> NDArray[np.int16]:
    """Return the brightness in the box of a face, reduced to (_PATCH, _PATCH) values, 0-255."""
    left, top, wide, high = (round(value) for value in face.box)
    rows = slice(max(0, top), max(0, top + high), max(1, high // _FINE))
    columns = slice(max(0, left), max(0, left + wide), max(1, wide // _FINE))
    part = image[rows, columns]
    if not part.size:
        return np.zeros((_PATCH, _PATCH), np.int16)
    rough = Image.fromarray(np.ascontiguousarray(part)).convert("L")
    return np.asarray(rough.resize((_PATCH, _PATCH), Image.Resampling.BOX)).astype(np.int16)


def _righted(face: Face, found: list[Face]) -> Face:
    """Return a tracked face, or the same face as found with another roll that fits better."""
    for other in found:
        turn = turn_between(roll_of(other.landmarks), roll_of(face.landmarks))
        better = turn > _OTHER_ROLL and other.landmark_score > face.landmark_score
        if better and _shared(other, face) >= _SAME:
            return other
    return face


def _shared(one: Face, other: Face) -> float:
    """Return the intersection over union of two face boxes."""
    corners = np.array([one.box, other.box], dtype=np.float64)
    corners[:, 2:] += corners[:, :2]
    shared = float(shared_areas(corners[0], corners[1:])[0])
    both = one.box[2] * one.box[3] + other.box[2] * other.box[3] - shared
    return shared / both if both > 0 else 0.0


def _apart(one: Face, other: Face) -> float:
    """Return the distance between the centres of two faces, divided by the larger face size."""
    x = (one.box[0] + one.box[2] / 2) - (other.box[0] + other.box[2] / 2)
    y = (one.box[1] + one.box[3] / 2) - (other.box[1] + other.box[3] / 2)
    return float(np.hypot(x, y)) / max(*one.box[2:], *other.box[2:])

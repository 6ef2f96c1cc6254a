"""Several people through the frames of a video: who is where, and who is the same as before.

The landmarks of a frame say where each face is in the next, so that faces are looked for now and
then only. :mod:`degan.data.face_track` follows the one face of a recording, backwards too.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.faces.detector import shared_areas
from degan.faces.finder import Face, FaceFinder
from degan.faces.likeness import Describer, Likeness
from degan.faces.person_numbers import Numbering
from degan.media.images import RgbImage

__all__ = ["Tracked", "Tracker"]

LOOK_EVERY: Final = 0.5
"""Seconds after which new faces are looked for."""

_LOOK_AGAIN = 0.1  # seconds, where somebody was lost or nobody is there
_GIVE_UP = 1.0  # seconds after which a lost person is another one
_SAME = 0.3  # shared area / area of both: one face, found twice
_NEAR = 0.7  # distance of middles, in face sizes: the one that was lost
_CUT = 0.2  # mean change of a pixel that is another scene, of the whole range
_PERHAPS_CUT = 0.01  # median change: not of one who walks by, but of another shot of the studio
_SUDDEN = 3.0  # of the frame before: a camera that moves does so in both
_PERHAPS_SWAP = 0.012  # change of all but a quarter of a face: not of one who is half hidden
_FAR_APART = 0.3  # seconds between frames: nothing moves steadily any more
_SAME_LOOK = 0.7  # likeness of a face to its last look, where it is perhaps another
_WHOLE_LOOK = 0.55  # elsewhere: below it the face is half hidden, or turned away
_TINY = (32, 18)
_PATCH = 8
_FINE = 48  # rows and columns that a patch is made of


class Tracked(NamedTuple):
    """A face of a frame.

    Attributes:
        person: number of whom it belongs to, from 1, in the order of appearance.
        face: where it is.
        likeness: what it looks like, where that was asked in this frame: of each new face, and of
            all when faces are looked for; else None.
    """

    person: int
    face: Face
    likeness: Likeness | None = None


@dataclass
class _Track:
    person: int
    face: Face
    seen: float  # seconds of the video, when last
    look: Likeness  # the last one
    fresh: bool = True  # whether it is of this frame
    patch: NDArray[np.int16] | None = None  # what was in its box in the last frame
    moved: float = 0.0  # how much that changes from frame to frame
    doubt: bool = False  # whether it changed like a face that another one replaced


class Tracker:
    """Follows people. It has a state: one a video, frames in order.

    Who comes back after whatever time, or after a cut, gets the same number if the face resembles
    that of nobody else more.

    Args:
        finder: of faces.
        look_every: seconds after which new faces are looked for.
    """

    def __init__(self, finder: FaceFinder, *, look_every: float = LOOK_EVERY) -> None:
        self._finder = finder
        self._look_every = look_every
        self._tracks: list[_Track] = []
        self._lost: list[_Track] = []
        self._describer, self._people = Describer(), Numbering()
        self._looked = -float("inf")
        self._doubt = False
        self._time = 0.0
        self._moved = 0.0
        self._tiny: NDArray[np.int16] | None = None
        self._shape: tuple[int, ...] = ()

    def next(self, image: RgbImage, time: float) -> list[Tracked]:
        """Return the faces of the next frame, largest first.

        Args:
            image: RGB uint8 (H, W, 3).
            time: seconds from the first frame; never less than before.
        """
        cut, self._doubt = self._changed(image)
        if cut:
            self._tracks, self._lost = [], []
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
            Tracked(track.person, track.face, track.look if track.fresh else None)
            for track in self._tracks
        ]
        return sorted(found, key=lambda one: -one.face.box[2] * one.face.box[3])

    def _changed(self, image: RgbImage) -> tuple[bool, bool]:
        """Tell whether this is another scene, or of another size; and whether it may be one."""
        rough = Image.fromarray(image[:: max(1, image.shape[0] // 90)])  # rows enough
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
        """Find each face where it was; of two that became one that one stays that moved less."""
        found: list[tuple[float, _Track, Face]] = []
        for track in self._tracks:
            face = self._finder.follow(image, track.face.landmarks)
            if face is None:
                self._lost.append(track)
            else:
                found.append((_apart(face, track.face), track, face))
        kept: list[_Track] = []
        for _, track, face in sorted(found, key=lambda one: one[0]):
            if all(_shared(face, other.face) < _SAME for other in kept):
                kept.append(replace(track, face=face, seen=time, fresh=False))
            else:  # hidden behind that one, and may come out again
                self._lost.append(track)
        self._tracks = sorted(kept, key=lambda track: track.person)

    def _look(self, image: RgbImage, time: float) -> None:
        """Look for faces that are not followed, and whether those that are did not change."""
        new: list[tuple[Face, Likeness]] = []
        followed, self._tracks = self._tracks, []
        for track in followed:
            self._see(track, image, track.face, time, new)
        for face in self._finder.find_upright(image):
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

    def _see(
        self,
        track: _Track,
        image: RgbImage,
        face: Face,
        time: float,
        new: list[tuple[Face, Likeness]],
    ) -> None:
        """Go on with a person at a face, unless it is somebody else: as after a hidden cut."""
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
    """Take note of whether a face changed like one in whose place there is another now."""
    if track.patch is None:
        return
    change = np.sort(np.abs(_patch(image, track.face) - track.patch), axis=None)
    moved = float(change[change.size // 4]) / 255
    # A frame that comes twice is no sign of rest, so what moved is not forgotten at once.
    steady, track.moved = track.moved, max(moved, track.moved / 2)
    track.doubt = moved > max(_PERHAPS_SWAP, 0 if far_apart else _SUDDEN * steady)


def _patch(image: RgbImage, face: Face) -> NDArray[np.int16]:
    """Return how bright it is in the box of a face, roughly."""
    left, top, wide, high = (round(value) for value in face.box)
    rows = slice(max(0, top), max(0, top + high), max(1, high // _FINE))
    columns = slice(max(0, left), max(0, left + wide), max(1, wide // _FINE))
    part = image[rows, columns]
    if not part.size:
        return np.zeros((_PATCH, _PATCH), np.int16)
    rough = Image.fromarray(np.ascontiguousarray(part)).convert("L")
    return np.asarray(rough.resize((_PATCH, _PATCH), Image.Resampling.BOX)).astype(np.int16)


def _shared(one: Face, other: Face) -> float:
    """Return the area that two faces share, of the area of both."""
    corners = np.array([one.box, other.box], dtype=np.float64)
    corners[:, 2:] += corners[:, :2]
    shared = float(shared_areas(corners[0], corners[1:])[0])
    both = one.box[2] * one.box[3] + other.box[2] * other.box[3] - shared
    return shared / both if both > 0 else 0.0


def _apart(one: Face, other: Face) -> float:
    """Return how far the middles of two faces lie apart, in sizes of the larger."""
    x = (one.box[0] + one.box[2] / 2) - (other.box[0] + other.box[2] / 2)
    y = (one.box[1] + one.box[3] / 2) - (other.box[1] + other.box[3] / 2)
    return float(np.hypot(x, y)) / max(*one.box[2:], *other.box[2:])

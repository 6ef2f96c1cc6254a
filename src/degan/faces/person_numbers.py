"""Assign person numbers to faces online: each face gets a known person or a new number."""

import math
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.faces.likeness import DESCRIPTOR_SIZE, Descriptor

__all__ = ["MAX_PEOPLE", "PersonNumbers"]

MAX_PEOPLE: Final = 1000
"""Default maximum number of people kept in memory."""

_LATEST: Final = 1 / 20  # minimum weight of a new face in the mean: appearance may change

# The similarity of different people ("strangers") depends on light and camera: strangers in one
# studio are as similar as one person under many lights. So the threshold for "same person" is
# computed from the similarities of strangers seen so far. At first there are few, so a prior with
# the weight of _STRANGERS pairs is added. All constants were chosen on half of the London people
# and on rendered people, see benchmarks/people.py.
_STRANGERS: Final = 100
_LIKENESS, _SPREAD = 0.37, 0.16  # prior mean and standard deviation of strangers' similarity
_ABOVE: Final = 2.7  # threshold: this many standard deviations above the strangers' mean
_LEAST, _MOST_ASKED = 0.58, 0.9


class PersonNumbers:
    """Assigns each face the number of the most similar known person, or a new number.

    Numbers start at 1, in the order of appearance. They depend only on the faces and their order.
    Only the mean descriptor of each person is kept, so memory is bounded. Beyond ``most`` people,
    the person not seen for the longest time is forgotten; if that person comes back, the number is
    new. The similarity threshold adapts to the similarity of different people seen so far.

    Args:
        most: maximum number of people kept in memory.

    Raises:
        ValueError: ``most`` is below 1.
    """

    def __init__(self, *, most: int = MAX_PEOPLE) -> None:
        if most < 1:
            raise ValueError(f"most must be at least 1, not {most}")
        self._most = most
        # One row per known person.
        self._means = np.empty((0, DESCRIPTOR_SIZE), np.float32)
        self._faces = np.empty(0, np.int64)
        self._numbers = np.empty(0, np.int64)
        self._seen = np.empty(0, np.int64)
        self._given = self._pictures = 0
        # Similarities of different people: count, sum, sum of squares.
        self._strangers = float(_STRANGERS)
        self._sum = _STRANGERS * _LIKENESS
        self._squares = _STRANGERS * (_LIKENESS**2 + _SPREAD**2)

    def __len__(self) -> int:
        """Return the number of people in memory."""
        return len(self._numbers)

    @property
    def threshold(self) -> float:
        """Current similarity threshold, -1 to 1: at or above it, a face is a known person."""
        mean = self._sum / self._strangers
        spread = math.sqrt(max(0.0, self._squares / self._strangers - mean**2))
        threshold = mean + _ABOVE * spread
        return min(_MOST_ASKED, max(_LEAST, threshold))

    def next(self, faces: Sequence[Descriptor], taken: Collection[int] = ()) -> list[int]:
        """Return the person number of each face of an image; all are different.

        Faces are matched greedily, the most similar pair of face and person first. Faces without a
        match get new numbers, in the given order.

        Args:
            faces: descriptors of the faces, see :class:`degan.faces.likeness.Describer`.
            taken: numbers of people who cannot be among these faces.
        """
        self._pictures += 1
        likeness = self._likeness(faces)
        found = _matched(likeness, self.threshold, np.isin(self._numbers, list(taken)))
        strange = np.ones(likeness.shape, bool)
        strange[list(found), list(found.values())] = False
        self._strangers += float(strange.sum())
        self._sum += float(likeness[strange].sum())
        self._squares += float(np.square(likeness[strange]).sum())
        known = {face: int(self._numbers[row]) for face, row in found.items()}
        numbers = []
        for place, face in enumerate(faces):
            number = known.get(place)
            if number is None:
                self._given += 1
                number = self._given
            numbers.append(number)
            self.add(number, face)
        self._forget()
        return numbers

    def add(self, number: int, face: Descriptor) -> None:
        """Add a face to a person whose number is already known, for example from tracking.

        A forgotten person is stored again under the same number.

        Args:
            number: number of the person.
            face: descriptor of the face.

        Raises:
            ValueError: the number was never assigned.
        """
        if not 1 <= number <= self._given:
            raise ValueError(f"no person has the number {number}")
        (rows,) = np.nonzero(self._numbers == number)
        if not len(rows):
            self._means = np.concatenate([self._means, np.asarray(face)[None]])
            self._faces = np.append(self._faces, 1)
            self._numbers = np.append(self._numbers, number)
            self._seen = np.append(self._seen, self._pictures)
            return
        row = rows[0]
        self._faces[row] += 1
        self._seen[row] = self._pictures
        share = max(_LATEST, 1 / int(self._faces[row]))
        self._means[row] += np.float32(share) * (face - self._means[row])

    def _likeness(self, faces: Sequence[Descriptor]) -> NDArray[np.float32]:
        """Return the similarities (N, P) of N faces and P known people."""
        lengths = np.linalg.norm(self._means, axis=1, keepdims=True)
        means = self._means / np.maximum(lengths, 1e-6)
        described = np.array(faces, np.float32).reshape(len(faces), DESCRIPTOR_SIZE)
        likeness: NDArray[np.float32] = described @ means.T
        return likeness

    def _forget(self) -> None:
        """Drop the people not seen for the longest time; among equals, the lowest numbers."""
        if len(self._numbers) > self._most:
            order = np.lexsort((self._numbers, self._seen))
            recent = np.sort(order[len(order) - self._most :])
            self._means, self._faces = self._means[recent], self._faces[recent]
            self._numbers, self._seen = self._numbers[recent], self._seen[recent]


def _matched(
    likeness: NDArray[np.float32], threshold: float, taken: NDArray[np.bool_]
) -> dict[int, int]:
    """Return a greedy one-to-one matching of faces and people, the most similar pair first.

    Args:
        likeness: similarities, faces x people.
        threshold: minimum similarity of a match.
        taken: bool (people,), True for people who must not be matched.

    Returns:
        Row of the face -> column of the person.
    """
    left = np.where(taken, -np.inf, likeness)
    found: dict[int, int] = {}
    while left.size:
        face, person = divmod(int(left.argmax()), left.shape[1])
        if not left[face, person] >= threshold:
            break
        found[face] = person
        left[face], left[:, person] = -np.inf, -np.inf
    return found

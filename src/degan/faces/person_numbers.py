"""Who of the people seen so far a face is: numbers that stay, given as the faces come."""

import math
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from degan.faces.likeness import LENGTH, Likeness

__all__ = ["MOST", "Numbering"]

MOST: Final = 1000
"""People who are remembered."""

_LATEST: Final = 1 / 20  # least share of a new face in the mean: a person's looks may change

# How alike different people of an event look depends on its light and camera: strangers of one
# studio are as like as one person in many lights. So the least likeness of one person follows from
# that of strangers, of whom there are few at first: as much as of so many is taken for granted.
# All chosen on half of the London people and on rendered ones, see benchmarks/people.py.
_STRANGERS: Final = 100
_LIKENESS, _SPREAD = 0.37, 0.16  # of strangers: mean, standard deviation
_ABOVE: Final = 2.7  # spreads above strangers' mean, where one person begins
_LEAST, _MOST_ASKED = 0.58, 0.9


class Numbering:
    """Gives each face the number of the person whom it resembles most, or a new one.

    Numbers begin at 1, in the order of appearance. They follow from the faces and their order
    alone. Of each person the mean of the faces is kept, so memory is bounded: beyond ``most``
    people the one who was not seen for longest is forgotten, and is somebody new afterwards.
    How like a face must be to be somebody's follows from how alike different people were so far.

    Args:
        most: people who are remembered.

    Raises:
        ValueError: nobody is to be remembered.
    """

    def __init__(self, *, most: int = MOST) -> None:
        if most < 1:
            raise ValueError(f"somebody must be remembered, not {most} people")
        self._most = most
        # A row a person who is remembered.
        self._means = np.empty((0, LENGTH), np.float32)
        self._faces = np.empty(0, np.int64)
        self._numbers = np.empty(0, np.int64)
        self._seen = np.empty(0, np.int64)
        self._given = self._pictures = 0
        # Of the likeness of strangers: how many, sum, sum of squares.
        self._strangers = float(_STRANGERS)
        self._sum = _STRANGERS * _LIKENESS
        self._squares = _STRANGERS * (_LIKENESS**2 + _SPREAD**2)

    def __len__(self) -> int:
        """How many people are remembered."""
        return len(self._numbers)

    @property
    def asked(self) -> float:
        """The least likeness, -1 to 1, by which the next face is somebody who was seen."""
        mean = self._sum / self._strangers
        spread = math.sqrt(max(0.0, self._squares / self._strangers - mean**2))
        asked = mean + _ABOVE * spread
        return min(_MOST_ASKED, max(_LEAST, asked))

    def next(self, faces: Sequence[Likeness], taken: Collection[int] = ()) -> list[int]:
        """Return the number of each face of a picture; no two have the same.

        The likest pair of a face and a person comes first. Faces that are nobody's get new
        numbers in their order.

        Args:
            faces: descriptions, see :class:`degan.faces.likeness.Describer`.
            taken: people who are none of these faces.
        """
        self._pictures += 1
        likeness = self._likeness(faces)
        found = _matched(likeness, self.asked, np.isin(self._numbers, list(taken)))
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

    def add(self, number: int, face: Likeness) -> None:
        """Take note of a further face of a person whose number is known from elsewhere.

        Of somebody who was forgotten the number stays: it is remembered again with this face.

        Raises:
            ValueError: nobody got that number.
        """
        if not 1 <= number <= self._given:
            raise ValueError(f"nobody has the number {number}")
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

    def _likeness(self, faces: Sequence[Likeness]) -> NDArray[np.float32]:
        """Return the likeness (N, P) of N faces to P people."""
        lengths = np.linalg.norm(self._means, axis=1, keepdims=True)
        means = self._means / np.maximum(lengths, 1e-6)
        described = np.array(faces, np.float32).reshape(len(faces), LENGTH)
        likeness: NDArray[np.float32] = described @ means.T
        return likeness

    def _forget(self) -> None:
        """Drop whoever was not seen for longest; the lowest numbers of those seen together."""
        if len(self._numbers) > self._most:
            order = np.lexsort((self._numbers, self._seen))
            kept = np.sort(order[len(order) - self._most :])
            self._means, self._faces = self._means[kept], self._faces[kept]
            self._numbers, self._seen = self._numbers[kept], self._seen[kept]


def _matched(
    likeness: NDArray[np.float32], asked: float, taken: NDArray[np.bool_]
) -> dict[int, int]:
    """Return which face (row) is which person (column), each once; the likest pair comes first."""
    left = np.where(taken, -np.inf, likeness)
    found: dict[int, int] = {}
    while left.size:
        face, person = divmod(int(left.argmax()), left.shape[1])
        if not left[face, person] >= asked:
            break
        found[face] = person
        left[face], left[:, person] = -np.inf, -np.inf
    return found

"""Synthetic people rendered while training goes on: new ones without end, nothing on disk."""

from collections.abc import Iterator
from itertools import count
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from degan.labels import EXPRESSIONS, sort_classes
from degan.synthetic.plan import Difficulty, SynthesisSettings, cast, shots_of
from degan.synthetic.renderer import performed, prepare_person, render

TOGETHER: Final = 32
"""People whose pictures come mixed."""

_ORDER: Final = 3  # the stream of randomness beside those of people, pictures and sequences


class StreamedFace(NamedTuple):
    """A picture and what is known of it; a loader makes batches (N, ...) of each.

    Attributes:
        image: RGB, uint8 (size, size, 3), in degan's canonical frame.
        expression: index into :attr:`SyntheticStream.expressions`, int64 ().
        person: who, int64 (), from 0 without end.
        actions: what the face does, float32 (52,) in [0, 1], in the order of
            :attr:`degan.synthetic.head_model.Head.action_names`.
    """

    image: Tensor
    expression: Tensor
    person: Tensor
    actions: Tensor


class SyntheticStream(IterableDataset[StreamedFace]):
    """Person after person, :data:`TOGETHER` at a time with their pictures mixed.

    All follows from the arguments. Person p's pictures are those of ``degan synthesize`` with the
    same arguments and ``images_each`` pictures for each of any number of people. A loader's workers
    take turns at the groups of people, so none is rendered twice; how the groups' batches follow
    each other depends on the number of workers, what each group holds does not. Every iteration
    begins with person 0.

    Attributes:
        expressions: what is shown, in the order of :data:`degan.labels.EXPRESSIONS`.
    """

    def __init__(
        self,
        *,
        images_each: int = 40,
        size: int = 48,
        seed: int = 0,
        difficulty: Difficulty = "varied",
        expressions: tuple[str, ...] = EXPRESSIONS,
    ) -> None:
        """Plan the stream; see :class:`degan.synthetic.plan.SynthesisSettings`.

        Args:
            images_each: pictures of each person.
            size: side of the pictures in pixels.
            seed: of everything.
            difficulty: see there.
            expressions: what is shown, in equal numbers.

        Raises:
            DeganError: a value is out of range, unknown, or does not fit the others.
        """
        # Where all have the same number of pictures, a plan for one holds for any number of people.
        self._settings = SynthesisSettings(
            people=1,
            images=images_each,
            size=size,
            seed=seed,
            difficulty=difficulty,
            expressions=expressions,
        )
        self.expressions = sort_classes(set(self._settings.expressions))

    def __iter__(self) -> Iterator[StreamedFace]:
        """Yield this worker's share of the pictures, without end."""
        worker = get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for group in count(first, step):
            yield from self._group(group)

    def _group(self, number: int) -> Iterator[StreamedFace]:
        """Yield the pictures of a group of people in an order that follows from the seed."""
        numbers = range(number * TOGETHER, (number + 1) * TOGETHER)
        people = [cast(self._settings, person) for person in numbers]
        figures = [prepare_person(person) for person in people]
        shots = [shot for person in numbers for shot in shots_of(self._settings, person)]
        order = np.random.default_rng([self._settings.seed, _ORDER, number]).permutation(len(shots))
        for place in order:
            shot = shots[place]
            member = shot.person - numbers.start
            actions = shot.expression.actions
            picture = render(figures[member], actions, shot.scene, self._settings.size)
            yield StreamedFace(
                torch.from_numpy(picture),
                torch.tensor(self.expressions.index(shot.expression.label)),
                torch.tensor(shot.person),
                torch.from_numpy(performed(people[member], actions)),
            )

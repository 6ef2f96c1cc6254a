"""Endless stream of synthetic people, rendered during training and not stored on disk."""

from collections.abc import Iterator
from itertools import count
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from degan.labels import EXPRESSIONS, sort_classes
from degan.synthetic.plan import Difficulty, SynthesisSettings, person_in, shots_of
from degan.synthetic.renderer import performed, prepare_person, render

TOGETHER: Final = 32
"""Number of people per group; the pictures of a group are shuffled together."""

_ORDER: Final = 3  # random stream of the order; people, pictures and sequences have others


class StreamedFace(NamedTuple):
    """A rendered picture and its labels; a data loader batches each field to (N, ...).

    Attributes:
        image: RGB, uint8 (size, size, 3), in degan's canonical frame.
        expression: index into :attr:`SyntheticStream.expressions`, int64 ().
        person: index of the person, int64 (), from 0 without end.
        actions: amounts of the facial actions, float32 (52,) in [0, 1], in the order of
            :attr:`degan.synthetic.head_model.Head.action_names`.
    """

    image: Tensor
    expression: Tensor
    person: Tensor
    actions: Tensor


class SyntheticStream(IterableDataset[StreamedFace]):
    """Endless data set of rendered people, in shuffled groups of :data:`TOGETHER` people.

    The stream depends only on the arguments. The pictures of person p are those that ``degan
    synthesize`` renders with the same arguments and ``images_each`` pictures per person, for any
    number of people. The workers of a data loader share the groups, so no group is rendered twice.
    The number of workers affects the order of batches from different groups, not the content of a
    group. Every iteration begins with person 0.

    Attributes:
        expressions: names of the classes, in the order of :data:`degan.labels.EXPRESSIONS`.
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
        """Check the arguments; see :class:`degan.synthetic.plan.SynthesisSettings`.

        Args:
            images_each: number of pictures per person, at least 1.
            size: side of the pictures in pixels, from 32 to 512.
            seed: random seed of the stream, from 0 to 2**31 - 1.
            difficulty: difficulty of the pictures, as in ``SynthesisSettings``.
            expressions: names of the expressions; each has the same number of pictures.

        Raises:
            DeganError: a value is out of range, unknown, or does not fit the others.
        """
        # All people have the same number of pictures, so the plan for one is valid for all.
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
        """Yield the pictures of this worker's groups, without end."""
        worker = get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for group in count(first, step):
            yield from self._group(group)

    def _group(self, number: int) -> Iterator[StreamedFace]:
        """Yield the pictures of a group of people in an order determined by the seed."""
        numbers = range(number * TOGETHER, (number + 1) * TOGETHER)
        people = [person_in(self._settings, person) for person in numbers]
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

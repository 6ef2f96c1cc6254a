"""Known amounts of facial actions in a data set, as training targets for the networks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from degan.data.factors import Value, is_missing, read_existing_columns
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.labels import CODE_ACTIONS, FACIAL_ACTIONS

_SIDES = ("", "Left", "Right")


def read_actions(dataset: Dataset, indices: Sequence[int]) -> NDArray[np.float32]:
    """Return the amounts of the facial actions of some samples, averaged over left and right.

    Args:
        dataset: data set of rendered people.
        indices: indices of N of its samples.

    Returns:
        Float32 (N, 16), columns as :data:`degan.labels.CODE_ACTIONS`, from 0 to a little above 1.

    Raises:
        DeganError: the data set does not contain the amounts, or its table is damaged.
    """
    columns_of = {name: [f"action_{name}{side}" for side in _SIDES] for name in CODE_ACTIONS}
    known = read_existing_columns(
        dataset, [name for names in columns_of.values() for name in names]
    )
    means = []
    for name, columns in columns_of.items():
        sides = [known[column] for column in columns if column in known]
        amounts = [amount for values in sides for amount in values]
        if not sides or not all(_is_amount(amount) for amount in amounts):
            raise DeganError(
                f"{dataset.folder} does not contain the amount of {name} for every picture, which "
                "gan.weight_actions needs; set it to 0, or train on rendered people"
            )
        means.append(np.mean(np.array(sides, dtype=np.float32), axis=0))
    return np.stack(means, axis=1)[list(indices)]


def read_all_actions(dataset: Dataset) -> NDArray[np.float32]:
    """Return the amounts of all facial actions of all samples, left and right separately.

    Args:
        dataset: data set of rendered people, with N samples.

    Returns:
        Float32 (N, 52), columns as :data:`degan.labels.FACIAL_ACTIONS`, in [0, 1].

    Raises:
        DeganError: the data set does not contain the amounts, or its table is damaged.
    """
    columns = [f"action_{name}" for name in FACIAL_ACTIONS]
    known = read_existing_columns(dataset, columns)
    for name in columns:
        if name not in known or not all(_is_share(value) for value in known[name]):
            raise DeganError(
                f"{dataset.folder} does not contain the amount (0 to 1) of "
                f"{name.removeprefix('action_')} for every picture; use rendered people ('degan "
                "synthesize'), for whom all 52 facial actions are known"
            )
    return np.array([known[name] for name in columns], dtype=np.float32).T


def _is_amount(value: Value) -> bool:
    return isinstance(value, float) and not is_missing(value)


def _is_share(value: Value) -> bool:
    return isinstance(value, float) and 0 <= value <= 1

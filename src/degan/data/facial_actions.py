"""Known amounts of facial actions in a data set of rendered people, or joined with such a one.

``degan synthesize`` writes them to ``factors.parquet``. A joined data set has them in
``facial_actions.parquet``: one row per crop, ``file`` as in the manifest, and the 52 actions in the
columns of ``factors.parquet``; empty for photos, whose actions are not known.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from degan.data.factors import read_numbers
from degan.data.manifest import Dataset
from degan.data.set_layout import FACIAL_ACTIONS_FILE, FACTORS_FILE
from degan.errors import DeganError
from degan.labels import CODE_ACTIONS, FACIAL_ACTIONS
from degan.system.extras import import_package
from degan.system.files import atomic_write

Amounts = NDArray[np.float32]

_FILE: Final = "file"
_COLUMNS: Final = tuple(f"action_{name}" for name in FACIAL_ACTIONS)
_SIDES: Final = ("", "Left", "Right")
_ROW_GROUP: Final = 2**16  # rows; readers unpack a group at a time


def has_amounts(amounts: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Return which rows of float (N, C) have an amount of every action, bool (N,)."""
    known: NDArray[np.bool_] = ~np.isnan(amounts).any(axis=1)
    return known


def read_actions(dataset: Dataset, indices: Sequence[int]) -> Amounts:
    """Return the amounts of the facial actions of some samples, averaged over left and right.

    Args:
        dataset: data set of rendered people, alone or joined with photos.
        indices: indices of N of its samples.

    Returns:
        Float32 (N, 16), columns as :data:`degan.labels.CODE_ACTIONS`, from 0 to a little above 1;
        NaN in the rows of samples without amounts.

    Raises:
        DeganError: none of the samples has amounts, a sample of the data set has amounts of some
            actions only, or the table is damaged.
    """
    known = read_amounts(dataset)
    means = []
    for name in CODE_ACTIONS:
        sides = [f"{name}{side}" for side in _SIDES]
        places = [FACIAL_ACTIONS.index(side) for side in sides if side in FACIAL_ACTIONS]
        means.append(np.mean(np.stack([known[:, place] for place in places]), axis=0))
    amounts = np.stack(means, axis=1)
    unknown = np.isnan(amounts)
    some = amounts[~unknown.all(axis=1)]  # samples with an amount, which must have them all
    missing = np.isnan(some).any(axis=0) if len(some) else unknown.any(axis=0)
    if missing.any():
        raise DeganError(
            f"{dataset.folder} does not contain the amount of {CODE_ACTIONS[missing.argmax()]} for "
            "every picture, which gan.weight_actions needs; set it to 0, or train on rendered "
            "people, alone or joined with photos"
        )
    chosen = amounts[list(indices)]
    if len(chosen) and not has_amounts(chosen).any():
        raise DeganError(
            f"none of the {len(chosen)} training pictures of {dataset.folder} has known facial "
            "actions, which gan.weight_actions needs; set it to 0, or train on its rendered people "
            "too"
        )
    return chosen


def read_all_actions(dataset: Dataset) -> Amounts:
    """Return the amounts of all facial actions of all samples, left and right separately.

    Args:
        dataset: data set of rendered people, with N samples.

    Returns:
        Float32 (N, 52), columns as :data:`degan.labels.FACIAL_ACTIONS`, in [0, 1].

    Raises:
        DeganError: a sample has no amounts, an amount is not in [0, 1], or the table is damaged.
    """
    amounts = read_amounts(dataset)
    _check_shares(dataset, amounts)
    return amounts


def read_known_actions(dataset: Dataset) -> Amounts:
    """Return the amounts of all facial actions of all samples, as far as they are known.

    Args:
        dataset: a prepared data set, with N samples.

    Returns:
        Float32 (N, 52), columns as :data:`degan.labels.FACIAL_ACTIONS`, in [0, 1]; NaN in the rows
        of samples without amounts.

    Raises:
        DeganError: a sample has amounts of some actions only, an amount is not in [0, 1], or the
            table is damaged.
    """
    amounts = read_amounts(dataset)
    _check_shares(dataset, amounts[~np.isnan(amounts).all(axis=1)])
    return amounts


def _check_shares(dataset: Dataset, amounts: Amounts) -> None:
    wrong = ~((amounts >= 0) & (amounts <= 1))
    if wrong.any():
        raise DeganError(
            f"{dataset.folder} does not contain the amount (0 to 1) of "
            f"{FACIAL_ACTIONS[wrong.any(axis=0).argmax()]} for every picture; use rendered people "
            "('degan synthesize'), for whom all 52 facial actions are known"
        )


def read_amounts(dataset: Dataset) -> Amounts:
    """Return the amounts of all facial actions as they are in the tables of a data set.

    Args:
        dataset: a prepared data set, with N samples.

    Returns:
        Float32 (N, 52), columns as :data:`degan.labels.FACIAL_ACTIONS`; NaN where an amount is not
        known, so everywhere if the data set has no such table.

    Raises:
        DeganError: a table is damaged or has no row for a sample, or pyarrow is not installed.
    """
    for name in (FACTORS_FILE, FACIAL_ACTIONS_FILE):
        if (dataset.folder / name).exists():
            return read_numbers(dataset, name, _COLUMNS)
    return np.full((len(dataset.samples), len(_COLUMNS)), np.nan, dtype=np.float32)


def write_actions(folder: Path, files: Sequence[str], amounts: Amounts) -> None:
    """Write ``facial_actions.parquet`` to a data set's folder; no file if no amount is known.

    Args:
        folder: folder of the data set.
        files: files of its N samples, as in the manifest.
        amounts: float32 (N, 52), columns as :data:`degan.labels.FACIAL_ACTIONS`; NaN if not known.

    Raises:
        DeganError: pyarrow is not installed, or the file cannot be written.
    """
    if np.isnan(amounts).all():
        return
    path = folder / FACIAL_ACTIONS_FILE
    arrow, parquet = (
        import_package(name, "degan[synthetic]", needs=f"{path} needs pyarrow")
        for name in ("pyarrow", "pyarrow.parquet")
    )
    columns = {_FILE: arrow.array(files, arrow.string())}
    for name, values in zip(_COLUMNS, amounts.T, strict=True):
        columns[name] = arrow.array(values, mask=np.isnan(values))
    # Arrow refuses paths that are not UTF-8.
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        parquet.write_table(arrow.table(columns), file, row_group_size=_ROW_GROUP)

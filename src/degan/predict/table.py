"""Faces as a pandas DataFrame with one row per face, for Python scripts and notebooks."""

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from degan.errors import DeganError
from degan.predict.call_settings import Plan
from degan.predict.inputs import find_inputs
from degan.predict.reader import ReadOptions, open_reader, prior_option
from degan.predict.records import BOX, Record, Result, columns, printable, rows_of, to_record
from degan.predict.run import predict
from degan.recognition.label_shift import Prior
from degan.recognition.prediction import Prediction
from degan.system.arguments import (
    PathLike,
    as_path,
    as_paths,
    check_callback,
    check_flag,
    check_groups,
    check_list,
)
from degan.system.extras import LazyModule, import_package
from degan.system.progress import Progress

if TYPE_CHECKING:
    import pandas
else:  # pandas is optional and slow to import; get_type_hints() needs a name for it all the same
    pandas = LazyModule("pandas")

__all__ = ["CALMEST", "read", "to_frame"]

CALMEST = "calmest"
"""Value of ``neutral`` for the calmest frames of each person in a video."""

_DTYPES = {int: "Int64", float: "float64", bool: "boolean", str: "object"}


def read(
    source: PathLike | Sequence[PathLike],
    *,
    weights: PathLike | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    crops: bool = False,
    thorough: bool = False,
    actions: bool = False,
    people: bool = False,
    neutral: PathLike | None = None,
    prior: Prior | None = None,
    smooth: float | None = None,
    rate: float | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> "pandas.DataFrame":
    """Recognise the expression of every face in photos, folders and videos.

    The table has the columns and rows of ``degan predict --out faces.csv``.

    Examples:
        >>> import degan
        >>> faces = degan.read("examples/london/smiling/001.jpg")
        >>> faces[["expression", "unsure"]].values.tolist()
        [['happiness', False]]

    Args:
        source: path of a photo, a video or a folder (searched recursively), a pattern such as
            ``photos/*.jpg``, or a list of these.
        weights: weights file, or name of weights that ship; None for the default, see
            :class:`degan.Recognizer`.
        groups: group name -> expressions to count as one, see :class:`degan.Recognizer`; None for
            no groups.
        crops: whether each photo is a cropped face; there is then no face detection.
        thorough: whether to search always for faces on a side or upside down, see
            :class:`degan.Recognizer`.
        actions: whether the table has facial actions and FACS action units.
        people: whether to number the people in all photos and videos, which must be of one event.
        neutral: photo of the neutral face of the only person in ``source``, or "calmest" for the
            calmest frames of each person in a video; None for no neutral face.
        prior: frequencies of the expressions in the photos, "balanced" or expression ->
            frequency, see :class:`degan.Recognizer`; None for none.
        smooth: time constant in seconds of the moving average of probabilities in a video, at least
            0; 0 for none, None for 0.3.
        rate: frames per second to read from videos, at least 0.01; None for all.
        jobs: maximum number of processes for photos, from 1 to 1024.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.

    Returns:
        One row per face: path, frame and time in seconds (of videos), person, box (x, y, width,
        height in pixels), score, expression, unsure, a probability for each expression, prior (if
        given), error.
        Scores, probabilities and amounts of actions are in [0, 1]. A photo without a face has one
        row with ``error``, and so has a photo or video that cannot be read.

    Files of a folder or pattern that are left out are reported by a UserWarning.

    Raises:
        DeganError: a path does not exist or has no photo or video, the weights cannot be used, an
            option is out of range or does not fit the others, or pandas is not installed.
        DeganTypeError: an argument has a wrong type.
    """
    _check_pandas()
    check_callback(progress, "progress")
    paths = as_paths([source] if isinstance(source, str | os.PathLike) else source, "source")
    calmest = isinstance(neutral, str) and neutral == CALMEST
    options = ReadOptions(  # ReadOptions and Plan check their values
        weights=None if weights is None else as_path(weights, "weights"),
        groups=tuple(check_groups(groups).items()),
        thorough=thorough,
        crops=crops,
        actions=actions,
        neutral=None if neutral is None or calmest else as_path(neutral, "neutral"),
        people=people,
        prior=prior_option(prior),
    )
    left_out: list[str] = []
    inputs = find_inputs(paths, left_out.append)
    for sentence in left_out:
        warnings.warn(sentence, stacklevel=2)
    plan = Plan(
        inputs=inputs,
        reader=open_reader(options),
        smooth=smooth,
        rate=rate,
        calmest=calmest,
        jobs=jobs,
    )
    records: list[Record] = []
    predict(plan, records.append, progress=progress)
    rows = [row for record in records for row in rows_of(record)]
    return _frame(rows, plan.columns)


def to_frame(
    faces: Prediction | Result | Sequence[Prediction | Result],
    *,
    path: PathLike | None = None,
    actions: bool = False,
) -> "pandas.DataFrame":
    """Return predictions or results as a pandas DataFrame with one row per face.

    Examples:
        >>> import degan
        >>> recognizer = degan.Recognizer()
        >>> path = "examples/london/smiling/001.jpg"
        >>> table = degan.to_frame(recognizer.predict(degan.read_image(path)), path=path)
        >>> table[["path", "expression"]].values.tolist()
        [['examples/london/smiling/001.jpg', 'happiness']]

    Args:
        faces: one or several predictions for one image, or results
            (:class:`degan.predict.records.Result`) of photos or frames, which have path, frame and
            time. A photo without a face has a row.
        path: path of the image, for predictions alone; None for no column ``path``.
        actions: whether the table has facial actions and FACS action units.

    Returns:
        The columns of :func:`read`, in the same order and with the same types, without those of
        path, frame, time, person, probabilities, actions and error that have no values.

    Raises:
        DeganError: pandas is not installed, or ``path`` is given for results.
        DeganTypeError: ``faces`` has something else than predictions and results, ``path`` is not a
            path, or ``actions`` is neither True nor False.
    """
    _check_pandas()
    check_flag(actions, "actions")
    name = "" if path is None else printable(as_path(path, "path"))
    rows: list[dict[str, Any]] = []
    items = [faces] if isinstance(faces, Prediction | Result) else faces
    check_list(items, Prediction | Result, "faces", "predictions or results")
    if name and any(isinstance(one, Result) for one in items):
        raise DeganError("path is for predictions, and results have their own; leave path out")
    for one in items:
        result = one if isinstance(one, Result) else Result(name, None, (one,))
        rows += rows_of(to_record(result, actions=actions))
    expressions = dict.fromkeys(
        name for one in items for face in _predictions(one) for name in face.probabilities
    )
    full = columns(list(expressions), moving=True, actions=actions)
    filled = {name for row in rows for name, cell in row.items() if cell != ""}
    always = {*BOX, "score", "expression", "unsure"}
    return _frame(rows, {name: kind for name, kind in full.items() if name in filled | always})


def _predictions(one: Prediction | Result) -> Sequence[Prediction]:
    return one.faces if isinstance(one, Result) else (one,)


def _frame(rows: list[dict[str, Any]], columns: Mapping[str, type]) -> "pandas.DataFrame":
    table = pandas.DataFrame(rows, columns=list(columns))
    return table.astype({name: _DTYPES[kind] for name, kind in columns.items()})


def _check_pandas() -> None:
    """Import pandas, before any work.

    Raises:
        DeganError: pandas is not installed, or cannot be loaded.
    """
    import_package("pandas", "degan[tables]", needs="a DataFrame needs pandas")

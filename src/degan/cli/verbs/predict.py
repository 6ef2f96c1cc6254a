"""The verb ``predict``: recognise expressions in photos, in videos or from a camera."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from degan.cli import console
from degan.cli.options import CPUS, RECOGNISE, Crops, Group, Prior, Weights
from degan.errors import DeganError
from degan.system.progress import silent

if TYPE_CHECKING:
    from degan.predict.call_settings import Plan
    from degan.predict.count import Count
    from degan.predict.writers import Writer

app = typer.Typer()

PANEL = RECOGNISE


Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PHOTO|VIDEO|FOLDER...",
        help="Input; may be a quoted pattern ('photos/*.jpg') or - for standard input.",
    ),
]
Camera = Annotated[
    int | None, typer.Option(min=0, help="Read from a camera, 0 is the first; stop with Ctrl-C.")
]
Boxes = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Face boxes of photos: .csv with path, x, y, width, height, or a file made with -o. "
        "No face detection.",
    ),
]
Turned = Annotated[
    bool,
    typer.Option(
        "--turned",
        help="Find sideways and upside-down faces in every photo and video; four times slower.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Write .csv, .jsonl or .parquet; the same command continues stopped work.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per photo or frame.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print one CSV row per face.")]
SafeCsv = Annotated[
    bool,
    typer.Option(
        "--safe-csv",
        help="In CSV, write ' before names that a spreadsheet would run as a formula (=, +, -, @).",
    ),
]
Actions = Annotated[
    bool, typer.Option("--actions", help="Add facial actions and FACS action units.")
]
People = Annotated[
    bool,
    typer.Option(
        "--people", help="Number the people in all photos and videos, which must be of one event."
    ),
]
Neutral = Annotated[
    str | None,
    typer.Option(
        metavar="PHOTO|calmest",
        help="Neutral face to compare with: a photo of the person, or the calmest frames of each "
        "person in a video.",
    ),
]
Smooth = Annotated[
    float | None,
    typer.Option(
        min=0, help="For videos: time constant of the average over frames, in seconds; 0 for none."
    ),
]
Fps = Annotated[float | None, typer.Option(min=0.01, help="For videos: frames per second to read.")]
Annotate = Annotated[
    Path | None,
    typer.Option(metavar="OUT", help="Write copies of photos and videos with drawn expressions."),
]
SheetFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write a picture of the most probable faces of each expression."
    ),
]
Jobs = Annotated[int, typer.Option(min=1, help="Number of processes for photos.")]


@app.command()
def predict(
    paths: Paths = None,
    weights: Weights = None,
    camera: Camera = None,
    crops: Crops = False,
    boxes: Boxes = None,
    turned: Turned = False,
    out: Out = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    safe_csv: SafeCsv = False,
    actions: Actions = False,
    group: Group = None,
    prior: Prior = None,
    people: People = False,
    neutral: Neutral = None,
    smooth: Smooth = None,
    fps: Fps = None,
    annotate: Annotate = None,
    sheet: SheetFile = None,
    jobs: Jobs = CPUS,
) -> None:
    """Recognise the expression of every face in photos, folders, videos or from a camera.

    degan predict party.jpg

    degan predict photos/ -o faces.csv --sheet faces.jpg

    degan predict talk.mp4 --annotate talk-read.mp4 --json > talk.jsonl

    degan predict party/ --people --csv > faces.csv

    degan predict smile.jpg --neutral rest.jpg

    degan predict photos/ --prior neutral=0.7,happiness=0.2
    """
    from degan.cli.print_faces import report_unread  # noqa: PLC0415
    from degan.predict.call_settings import Plan  # noqa: PLC0415
    from degan.predict.inputs import STDIN, find_inputs  # noqa: PLC0415
    from degan.predict.reader import ReadOptions, open_reader, prior_option  # noqa: PLC0415
    from degan.predict.table import CALMEST  # noqa: PLC0415
    from degan.predict.user_boxes import read_boxes  # noqa: PLC0415
    from degan.recognition.class_groups import parse_groups  # noqa: PLC0415
    from degan.recognition.label_shift import parse_prior  # noqa: PLC0415

    named = paths or []
    stdin = [str(path) for path in named] == [STDIN]
    if (stdin + (camera is not None) + bool(named and not stdin)) != 1:
        raise DeganError(
            "name photos, videos or folders, or write -, or add --camera; only one of the three"
        )
    if as_json + as_csv + (out is not None) > 1:
        raise DeganError("--json, --csv and --out exclude each other; choose one")
    if safe_csv and not as_csv and not (out is not None and out.suffix.lower() == ".csv"):
        raise DeganError("--safe-csv is for --csv and for -o FILE.csv; leave it out")
    files = not stdin and camera is None
    if sheet is not None and not files:
        raise DeganError("--sheet needs files, because it reads them twice; give their names")
    if boxes is not None:
        _check_boxes(inputs_are_files=files, crops_or_turned=crops or turned)
    for option, value in (("--smooth", smooth), ("--fps", fps)):
        if value is not None and not isfinite(value):
            raise DeganError(f"{option} must be a finite number, not {value}")
    inputs = find_inputs(named, console.note) if files else []
    options = ReadOptions(
        weights=weights,
        groups=tuple(parse_groups(group or []).items()),
        thorough=turned,
        crops=crops,
        actions=actions,
        neutral=None if neutral in (None, CALMEST) else Path(str(neutral)),
        people=people,
        prior=prior_option(None if prior is None else parse_prior(prior)),
    )
    plan = Plan(
        inputs=inputs,
        stdin=stdin,
        camera=camera,
        smooth=smooth,
        rate=fps,
        calmest=neutral == CALMEST,
        boxes=read_boxes(boxes, inputs, console.note) if boxes is not None else None,
        annotate=annotate,
        jobs=jobs,
        reader=open_reader(options),
    )
    writer = _writer(plan, named, as_json=as_json, as_csv=as_csv, safe_csv=safe_csv)
    count = _read(plan, writer, out, sheet, safe=safe_csv and out is not None)
    report_unread(count, named)
    if out is not None:
        console.say(_written(out, count))


def continues(words: Sequence[str]) -> bool:
    """Return whether the same command continues the stopped work, see :mod:`degan.cli.verbs`.

    It does with ``--out``, which keeps a journal. A camera and standard input cannot be read twice.
    """
    unrepeatable = {"-", "--camera"}.intersection(words)
    return not unrepeatable and any(word.startswith(("-o", "--out")) for word in words)


def _read(
    plan: "Plan", writer: "Writer", out: Path | None, sheet: Path | None, *, safe: bool
) -> "Count":
    """Read the inputs of a plan; print or write the records and show the progress of long work."""
    from degan.predict.run import predict as read_all  # noqa: PLC0415

    # On a terminal, a progress bar would overwrite the printed results.
    long = plan.camera is None and (len(plan.inputs) > 1 or plan.may_have_frames)
    shows_progress = long and (out is not None or not sys.stdout.isatty())
    with console.progress("predict") if shows_progress else nullcontext(silent) as show:
        count = read_all(
            plan,
            writer.write,
            out=out,
            safe=safe,
            sheet=sheet,
            progress=show,
            note=console.note,
        )
    writer.finish()
    return count


def _check_boxes(*, inputs_are_files: bool, crops_or_turned: bool) -> None:
    """Check that ``--boxes`` agrees with the other options.

    Args:
        inputs_are_files: whether the inputs are files.
        crops_or_turned: whether ``--crops`` or ``--turned`` is given.

    Raises:
        DeganError: the inputs are not files, or ``--crops`` or ``--turned`` is given.
    """
    if not inputs_are_files:
        raise DeganError("--boxes needs files as inputs; give their names")
    if crops_or_turned:
        raise DeganError("--boxes gives the faces of photos; leave --crops and --turned out")


def _writer(
    plan: "Plan", named: Sequence[Path], *, as_json: bool, as_csv: bool, safe_csv: bool
) -> "Writer":
    """Return a writer that prints records to standard output."""
    from degan.cli.print_faces import FaceTable  # noqa: PLC0415
    from degan.predict.writers import CsvWriter, JsonWriter  # noqa: PLC0415

    if as_json:
        return JsonWriter(console.data_stream())
    if as_csv:
        return CsvWriter(console.data_stream(), plan.columns, safe=safe_csv)
    options, alone = plan.reader.options, len(plan.inputs) < 2
    return FaceTable(named, people=options.people, actions=options.actions, alone=alone)


def _written(out: Path, count: "Count") -> str:
    read = [f"{count.photos} photos"] if count.photos or not count.frames else []
    read += [f"{count.frames} frames"] if count.frames else []
    return f"{out}: {count.faces} faces in {' and '.join(read)}"

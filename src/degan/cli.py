"""The command ``degan``: one verb a function that parses, calls one library function and prints."""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.box import SIMPLE
from rich.table import Table

from degan import __version__, console
from degan import config as settings_module
from degan.config import Settings
from degan.errors import DeganError
from degan.machine import num_cpus

if TYPE_CHECKING:
    from degan.batch import PhotoResult

app = typer.Typer(
    name="degan",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Facial expressions, free of identity (DE-GAN, arXiv 1912.01456).",
)
prepare_app = typer.Typer(no_args_is_help=True, help="Make a data set of aligned face crops.")
app.add_typer(prepare_app, name="prepare")

_CPUS = num_cpus()
_INTERRUPTED = 130  # typer's exit code after Ctrl-C

Data = Annotated[Path, typer.Option("--data", help="A data set made by 'degan prepare'.")]
Preset = Annotated[
    str, typer.Option(help="Settings to start from: fast, or tiny for a first look.")
]
Config = Annotated[
    Path | None, typer.Option(help="Settings in TOML (a run's settings.toml), instead of a preset.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, such as gan.epochs=20; may be given many times."),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of weights, order and folds.")]
Resume = Annotated[
    bool,
    typer.Option("--resume/--no-resume", help="Continue RUN where it was, or refuse to touch it."),
]
Jobs = Annotated[int, typer.Option(min=1, help="How much runs side by side.")]


def main() -> None:
    """Run the command; a user's fault ends in one sentence and exit code 2."""
    try:
        app()
    except DeganError as error:
        _fail(str(error))
    except SystemExit as stop:
        if stop.code == _INTERRUPTED:
            console.err.print("degan: stopped; the same command continues where it was")
        raise


def _fail(sentence: str) -> NoReturn:
    console.err.print(f"degan: {sentence}")
    sys.exit(2)


def _training_part(name: str) -> ModuleType:
    """Import a module that needs the extra ``train``."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "degan":
            raise
        raise DeganError(
            f"this command needs {error.name}, which is not installed; install the extra: "
            "pip install 'degan[train]'"
        ) from error


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"degan {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@prepare_app.command("folder")
def prepare_folder(
    photos: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help="A folder <expression>/<subject>_*.jpg, or a CSV file of photos."
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to make.")],
    crops: Annotated[
        bool, typer.Option("--crops", help="The photos are faces already cut out (32 px and up).")
    ] = False,
    size: Annotated[int, typer.Option(min=32, max=512, help="Side of the crops in pixels.")] = 96,
    jobs: Jobs = _CPUS,
) -> None:
    """Cut aligned faces out of a folder of photos.

    Writes crops, manifest.csv and skipped.csv (what was left out, and why).

      degan prepare folder photos/ data/

      degan prepare folder photos.csv data/     (path, expression, subject, sequence, frame)

      degan prepare folder faces48/ data/ --crops
    """
    from degan.data.datasets.folder import read_folder  # noqa: PLC0415
    from degan.data.prepare import PrepareSettings, prepare  # noqa: PLC0415

    sources, skipped = read_folder(photos)
    settings = PrepareSettings(crops=crops, crop_size=size)
    with console.progress("prepare") as show:
        result = prepare(
            sources,
            skipped,
            out,
            settings,
            jobs=jobs,
            progress=lambda done, total: show(done / total, f"{done} of {total} photos"),
        )
    subjects = {sample.subject for sample in result.samples}
    several = sum(sample.faces > 1 for sample in result.samples)
    typer.echo(
        f"{out}: {len(result.samples)} faces of {len(subjects)} subjects, "
        f"{len(result.skipped)} skipped"
    )
    if result.skipped:
        console.err.print(f"degan: why photos were skipped is in {out / 'skipped.csv'}")
    if several:
        console.err.print(f"degan: {several} photos had several faces; the largest was taken")
    if len(subjects) == len(result.samples) > 1:
        console.err.print(
            "degan: every photo has a subject of its own; if people occur twice, name the files "
            "<subject>_*.jpg, or no figure will be subject-independent"
        )


def _settings(
    preset: str, config: Path | None, changes: list[str] | None, seed: int | None
) -> Settings:
    settings = settings_module.read_settings(config) if config else settings_module.preset(preset)
    assignments = list(changes or [])
    if seed is not None:
        assignments.append(f"seed={seed}")
    return settings_module.override(settings, assignments)


def _check_resume(run: Path, resume: bool) -> None:
    if not resume and run.exists():
        raise DeganError(f"{run} exists; choose a new name for the run, or add --resume")


@app.command()
def train(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run directory to make.")],
    data: Data,
    preset: Preset = "fast",
    config: Config = None,
    changes: Set = None,
    seed: Seed = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", help="A subject to keep out of training; may be repeated."),
    ] = None,
    resume: Resume = True,
) -> None:
    """Train DE-GAN and its classifier on a whole data set.

    degan train runs/all --data data/

    degan train runs/all --data data/ --without 007 --without 042
    """
    training = _training_part("degan.training.train")
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    _check_resume(run, resume)
    settings = _settings(preset, config, changes, seed)
    dataset = read_dataset(data)
    indices = dataset.without_subjects(without or [])
    with console.progress("train") as show:
        training.train(dataset, indices, settings, run, show)
    typer.echo(f"{run}: trained on {len(indices)} faces; 'degan export {run} FILE.onnx' is next")


@app.command()
def crossval(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run directory to make.")],
    data: Data,
    folds: Annotated[int, typer.Option(min=2, help="How many; by subject.")] = 10,
    preset: Preset = "fast",
    config: Config = None,
    changes: Set = None,
    seed: Seed = None,
    jobs: Jobs = _CPUS,
    resume: Resume = True,
) -> None:
    """Measure DE-GAN on a data set: subject-independent cross-validation.

    Leaves RUN/summary.json, RUN/predictions.csv and a run directory a fold.

      degan crossval runs/cv --data data/ --folds 10
    """
    protocol = _training_part("degan.evaluation.crossval")
    from degan.data.manifest import read_dataset  # noqa: PLC0415

    _check_resume(run, resume)
    settings = _settings(preset, config, changes, seed)
    dataset = read_dataset(data)
    with console.progress("crossval") as show:
        summary = protocol.cross_validate(
            dataset, run, settings, num_folds=folds, jobs=jobs, progress=show
        )
    low, high = summary["accuracy_interval"]
    typer.echo(
        f"accuracy {summary['accuracy']:.1%} "
        f"(95 % interval over subjects {low:.1%} to {high:.1%}), "
        f"per sequence {summary['accuracy_sequences']:.1%}; {summary['images']} images, "
        f"{summary['subjects']} subjects, {summary['folds']} folds"
    )
    console.out.print(_confusion_table(summary["expressions"], summary["confusion"]))


def _confusion_table(expressions: list[str], confusion: list[list[int]]) -> Table:
    table = Table("truth \\ read as", *expressions, box=SIMPLE)
    for name, row in zip(expressions, confusion, strict=True):
        table.add_row(name, *(str(count) for count in row))
    return table


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run that 'degan train' made.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .onnx file to write.")],
) -> None:
    """Write a trained model as one ONNX file, checked against the model.

    degan export runs/all mine.onnx
    """
    exporting = _training_part("degan.export")
    training = _training_part("degan.training.train")

    model = training.load_model(run)
    parity = exporting.export(model, file)
    typer.echo(
        f"{file}: {', '.join(model.expressions)}; largest difference of a probability "
        f"{parity.largest_difference:.1e}"
    )


@app.command()
def predict(
    path: Annotated[Path, typer.Argument(metavar="PHOTO|FOLDER", help="What to read.")],
    weights: Annotated[
        Path | None, typer.Option(help="A file of 'degan export'; without it, what degan ships.")
    ] = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="The photos are faces already cut out (32 px and up).")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, a photo.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One CSV row a face.")] = False,
    annotate: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write the photos with their expressions drawn in."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Threads of the networks.")] = _CPUS,
) -> None:
    """Read the expression of every face of a photo, or of all photos below a folder.

    degan predict party.jpg

    degan predict photos/ --json > faces.jsonl

    degan predict party.jpg --annotate party-read.jpg --weights mine.onnx
    """
    from degan import batch  # noqa: PLC0415
    from degan.recognizer import Recognizer  # noqa: PLC0415

    if as_json and as_csv:
        raise DeganError("--json and --csv exclude each other; choose one")
    photos = batch.find_inputs(path)
    recognizer = Recognizer(weights, threads=jobs)
    table = Table(box=SIMPLE)
    table.add_column("photo", overflow="fold")
    for heading in ("box x, y, w, h", "score", "expression", "probability"):
        table.add_column(heading, no_wrap=True)
    if as_csv:
        typer.echo(",".join(batch.CSV_HEADER))
    bad: list[PhotoResult] = []
    no_face = 0
    for result in batch.predict_photos(recognizer, photos, crops=crops):
        if result.error is not None:
            bad.append(result)
        no_face += result.error is None and not result.faces
        if as_json:
            typer.echo(json.dumps(batch.to_json(result)))
        elif as_csv:
            typer.echo(batch.csv_rows(result), nl=False)
        else:
            _add_rows(table, result, path)
        if annotate is not None:
            _write_annotated(result, path, annotate)
    if table.row_count:
        console.out.print(table)
    _report(path, photos, bad, no_face)


def _add_rows(table: Table, result: "PhotoResult", root: Path) -> None:
    name = result.path.relative_to(root) if result.path != root else result.path.name
    for face in result.faces:
        box = ", ".join(f"{value:.0f}" for value in face.box)
        share = f"{face.probabilities[face.expression]:.0%}"
        table.add_row(str(name), box, f"{face.score:.2f}", face.expression, share)


def _write_annotated(result: "PhotoResult", root: Path, out: Path) -> None:
    from degan import images  # noqa: PLC0415
    from degan.annotate import annotate, annotated_path  # noqa: PLC0415

    if result.image is not None:
        picture = annotate(result.image, result.faces)
        images.write(annotated_path(result.path, root, out), picture)


def _report(path: Path, photos: list[Path], bad: list["PhotoResult"], no_face: int) -> None:
    """Say what was not read; exit code 2 if a single photo gave nothing, or all photos are bad."""
    if photos == [path]:
        if bad:
            raise DeganError(bad[0].error)
        if no_face:
            raise DeganError(f"no face found in {path}; if it is a cut-out face, add --crops")
        return
    for result in bad:
        console.err.print(f"degan: {result.error}")
    if bad or no_face:
        console.err.print(
            f"degan: {len(photos)} photos: {len(bad)} could not be read, {no_face} without a face"
        )
    if len(bad) == len(photos):
        raise DeganError(f"none of the {len(photos)} photos in {path} could be read")

"""The verbs for data sets: list, prepare, look at, divide, synthesize and join them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from degan.cli import console, print_results
from degan.cli.options import (
    CPUS,
    DATA_SETS,
    Crops,
    DropCopies,
    Jobs,
    Protocol,
    check_fold_options,
    refuse_without_effect,
)
from degan.labels import EXPRESSIONS, parse_expression
from degan.system.extras import import_extra

app = typer.Typer()

PANEL = DATA_SETS


def continues(words: Sequence[str]) -> bool:
    """Return whether the same command continues the stopped work, see :mod:`degan.cli.verbs`."""
    return words[0] in ("prepare", "synthesize")


@app.command()
def datasets() -> None:
    """List the data sets that 'degan prepare' reads, their files and their expected contents.

    degan datasets
    """
    from degan.data.adapters import find_adapters  # noqa: PLC0415

    console.show(print_results.dataset_table(list(find_adapters().items())))


@app.command()
def prepare(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="Name of the data set, see 'degan datasets'.")
    ],
    path: Annotated[Path, typer.Argument(metavar="IN", help="Folder or zip file, as downloaded.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to create.")],
    peak_frames: Annotated[
        int, typer.Option(help="Number of peak frames of a sequence to use as samples.")
    ] = 3,
    neutral: Annotated[
        bool, typer.Option("--neutral", help="Use the first frame of a sequence as neutral sample.")
    ] = False,
    camera: Annotated[str, typer.Option(help="oulu: VL (visible) or NI (near infrared).")] = "VL",
    light: Annotated[str, typer.Option(help="oulu: Strong, Weak or Dark.")] = "Strong",
    angle: Annotated[
        str, typer.Option(help="kdef, rafd: frontal, half (and 45 degrees) or all.")
    ] = "frontal",
    peak: Annotated[
        str, typer.Option(help="mmi: annotated (middle frame if not annotated) or middle.")
    ] = "annotated",
    dual_view: Annotated[
        str, typer.Option(help="mmi, front and side pictures: frontal, left, right, whole, skip.")
    ] = "frontal",
    votes: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="fer2013: votes of ten people on each picture, the table fer2013new.csv of FER+.",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="With --votes: majority (the expression most people chose; the default) or "
            "original (the label of FER2013)."
        ),
    ] = None,
    crops: Crops = False,
    size: Annotated[int, typer.Option(min=32, max=512, help="Side of the crops in pixels.")] = 96,
    jobs: Jobs = CPUS,
) -> None:
    """Make a data set of aligned face crops from labelled photos.

    Writes crops, manifest.csv and skipped.csv (skipped photos with reasons), and reports
    differences from a complete copy. After an interruption, the same command continues.

      degan prepare ckplus ~/CK+ data/

      degan prepare oulu ~/Oulu-CASIA data/ --camera NI --light Weak

      degan prepare folder photos/ data/        (<expression>/<subject>_*.jpg)

      degan prepare csv photos.csv data/        (path, expression, subject, sequence, frame, split)

      degan prepare folder faces48/ data/ --crops

      degan prepare fer2013 fer2013.csv data/ --votes fer2013new.csv
    """
    from degan.data.adapters import find_adapter  # noqa: PLC0415
    from degan.data.prepare import PrepareSettings, prepare_dataset  # noqa: PLC0415
    from degan.data.protocol import Protocol  # noqa: PLC0415

    choices: dict[str, Any] = {
        "camera": camera,
        "light": light,
        "angle": angle,
        "peak": peak,
        "dual_view": dual_view,
        "votes": votes,
        "labels": labels,
    }
    if votes is None:
        refuse_without_effect(context, ["labels"], "without --votes")
    protocol = Protocol(peak_frames=peak_frames, neutral=neutral, **choices)
    with console.progress("prepare") as show:
        result = prepare_dataset(
            find_adapter(dataset),
            path,
            out,
            protocol,
            PrepareSettings(crops=crops, crop_size=size),
            jobs=jobs,
            progress=lambda done, total: show(done / total, f"{done} of {total} photos"),
        )
    print_results.prepare_notes(result, out)
    console.say(print_results.prepare_line(result, out))


@app.command()
def look(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Prepared data set.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Page to write; default: DATA/look.html."),
    ] = None,
) -> None:
    """Show a data set on one HTML page: counts, faces, averages, duplicates, skipped photos.

    degan look data/
    """
    from degan.data.manifest import read_dataset  # noqa: PLC0415
    from degan.report import dataset_page as page  # noqa: PLC0415

    file = out or data / "look.html"
    dataset = read_dataset(data)
    with console.progress("look") as show:
        pairs = page.look(dataset, file, progress=show)
    print_results.duplicate_notes(pairs)
    console.say(f"{file}: open it in a browser")


@app.command()
def folds(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Prepared data set.")],
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The folds.json to write.")],
    num_folds: Annotated[
        int, typer.Option("--folds", min=2, help="Number of folds of the protocol 'subjects'.")
    ] = 10,
    fold_protocol: Protocol = "subjects",
    validation: Annotated[
        float, typer.Option(help="Share of training subjects held out for validation, 0 to 0.5.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the folds.")] = 0,
    drop_copies: DropCopies = False,
) -> None:
    """Divide a data set into folds that keep each person on one side; no training.

    degan folds data/ folds.json --folds 10 --validation 0.1

    degan folds data/ loso.json --protocol loso

    degan folds fer/ official.json --protocol official --drop-copies
    """
    check_fold_options(context, fold_protocol)
    if fold_protocol == "official":
        refuse_without_effect(context, ["validation", "seed"], "with --protocol official")
    from degan.data.fold_file import make_folds, write_folds  # noqa: PLC0415
    from degan.data.fold_reading import OFFICIAL_WITHOUT_COPIES  # noqa: PLC0415
    from degan.data.manifest import read_dataset  # noqa: PLC0415
    from degan.data.near_copies import count_copies  # noqa: PLC0415

    dataset = read_dataset(data)
    made = make_folds(
        dataset,
        fold_protocol,
        num_folds=num_folds,
        seed=seed,
        validation=validation,
        drop_copies=drop_copies,
    )
    protocol = OFFICIAL_WITHOUT_COPIES if drop_copies else fold_protocol
    write_folds(out, dataset, made, protocol, seed)
    if fold_protocol == "official":  # the other protocols read no picture
        counts = count_copies(dataset, made, protocol)
        tested = sum(len(fold.test) for fold in made)
        print_results.copy_notes(
            {
                "protocol": protocol,
                "images": tested,
                "near_copies": counts.near_copies,
                "copies_left_out": counts.left_out,
            }
        )
    print_results.subject_note(dataset.subjects)
    console.show(print_results.fold_table(dataset, made))


@app.command()
def synthesize(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to create.")],
    people: Annotated[int, typer.Option(help="Number of people.")] = 200,
    num_images: Annotated[int, typer.Option("--images", help="Total number of pictures.")] = 8000,
    size: Annotated[int, typer.Option(help="Side of the pictures in pixels, 32 to 512.")] = 96,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same bytes.")] = 0,
    difficulty: Annotated[
        str,
        typer.Option(
            help="clean (frontal, studio, full expressions), varied, hard or turned (heads turned "
            "by up to 45 degrees)."
        ),
    ] = "varied",
    expressions: Annotated[
        str, typer.Option(help="Expressions to render, separated by commas; default: all eight.")
    ] = "",
    sequences: Annotated[
        bool, typer.Option("--sequences", help="Render sequences of 10 frames, neutral to peak.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.")] = CPUS,
) -> None:
    """Render a data set of synthetic people with known factors.

    Writes pictures, manifest.csv and factors.parquet (identity, actions, pose, light, ...).

      degan synthesize people/

      degan synthesize smiles/ --people 500 --images 20000 --expressions neutral,happiness

      degan synthesize runs10/ --sequences --people 100 --images 7000
    """
    plan = import_extra("degan.synthetic.plan", "synthetic")
    generate = import_extra("degan.synthetic.generate", "synthetic")

    names = [parse_expression(name) for name in expressions.split(",")] if expressions else None
    settings = plan.SynthesisSettings(
        people=people,
        images=num_images,
        size=size,
        seed=seed,
        difficulty=difficulty,
        expressions=tuple(names or EXPRESSIONS),
        sequences=sequences,
    )
    with console.progress("synthesize") as show:
        samples = generate.synthesize(
            settings,
            out,
            workers=workers,
            progress=lambda done, total: show(done / total, f"{done} of {total} pictures"),
        )
    listed = f", {len(samples)} of them peak frames in manifest.csv" if sequences else ""
    console.say(f"{out}: {num_images} pictures of {people} people{listed}")


@app.command()
def join(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to create.")],
    data: Annotated[
        list[Path], typer.Argument(metavar="DATA...", help="Two or more prepared data sets.")
    ],
) -> None:
    """Join several data sets into one, for training or cross-validation on all of them.

    degan join all/ ckplus/ oulu/ mmi/

    degan crossval runs/all --data all/
    """
    from degan.data.join import join_datasets  # noqa: PLC0415

    with console.progress("join") as show:
        joined = join_datasets(data, out, show)
    print_results.subject_note(joined.subjects)
    people = len(joined.subjects)
    console.say(f"{out}: {len(joined.samples)} faces of {people} subjects, from {len(data)} sets")

"""Names of files, classes, people and columns on the terminal: no name can control it."""

import io
import os
import re
import shutil
import sys
import unicodedata
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from degan.cli import (
    console,
    print_evaluation,
    print_faces,
    print_finetune,
    print_probes,
    print_results,
)
from degan.data.prepare import PrepareResult
from degan.data.sample import Sample, Skipped
from degan.errors import DeganError, shown
from degan.predict.count import Count

HOSTILE = (
    "[/b]", "[bold red]", "{task.fields[doing]}", ":smile:", "%s",  # markup and formats
    "\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x08", "\r", "\n", "\t", "\x85", "\u2028",
    "\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u00ad", "\udcff", "\ud800",
    "ä", "雪", "\N{GRINNING FACE}", "a", ",", "_", " ",
)  # fmt: skip
NAMES = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=6).map("".join)
SAFE = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f]*")
CHANCE = {"chance": 0.5, "interval": [0.1, 0.9], "accuracy": 0.5, "times_chance": 2.0}


@contextmanager
def printed(encoding="utf-8"):
    """Standard output and standard error of the block, as a list of texts that is filled later."""
    streams = [
        io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
        for _ in range(2)
    ]
    texts = []
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        yield texts
        for stream in streams:
            stream.flush()
            texts.append(stream.buffer.getvalue().decode(encoding))


def is_harmless(text):
    kinds = {unicodedata.category(sign) for sign in text if sign != "\n"}
    return SAFE.fullmatch(text) is not None and kinds.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})


def summary(name):
    """The keys of all ``summary.json`` that are printed, with one name wherever there is one."""
    row = {
        "accuracy": 0.5,
        "accuracy_interval": [0.4, 0.6],
        "difference": 0.1,
        "difference_interval": [0.0, 0.2],
        "p": 0.1,
        "p_holm": 0.1,
        "identification": {"f(x)": {**CHANCE, "top1": 0.5, "auc": 0.5, "chance_interval": [0, 1]}},
    }
    counts = {"images": 3, "recall": 0.5, "interval": [0.1, 0.9], "mistaken_for": name}
    return {
        **row,
        "expressions": [name, "fear"],
        "confusion": [[1, 2], [3, 4]],
        "recall": {name: {"recall": 0.5, "interval": [0.1, 0.9]}},
        "calibration_error": 0.1,
        "calibration_error_before": 0.1,
        "log_loss": 1.0,
        "balanced_accuracy": 0.5,
        "subjects": 2,
        "sequences": 2,
        "images": 2,
        "persons": 2,
        "runs": 1,
        "comparisons": 2,
        "note": name,
        "folds": 2,
        "folds_wanted": 3,
        "temperature": 1.0,
        "splits": ["test"],
        "subjects_of_one_name": 1,
        "arms": {name: row, f"{name}2": {"failed": name}},
        "results": {f"{name},{name}": row},
        "left_out": {name: name},
        "never_shown": [name],
        "images_in_training": 0,
        "images_adapted_to": 1,
        "prior": {name: 0.5, "fear": 0.5},
        "near_copies": 0,
        "skipped": 1,
        "layout": name,
        "crop_size": 64,
        "weights_crop_size": 96,
        "trained_on_this_data": True,
        "calibrated_on_this_data": True,
        "by": {
            "bins": [],
            "magnitude": False,
            "column": name,
            "rows": [
                {**counts, "expression": name, "value": name, "read_as": {name: 1, "fear": 2}}
            ],
            "gap": {"difference": 0.1, "interval": [0.0, 0.2], "best": name, "worst": name},
        },
        "actions": [{"action": name, "explained": 0.1, "error": 0.1, "deviation": 0.1}],
    }


def probes(name):
    features = {
        "name": name,
        "numbers": 16,
        "identity": {
            **{"linear": CHANCE, "mlp": CHANCE, "classes": 3, "left_out": 1, "people": 3},
            **{"chance": 0.5, "most_frequent": 0.9},
        },
        "identification": None,
        "expression": {"linear": CHANCE, "mlp": CHANCE, "classes": 2, "chance": 0.5},
        "disentanglement": None,
    }
    generation = {
        **{"identity": 0.5, "identity_interval": [0, 1], "identity_real": 0.5},
        **{"expression": 0.5, "expression_interval": [0, 1], "expression_real": 0.5},
        **{"reconstruction": 0.1, "kid": None},
    }
    return {
        "people_trained_on": 1,
        "people": 3,
        "unnamed_images": 1,
        "people_of_one_name": 1,
        "judged_on_manifest_sha256": name,
        "runs": [
            {"run": name, "features": [features], "generation": generation},
            {"run": name, "features": [features], "generation": None},
        ],
    }


def dataset(name):
    rows = [
        Sample(f"crops/{name}/{k}.png", name, f"{name}{k}", name, 0, name, "neighbour", 2, "")
        for k in range(2)
    ]
    return SimpleNamespace(samples=rows, expressions=(name,), subjects=[name])


def print_data_sets(name):
    result = PrepareResult(
        samples=tuple(dataset(name).samples),
        skipped=(Skipped(name, name),),
        differences=(name,),
        duplicates={"two people": 1, "two expressions": 1, "two parts": 1},
        copies={"validation": 1, "test": 1},
        notes=(name,),
    )
    print_results.prepare_notes(result, Path(name))
    console.say(print_results.prepare_line(result, Path(name)))
    fold = SimpleNamespace(train=(0,), validation=(), test=(1,))
    console.show(print_results.fold_table(dataset(name), [fold]))
    adapter = SimpleNamespace(choices={name}, title=name, needs=name, expected=None)
    console.show(print_results.dataset_table([(name, adapter)]))


def print_finetune_result(name):
    prepared = PrepareResult(
        samples=tuple(dataset(name).samples),
        skipped=(Skipped(name, name),) * 7,
        differences=(),
        duplicates={"two people": 0, "two expressions": 0, "two parts": 0},
        copies={},
    )
    result = SimpleNamespace(summary=summary(name), work=Path(name), prepared=prepared)
    print_finetune.notes(result)
    console.say(*print_finetune.measured(result), f"{name}: {name}")


def print_measures(name):
    print_evaluation.evaluation_notes({**summary(name), "action_units": []})
    console.say(print_results.accuracy_line(summary(name)))
    console.say(*print_results.detail_lines(summary(name)))
    console.show(print_results.confusion_table(summary(name)))
    console.show(print_evaluation.group_table(summary(name)))
    console.say(print_evaluation.gap_line(summary(name)))
    console.show(print_evaluation.action_table(summary(name)))


def print_comparisons(name):
    print_results.ablation_notes(summary(name))
    console.show(print_results.ablation_table(summary(name)))
    console.show(print_results.identification_table(summary(name)))
    print_results.comparison_notes(summary(name))
    console.show(print_results.comparison_table(summary(name)))
    print_results.crossdata_notes(summary(name))


def print_probe(name):
    print_probes.probe_notes(probes(name))
    for table in print_probes.probe_tables(probes(name)):
        console.show(table)


def print_report(name):
    print_results.report_notes([SimpleNamespace(title=name, reason=name)])
    console.say(print_results.actions_line({name: 0.5, f"{name}2": 0.1}))


def print_predictions(name):
    face = {
        **{"box": [1, 2, 3, 4], "score": 0.9, "expression": name, "unsure": True, "person": 1},
        "probabilities": {name: 0.5},
    }
    table = print_faces.FaceTable([], people=True)
    table.write({"path": name, "faces": [face]})
    table.write({"path": name, "faces": []})
    table.write({"path": f"{name}.mp4", "frame": 0, "time": 0.0, "faces": [face]})
    table.write({"path": f"{name}.mp4", "frame": 1, "time": 1.0, "faces": [face]})
    table.finish()
    count = Count()
    for record in ({"path": name, "faces": [face]}, {"path": name, "error": name}):
        count.add(record, of_video=False)
    print_faces.report_unread(count, [])


def print_progress(name):
    with console.progress(name) as show:
        show(1.0, name)


def print_error(name):
    console.note(str(DeganError(f"{name} does not exist; check the path")))


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
@pytest.mark.parametrize(
    "write",
    [
        print_data_sets,
        print_finetune_result,
        print_measures,
        print_comparisons,
        print_probe,
        print_report,
        print_predictions,
        print_progress,
        print_error,
    ],
)
@given(name=NAMES)
def test_what_a_verb_prints_of_any_name_is_harmless_text(write, encoding, name):
    with printed(encoding) as texts:
        write(name)
    assert any(texts)
    assert all(map(is_harmless, texts)), texts


@given(name=NAMES)
def test_a_name_is_one_line_and_a_second_call_changes_nothing(name):
    assert is_harmless(shown(name))
    assert "\n" not in shown(name)
    assert shown(shown(name)) == shown(name)
    assert str(DeganError(name)) == shown(name)


def test_a_name_of_letters_of_any_language_is_unchanged():
    for name in ("party.jpg", "Gülşen Öz 1.png", "雪だるま.jpg", "[/b].mp4", "\N{GRINNING FACE}"):
        assert shown(name) == name
    assert shown("a\x1b[31m\n\u202e\udcff") == r"a\x1b[31m\n\u202e\udcff"
    assert shown("雪", "cp1252") == r"\u96ea"


@pytest.mark.parametrize("name", ["[/b].mp4", "\x1b]0;title\x07.mp4", "a\r\nb", "\udcff"])
def test_a_bar_on_a_terminal_shows_any_name(monkeypatch, name):
    terminal = io.StringIO()
    bar = Console(file=terminal, force_terminal=True, width=200, markup=False)
    monkeypatch.setattr(console, "err", bar)
    with console.progress("predict") as show:
        show(0.5, f"{name}, frame 3")
    text = terminal.getvalue()
    assert f"{shown(name)}, frame 3" in text
    assert "\x1b]0" not in text


def test_the_columns_of_a_table_stay_aligned_in_any_encoding():
    with printed("ascii") as texts:
        table = console.Table("photo", "expression")
        table.add_row("雪\x1b.jpg", "fear")
        table.add_row("a.jpg", "fear")
        console.show(table)
    rows = [line for line in texts[0].splitlines() if "fear" in line]
    assert rows[0].index("fear") == rows[1].index("fear")


@pytest.mark.parametrize(
    "words",
    [
        ["recognise\x1b[31m\u202e"],
        ["predict", "x.jpg", "--nope\x1b[31m\u202e"],
        ["predict", "x.jpg", "--jobs", "1\x1b[31m\u202e"],
        ["predict", "\x1b[31m\u202e.jpg"],
        ["folds", "a", "b", "--folds", "[/b]\x1b[31m\u202e"],
        ["datasets", "more\x1b[31m\u202e"],
        ["train", "run", "--data", "d", "--preset", "p\x1b[31m\u202e"],
        ["train", "run", "--data", "d", "--set", "a\x1b[31m\u202e=1"],
        ["prepare", "set\x1b[31m\u202e", "in", "out"],
    ],
)
def test_an_argument_in_an_error_is_harmless_text(command, words):
    done = command(*words)
    assert done.returncode == 2
    assert is_harmless(done.stderr), done.stderr
    assert done.stderr.startswith("degan: ")


def test_the_sheet_shows_a_name_with_a_line_break_on_one_line(command, astronaut, tmp_path):
    from PIL import Image

    Image.fromarray(astronaut).save(tmp_path / "a\nb\x1b.jpg")
    done = command("predict", tmp_path / "a\nb\x1b.jpg", "--sheet", tmp_path / "s.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "s.png").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_folder_whose_name_is_no_text_can_be_read_and_written(command, faces, tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    shutil.copytree(faces.folder, folder / "data")
    photo = folder / "data" / faces.samples[0].file
    people = folder / "people"
    for words in (
        ("look", folder / "data", "-o", folder / "x.html"),
        ("folds", folder / "data", folder / "f.json", "--folds", 3),
        ("predict", photo, "--crops", "-o", folder / "x.parquet"),
        ("synthesize", people, "--people", 2, "--images", 4, "--size", 48, "--workers", 1),
        ("evaluate", "--data", folder / "data", "--out", folder / "result"),
        ("report", folder / "result", "-o", folder / "r.html"),
    ):
        done = command(*words)
        assert done.returncode == 0, done.stderr
        assert is_harmless(done.stdout)


def test_every_module_of_the_command_prints_through_the_console():
    folder = Path(print_results.__file__).parent
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name not in ("console.py", "streams.py", "signals.py"):
            assert not re.search(r"typer\.echo|\bprint\(|sys\.std\w+\.write|rich\.table", text), (
                path
            )

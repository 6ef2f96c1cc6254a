"""Names of people: those that may mean one person, and those that mean a part of a data set."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from degan.data.alike_names import alike_names, alike_note
from degan.data.datasets.folder import read_labelled
from degan.data.label_set import CUSTOM_LABELS, EXPRESSION_LABELS
from degan.data.split_names import split_of
from degan.predict.drawing import write_annotated

LONDON = Path("examples/london")
PHOTOS = sorted(path.name for path in (LONDON / "smiling").iterdir())[:4]
PEOPLE = ("001", "002", "003")


def photo(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40)).save(path, "JPEG")


def sources(path, labels=EXPRESSION_LABELS):
    found = read_labelled(path, labels)
    return {part.sources[0].name: part.sources[0] for part in found.recordings}, found


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["1", "001", "2"], [["001", "1"]]),
        (["S001", "S001 ", "s1", "S 001"], [["S 001", "S001", "S001 ", "s1"]]),
        (["Anna", "anna", "Bob"], [["Anna", "anna"]]),
        (["p01a2", "p1a02"], [["p01a2", "p1a02"]]),
        (["10", "1", "100", "0", "00"], [["0", "00"]]),
        (["a1", "a10", "", ""], []),
        (["1", "1", "1"], []),
    ],
)
def test_names_that_differ_in_zeros_spaces_or_case_alone_are_grouped(names, groups):
    assert alike_names(names) == groups


def test_the_note_counts_subjects_and_people_with_an_example():
    note = alike_note([*(f"{n}" for n in range(1, 7)), *(f"{n:03d}" for n in range(1, 7)), "x"])
    assert note.startswith("12 subjects may be 6 people: their names differ only in leading zeros")
    assert "such as '001' and '1'; if they are the same, give each person one name" in note
    assert alike_note(["1", "2"]) is None


@pytest.fixture
def mixed(tmp_path):
    """Three people, called 1 in one folder and 001 in the other."""
    for name, file in zip(PEOPLE, PHOTOS, strict=False):
        for folder, called in (("smiling", name.lstrip("0")), ("neutral", name)):
            (tmp_path / "in" / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(LONDON / folder / file, tmp_path / f"in/{folder}/{called}_1.jpg")
    return tmp_path / "in"


def test_prepare_folds_and_evaluate_say_that_subjects_may_be_the_same(command, mixed, tmp_path):
    data = tmp_path / "data"
    done = command("prepare", "folder", mixed, data)
    assert done.returncode == 0, done.stderr
    expected = "6 subjects may be 3 people"
    assert expected in done.stderr
    folds = command("folds", data, tmp_path / "folds.json", "--folds", "2")
    assert expected in folds.stderr
    table = tmp_path / "people.csv"
    table.write_text("subject,group\n001,a\n002,b\n3,a\n4,b\n")
    shown = command("evaluate", "--data", data, "--people", table, "--by", "group")
    assert shown.returncode == 0, shown.stderr
    assert "1 of 4 people in" in shown.stderr
    assert "3 of 6 subjects have no row" in shown.stderr


def test_rows_that_a_spreadsheet_took_zeros_off_are_counted(command, tmp_path):
    data = tmp_path / "data"
    for name, file in zip(PEOPLE, PHOTOS, strict=False):
        for folder in ("smiling", "neutral"):
            (tmp_path / "in" / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(LONDON / folder / file, tmp_path / f"in/{folder}/{name}.jpg")
    assert command("prepare", "folder", tmp_path / "in", data).returncode == 0
    table = tmp_path / "people.csv"
    table.write_text("subject,group\n1,a\n2,b\n003,a\n")
    done = command("evaluate", "--data", data, "--people", table, "--by", "group")
    assert "2 of 3 people in" in done.stderr
    assert "2 names differ from a subject only in leading zeros, spaces or case" in done.stderr
    assert "such as '1' and '001'" in done.stderr
    table.write_text("subject,group\n1,a\n2,b\n3,a\n")
    none = command("evaluate", "--data", data, "--people", table, "--by", "group")
    assert none.returncode == 2
    assert "3 names differ from a subject only in leading zeros" in none.stderr


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("TEST", "test"),
        ("Public Test", "validation"),
        ("PrivateTest", "test"),
        ("private_test", "test"),
        ("val", "validation"),
        ("valid", "validation"),
        ("trainer", ""),
        ("anna", ""),
        ("", ""),
    ],
)
def test_names_of_parts_are_known_in_any_spelling(name, split):
    assert split_of(name) == split


@pytest.mark.parametrize("labels", [EXPRESSION_LABELS, CUSTOM_LABELS])
def test_folders_of_parts_are_neither_classes_nor_people(tmp_path, labels):
    for part in ("train", "test"):
        photo(tmp_path / part / "happy/anna_1.jpg")
        photo(tmp_path / part / "sad/bob_1.jpg")
    found, result = sources(tmp_path, labels)
    assert {source.split for source in found.values()} == {"train", "test"}
    assert {source.subject for source in found.values()} == {"anna", "bob"}
    assert len({source.sequence for source in found.values()}) == 4
    assert len({source.expression for source in found.values()}) == 2
    assert not result.skipped
    assert result.notes == [
        "these folders are parts of the data set, not classes: test, train; rename a folder that "
        "is a class"
    ]


def test_photos_called_by_their_part_have_no_subject(tmp_path):
    for name in ("train/happy/Training_1", "test/happy/PublicTest_2", "test/sad/PrivateTest_3"):
        photo(tmp_path / f"{name}.jpg")
    photo(tmp_path / "test/sad/PrivateTest_4.jpg")
    found, result = sources(tmp_path, CUSTOM_LABELS)
    assert {source.subject for source in found.values()} == {""}
    assert len({source.sequence for source in found.values()}) == 4
    assert sorted(source.split for source in found.values()) == ["test", "test", "test", "train"]
    assert result.notes[1].startswith("4 photos have no subject, because their names begin with")
    assert "(PrivateTest, PublicTest, Training)" in result.notes[1]
    found, _ = sources(tmp_path / "test", CUSTOM_LABELS)
    assert sorted(source.split for source in found.values()) == ["test", "test", "validation"]


@pytest.mark.slow
def test_finetuning_counts_no_part_as_a_person(command, tmp_path):
    for number, name in enumerate(PHOTOS):
        for folder in ("smiling", "neutral"):
            (tmp_path / "test" / folder).mkdir(parents=True, exist_ok=True)
            part = ("PublicTest", "PrivateTest")[number % 2]
            shutil.copy(LONDON / folder / name, tmp_path / f"test/{folder}/{part}_{number}.jpg")
    done = command("finetune", tmp_path / "test", tmp_path / "a.onnx")
    assert done.returncode == 0, done.stderr
    assert "8 photos have no subject" in done.stderr
    assert "no subject names" in done.stdout


def test_annotated_copies_are_no_photos_of_a_data_set(tmp_path):
    photo(tmp_path / "happy/a_1.jpg")
    photo(tmp_path / "sad/b_1.jpg")
    for copy in ("happy/a_2.jpg", "read/happy/a_1.jpg", "faces.png"):
        (tmp_path / copy).parent.mkdir(parents=True, exist_ok=True)
        write_annotated(tmp_path / copy, np.zeros((40, 40, 3), np.uint8), [])
    found, result = sources(tmp_path, CUSTOM_LABELS)
    assert sorted(found) == ["happy/a_1.jpg", "sad/b_1.jpg"]
    assert not result.skipped
    (note,) = result.notes
    assert note.startswith("3 files with drawn expressions were left out, because degan wrote them")


def test_photos_with_other_endings_are_read_and_others_counted(tmp_path):
    for name in ("happy/a_1.jfif", "happy/b_1.jpg_large", "sad/a_1", "sad/b_1.jpg.download"):
        photo(tmp_path / name)
    for name in ("happy/notes.txt", "sad/x.txt", "sad/y.pdf", "sad/faces.csv", "sad/Thumbs.db"):
        (tmp_path / name).write_text("words")
    found, result = sources(tmp_path)
    assert len(found) == 4
    assert {source.subject for source in found.values()} == {"a", "b"}
    assert result.notes == ["3 files are neither photos nor videos: .txt 2, .pdf 1"]

"""What is said of a face, in every form: records and rows, files of them, the table, the photo."""

import csv
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import degan
from degan.cli import console
from degan.cli.print_faces import FaceTable
from degan.errors import DeganError
from degan.labels import ACTION_UNITS, FACIAL_ACTIONS
from degan.predict.drawing import annotate
from degan.predict.inputs import Input
from degan.predict.records import Result, columns, printable, rows_of, to_record
from degan.predict.user_boxes import read_boxes
from degan.predict.writers import CsvWriter, JsonWriter, format_of, write_file
from degan.recognition.prediction import Prediction

GREY = np.full((200, 200, 3), 128, np.uint8)
CLASSES = ("neutral", "fear", "surprise")
AMOUNTS = dict.fromkeys(FACIAL_ACTIONS, 0.0) | {
    "browInnerUp": 0.85,
    "mouthStretchLeft": 0.9,
    "mouthStretchRight": 0.7,
    "jawOpen": 0.1,
}
UNITS = {"AU1": 0.85, "AU20": 0.8, "AU26": 0.1}  # those that the weights read


def prediction(*, unsure=False, person=None, shares=(0.3, 0.45, 0.25), classes=CLASSES):
    told = dict(zip(classes, shares, strict=True))
    named = max(told, key=told.get)
    box = (20.123456, 60, 90, 90)
    return Prediction(box, 0.9, named, told, unsure, (0.1,), AMOUNTS, UNITS, None, person)


def photo(*faces):
    return Result("photos/a.jpg", GREY, faces)


def frame(*faces):
    return Result("talk.mp4", GREY, faces, None, 12, 0.480048)


def in_csv(record, **choices):
    stream = io.StringIO()
    writer = CsvWriter(stream, columns(CLASSES, **choices))
    writer.write(record)
    writer.finish()
    return list(csv.DictReader(io.StringIO(stream.getvalue())))


def shown(*records, roots=(), **choices):
    table = FaceTable(roots, **choices)
    with console.out.capture() as capture:
        for record in records:
            table.write(record)
        table.finish()
    return capture.get()


class TestRecords:
    def test_of_a_photo(self):
        assert to_record(photo(prediction())) == {
            "path": "photos/a.jpg",
            "faces": [
                {
                    "box": [20.12, 60, 90, 90],
                    "score": 0.9,
                    "expression": "fear",
                    "unsure": False,
                    "probabilities": {"neutral": 0.3, "fear": 0.45, "surprise": 0.25},
                }
            ],
        }

    def test_of_a_frame_it_has_number_time_and_persons(self):
        record = to_record(frame(prediction(person=3)))
        assert (record["frame"], record["time"]) == (12, 0.48)
        assert record["faces"][0]["person"] == 3

    def test_of_what_could_not_be_read_the_reason(self):
        assert to_record(Result("a.jpg", None, (), "a.jpg is empty")) == {
            "path": "a.jpg",
            "error": "a.jpg is empty",
        }

    def test_no_face_is_an_empty_list(self):
        assert to_record(photo()) == {"path": "photos/a.jpg", "faces": []}


class TestRows:
    def test_a_row_a_face_under_the_columns(self):
        record = to_record(photo(prediction(), prediction(unsure=True)))
        rows = rows_of(record)
        assert [row["unsure"] for row in rows] == [False, True]
        assert [(row["x"], row["height"], row["fear"]) for row in rows] == [(20.12, 90, 0.45)] * 2
        assert all(list(row) == [name for name in columns(CLASSES) if name in row] for row in rows)

    def test_frames_have_three_columns_more(self):
        (row,) = rows_of(to_record(frame(prediction(person=2))))
        assert (row["frame"], row["time"], row["person"]) == (12, 0.48, 2)
        assert set(columns(CLASSES, moving=True)) - set(columns(CLASSES)) == {
            "frame",
            "time",
            "person",
        }

    def test_a_photo_without_a_face_is_a_row_that_says_so_a_frame_is_none(self):
        assert rows_of(to_record(photo())) == [{"path": "photos/a.jpg", "error": "no face found"}]
        assert rows_of(to_record(frame())) == []

    def test_a_reason_is_a_row(self):
        assert rows_of({"path": "a.jpg", "error": "why"}) == [{"path": "a.jpg", "error": "why"}]

    @given(
        st.lists(
            st.sampled_from(["unsure", "unsure_", "path", "error", "error__", "x", "person", "AU1"])
            | st.text(min_size=1, max_size=4),
            min_size=2,
            max_size=5,
            unique=True,
        ),
        st.booleans(),
        st.booleans(),
    )
    def test_whatever_classes_are_called_each_has_a_column_of_its_own(self, names, moving, actions):
        named = columns(names, moving=moving, actions=actions)
        assert len(named) == len(columns((), moving=moving, actions=actions)) + len(names)
        shares = [0.123 + 0.01 * number for number in range(len(names))]
        face = prediction(shares=shares, classes=names, unsure=True, person=1 if moving else None)
        result = frame(face) if moving else photo(face)
        (row,) = rows_of(to_record(result, actions=actions))
        assert set(row) <= set(named)
        assert row["unsure"] is True
        assert row["path"] == result.path
        assert [cell for cell in row.values() if cell in shares] == shares


@pytest.mark.parametrize("unsure", [False, True])
class TestUnsure:
    def test_json_says_it_beside_the_expression(self, unsure):
        (face,) = to_record(photo(prediction(unsure=unsure)))["faces"]
        assert (face["expression"], face["unsure"]) == ("fear", unsure)

    def test_csv_has_a_column_of_it(self, unsure):
        (row,) = in_csv(to_record(photo(prediction(unsure=unsure))))
        assert (row["expression"], row["unsure"]) == ("fear", str(int(unsure)))
        assert (row["fear"], row["error"]) == ("0.45", "")

    def test_the_table_puts_a_question_mark(self, unsure):
        assert ("fear?" in shown(to_record(photo(prediction(unsure=unsure))))) == unsure


class TestTable:
    def test_a_photo_below_a_folder_is_called_by_its_path_in_it(self):
        text = shown(to_record(photo(prediction())), roots=[Path("photos")])
        assert " a.jpg " in text
        assert "photos/" not in text
        assert " photos/a.jpg " in shown(to_record(photo(prediction())), roots=[Path("phot")])

    def test_of_a_video_it_tells_spans(self):
        records = [
            to_record(Result("talk.mp4", None, (prediction(person=1),), None, n, n / 10))
            for n in range(30)
        ]
        (line,) = [line for line in shown(*records).splitlines() if "fear" in line]
        assert line.split() == ["talk.mp4", "1", "0:00.0", "-", "0:03.0", "fear", "45%"]

    def test_a_photo_without_a_face_is_a_row_unless_it_is_alone(self):
        (line,) = [line for line in shown(to_record(photo())).splitlines() if "a.jpg" in line]
        assert line.split() == ["photos/a.jpg", "no", "face", "found"]
        assert shown(to_record(photo()), alone=True) == ""


def test_the_photo_shows_a_question_mark_and_the_number_of_the_person():
    pictures = [
        annotate(GREY, [prediction(**choices)]) for choices in ({}, {"unsure": True}, {"person": 1})
    ]
    label = np.s_[40:62, 15:170]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (pictures[one][label] != pictures[other][label]).any()
        assert (pictures[one][70:] == pictures[other][70:]).all()


class TestActions:
    """Left out unless asked for: 80 numbers a face are many."""

    def test_records_have_them_by_both_names(self):
        (face,) = to_record(photo(prediction()), actions=True)["faces"]
        assert face["actions"] == AMOUNTS
        assert face["action_units"] == UNITS
        (without,) = to_record(photo(prediction()))["faces"]
        assert not {"actions", "action_units"} & set(without)

    def test_csv_has_a_column_of_each(self):
        (row,) = in_csv(to_record(photo(prediction()), actions=True), actions=True)
        assert (row["AU1"], row["AU20"], row["mouthStretchLeft"]) == ("0.85", "0.8", "0.9")
        assert set(ACTION_UNITS) | set(FACIAL_ACTIONS) < set(row)
        assert (row["AU64"], row["error"]) == ("", "")  # not read
        assert not {"AU1", "jawOpen"} & set(columns(CLASSES))

    def test_a_photo_without_a_face_has_none(self):
        (row,) = in_csv(to_record(photo(), actions=True), actions=True)
        assert (row["AU1"], row["jawOpen"], row["error"]) == ("", "", "no face found")

    def test_the_table_names_the_units_that_are_seen_strongest_first(self):
        text = shown(to_record(photo(prediction()), actions=True), actions=True)
        assert "AU1 AU20" in text
        assert "AU26" not in text  # a tenth is nothing to speak of


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).map(
    lambda text: text.replace("\r", "").replace("\0", "") or "a"  # csv reads \r as a new line
)
share = st.floats(0, 1).map(lambda value: round(value, 6))
pixels = st.floats(-1e4, 1e5).map(lambda value: round(value, 2))


@st.composite
def records(draw, moving, actions):
    record = {"path": draw(names)}
    if moving and draw(st.booleans()):
        record |= {"frame": draw(st.integers(0, 10**6)), "time": round(draw(st.floats(0, 1e5)), 4)}
    elif draw(st.booleans()):
        return record | {"error": draw(names)}
    faces = []
    for _ in range(draw(st.integers(0, 2))):
        face = {"person": draw(st.integers(1, 999))} if "frame" in record else {}
        face |= {
            "box": draw(st.lists(pixels, min_size=4, max_size=4)),
            "score": draw(share),
            "expression": draw(st.sampled_from(CLASSES)),
            "unsure": draw(st.booleans()),
            "probabilities": {name: draw(share) for name in CLASSES},
        }
        if actions:
            face |= {"actions": {"jawOpen": draw(share)}, "action_units": {"AU1": draw(share)}}
        faces.append(face)
    return record | {"faces": faces}


def parsed(text, kind):
    if text == "":
        return None
    return bool(int(text)) if kind is bool else kind(text)


@pytest.mark.parametrize(("moving", "actions"), [(False, False), (True, True)])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_written_is_read_back(tmp_path, moving, actions, data):
    written = data.draw(st.lists(records(moving, actions), max_size=4))
    named = columns(CLASSES, moving=moving, actions=actions)
    for ending in (".jsonl", ".csv", ".parquet"):
        with write_file(tmp_path / f"t{ending}", named) as file:
            for record in written:
                file.write(record)
    lines = (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == written
    rows = [dict.fromkeys(named) | row for record in written for row in rows_of(record)]
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        told = [{name: parsed(cell, named[name]) for name, cell in row.items()} for row in reader]
    assert reader.fieldnames == list(named)
    assert told == rows
    import pyarrow.parquet as pq

    table = pq.read_table(tmp_path / "t.parquet")
    assert table.column_names == list(named)
    assert table.to_pylist() == rows


class TestFiles:
    def test_a_file_appears_whole_or_not_at_all(self, tmp_path):
        for ending in (".csv", ".jsonl", ".parquet"):
            out = tmp_path / f"t{ending}"
            out.write_text("before")
            with pytest.raises(RuntimeError), write_file(out, columns(CLASSES)) as file:
                file.write(to_record(photo(prediction())))
                raise RuntimeError
            assert out.read_text() == "before"
        assert len(list(tmp_path.iterdir())) == 3

    def test_more_rows_than_are_in_memory(self, tmp_path, monkeypatch):
        monkeypatch.setattr("degan.predict.writers._ROWS", 3)
        with write_file(tmp_path / "t.parquet", columns(CLASSES)) as file:
            for number in range(10):
                file.write(to_record(Result(str(number), GREY, (prediction(),))))
        import pyarrow.parquet as pq

        table = pq.read_table(tmp_path / "t.parquet")
        assert table["path"].to_pylist() == [str(number) for number in range(10)]
        kinds = {field.name: str(field.type) for field in table.schema}
        assert (kinds["x"], kinds["unsure"], kinds["path"]) == ("double", "bool", "string")

    def test_a_name_that_says_no_form_is_refused(self):
        assert format_of(Path("A.CSV")).endings == (".csv",)
        for name in ("faces", "faces.txt", "csv", "faces.csv.gz"):
            with pytest.raises(DeganError, match=r"must end in \.csv, \.jsonl"):
                format_of(Path(name))

    def test_without_pyarrow_a_sentence_names_the_extra(self, monkeypatch, root):
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
        with pytest.raises(DeganError, match=r"pip install 'degan\[tables\]'"):
            format_of(Path("faces.parquet"))
        assert "\ntables = [" in (root / "pyproject.toml").read_text(encoding="utf-8")

    def test_json_is_a_line_a_picture_as_it_comes(self):
        stream = io.StringIO()
        writer = JsonWriter(stream)
        writer.write({"path": "a\nb.jpg", "faces": []})
        assert json.loads(stream.getvalue()) == {"path": "a\nb.jpg", "faces": []}
        assert stream.getvalue().count("\n") == 1


def test_a_path_that_is_no_text_can_be_printed():
    assert printable(Path("a\udcff.jpg")) == "a\\udcff.jpg"
    assert printable("Zoë.jpg") == "Zoë.jpg"


class TestDataFrame:
    def test_faces_of_a_picture_are_rows(self, astronaut):
        recognizer = degan.Recognizer()
        faces = recognizer.predict(astronaut)
        table = degan.to_frame(faces)
        assert len(table) == len(faces) == 1
        assert table.expression[0] == "happiness"
        shares = table[list(recognizer.expressions)].to_numpy()
        assert shares.sum() == pytest.approx(1, abs=1e-4)
        assert "AU12" not in table
        assert degan.to_frame(faces, actions=True).AU12[0] > 0.4

    def test_results_keep_their_names_and_reasons(self, astronaut):
        faces = tuple(degan.Recognizer().predict(astronaut))
        read = [
            Result("a.jpg", astronaut, faces),
            Result("b.jpg", None, (), "b.jpg is damaged"),
            Result("c.jpg", astronaut, ()),
        ]
        table = degan.to_frame(read)
        assert list(table.path) == ["a.jpg", "b.jpg", "c.jpg"]
        assert list(table.error)[1:] == ["b.jpg is damaged", "no face found"]

    def test_of_nothing_the_table_is_empty(self):
        assert degan.to_frame([]).empty

    def test_without_pandas_the_sentence_names_the_extra(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(DeganError, match=r"degan\[tables\]"):
            degan.to_frame([])


NAMES = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="/\0"),
        st.sampled_from(" \r\n\t'\"=+-@,;\\"),
    ),
    min_size=1,
    max_size=9,
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)


@pytest.mark.parametrize("safe", [False, True])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_boxes_of_any_file_name_come_back_from_csv(tmp_path, safe, names):
    paths = [Path("in") / f"{name}.jpg" for name in names] + [Path(f"{names[0]}.jpg")]
    with write_file(tmp_path / "b.csv", columns(CLASSES), safe=safe) as file:
        for path in paths:
            file.write(to_record(Result(printable(path), GREY, (prediction(),))))
    inputs = [Input(path, path, "photo") for path in paths]
    found = read_boxes(tmp_path / "b.csv", inputs, pytest.fail)
    assert found.by_name.keys() == {printable(path) for path in paths}


class TestSafeCsv:
    def write(self, record, path):
        with write_file(path, columns(["=class", "fear"]), safe=True) as file:
            file.write(record)
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.reader(stream))

    def test_texts_are_guarded_and_numbers_are_not(self, tmp_path):
        face = to_record(photo(prediction()))["faces"][0]
        face |= {"box": [-0.5, -20, 30, 40], "expression": "=class"}
        face["probabilities"] = {"=class": 1e-06, "fear": 0.5}
        record = {"path": "=cmd|' /C calc'!A0.jpg", "faces": [face]}
        header, row = self.write(record, tmp_path / "t.csv")
        found = dict(zip(header, row, strict=True))
        assert found["path"] == "'=cmd|' /C calc'!A0.jpg"
        assert (found["x"], found["y"], found["'=class"]) == ("-0.5", "-20", "1e-06")
        assert found["expression"] == "'=class"

    @pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
    def test_errors_are_guarded_too(self, tmp_path, begin):
        name = f"{begin}a.jpg"
        record = {"path": name, "error": f"{name} is damaged"}
        _, row = self.write(record, tmp_path / "t.csv")
        assert (row[0], row[-1]) == (f"'{name}", f"'{name} is damaged")

    def test_an_option_without_effect_is_refused(self, tmp_path, refuses, examples):
        for ending in (".jsonl", ".parquet"):
            with (
                pytest.raises(DeganError, match=r"only CSV needs protection"),
                write_file(tmp_path / f"t{ending}", columns(CLASSES), safe=True),
            ):
                pass
        says = "--safe-csv is for --csv and for -o FILE.csv"
        photo = examples / "smiling/001.jpg"
        refuses("predict", photo, "--safe-csv", says=says)
        refuses("predict", photo, "--safe-csv", "--json", says=says)
        refuses("predict", photo, "--safe-csv", "-o", tmp_path / "t.jsonl", says=says)

    def test_the_command_writes_it(self, tmp_path, command, examples, monkeypatch):
        monkeypatch.chdir(tmp_path)
        shutil.copy(examples / "smiling/001.jpg", "=1+1.jpg")
        done = command("predict", "=1+1.jpg", "--csv", "--safe-csv")
        assert next(csv.DictReader(io.StringIO(done.stdout)))["path"] == "'=1+1.jpg"
        done = command("predict", "=1+1.jpg", "-o", "t.csv", "--safe-csv")
        assert done.returncode == 0, done.stderr
        assert "'=1+1.jpg" in (tmp_path / "t.csv").read_text()
        done = command("predict", "=1+1.jpg", "--csv")
        assert next(csv.DictReader(io.StringIO(done.stdout)))["path"] == "=1+1.jpg"

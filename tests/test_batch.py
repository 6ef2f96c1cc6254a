"""What is said of a face, in every form: JSON, CSV, the table and the photo."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from degan import console, report
from degan.annotate import annotate
from degan.batch import PhotoResult, csv_header, csv_rows, to_json
from degan.labels import ACTION_UNITS, FACIAL_ACTIONS
from degan.recognizer import Prediction

PHOTO = Path("photos/a.jpg")
GREY = np.full((200, 200, 3), 128, np.uint8)


AMOUNTS = dict.fromkeys(FACIAL_ACTIONS, 0.0) | {
    "browInnerUp": 0.85,
    "mouthStretchLeft": 0.9,
    "mouthStretchRight": 0.7,
    "jawOpen": 0.1,
}
UNITS = {"AU1": 0.85, "AU20": 0.8, "AU26": 0.1}  # those that the weights read


def result(*, unsure=False):
    shares = {"neutral": 0.3, "fear": 0.45, "surprise": 0.25}
    face = Prediction((20, 60, 90, 90), 0.9, "fear", shares, unsure, (0.1,), AMOUNTS, UNITS, None)
    return PhotoResult(PHOTO, GREY, (face,), None)


@pytest.mark.parametrize("unsure", [False, True])
class TestUnsure:
    def test_json_says_it_beside_the_expression(self, unsure):
        (face,) = to_json(result(unsure=unsure))["faces"]
        assert (face["expression"], face["unsure"]) == ("fear", unsure)

    def test_csv_has_a_column_of_it(self, unsure):
        text = ",".join(csv_header()) + "\n" + csv_rows(result(unsure=unsure))
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["expression"], row["unsure"]) == ("fear", str(int(unsure)))
        assert (row["fear"], row["anger"], row["error"]) == ("0.45", "", "")

    def test_the_table_puts_a_question_mark(self, unsure):
        table = report.face_table()
        report.add_faces(table, result(unsure=unsure), Path("photos"))
        with console.out.capture() as capture:
            console.out.print(table)
        assert ("fear?" in capture.get()) == unsure


def test_the_photo_shows_a_question_mark():
    sure, unsure = (annotate(GREY, result(unsure=value).faces) for value in (False, True))
    label = np.s_[40:62, 15:150]
    assert (sure[label] != unsure[label]).any()
    assert (sure[70:] == unsure[70:]).all()


class TestActions:
    """Left out unless asked for: 80 numbers a face are many."""

    def test_json_has_them_by_both_names(self):
        (face,) = to_json(result(), actions=True)["faces"]
        assert face["actions"] == AMOUNTS
        assert face["action_units"] == UNITS
        (without,) = to_json(result())["faces"]
        assert not {"actions", "action_units"} & set(without)

    def test_csv_has_a_column_of_each(self):
        text = ",".join(csv_header(actions=True)) + "\n" + csv_rows(result(), actions=True)
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["AU1"], row["AU20"], row["mouthStretchLeft"]) == ("0.85", "0.8", "0.9")
        assert set(ACTION_UNITS) | set(FACIAL_ACTIONS) < set(row)
        assert (row["AU64"], row["anger"], row["error"]) == ("", "", "")  # not read
        assert not {"AU1", "jawOpen"} & set(csv_header())

    def test_a_photo_without_a_face_has_none(self):
        nobody = PhotoResult(PHOTO, GREY, (), None)
        text = ",".join(csv_header(actions=True)) + "\n" + csv_rows(nobody, actions=True)
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["AU1"], row["jawOpen"], row["error"]) == ("", "", "no face found")

    def test_the_table_names_the_units_that_are_seen_strongest_first(self):
        table = report.face_table(actions=True)
        report.add_faces(table, result(), Path("photos"), actions=True)
        with console.out.capture() as capture:
            console.out.print(table)
        assert "AU1 AU20" in " ".join(capture.get().split())
        assert "AU26" not in capture.get()  # a tenth is nothing to speak of

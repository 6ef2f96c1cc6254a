"""What is said of a face, in every form: JSON, CSV, the table and the photo."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from degan import console, report
from degan.annotate import annotate
from degan.batch import CSV_HEADER, PhotoResult, csv_rows, to_json
from degan.recognizer import Prediction

PHOTO = Path("photos/a.jpg")
GREY = np.full((200, 200, 3), 128, np.uint8)


def result(*, unsure):
    shares = {"neutral": 0.3, "fear": 0.45, "surprise": 0.25}
    face = Prediction((20, 60, 90, 90), 0.9, "fear", shares, unsure, None)
    return PhotoResult(PHOTO, GREY, (face,), None)


@pytest.mark.parametrize("unsure", [False, True])
class TestUnsure:
    def test_json_says_it_beside_the_expression(self, unsure):
        (face,) = to_json(result(unsure=unsure))["faces"]
        assert (face["expression"], face["unsure"]) == ("fear", unsure)

    def test_csv_has_a_column_of_it(self, unsure):
        text = ",".join(CSV_HEADER) + "\n" + csv_rows(result(unsure=unsure))
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

"""The worst mistakes as one picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.config.run_layout import MISTAKES_FILE
from degan.data.crops import read_crops
from degan.errors import DeganError
from degan.evaluation.exported import evaluate
from degan.evaluation.mistakes import (
    MAX_MISTAKES,
    mistakes_sheet,
    most_confident_mistakes,
    replace_sheet,
)
from degan.media.images import read_image
from degan.recognition.recognizer import Recognizer


def test_the_surest_mistake_is_the_worst():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    assert most_confident_mistakes(np.array([0, 1, 0, 1]), probabilities).tolist() == [2, 3, 1]


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), max_size=60))
def test_only_mistakes_are_among_them_and_no_more_than_fit(rows):
    probabilities = np.array([[share, 1 - share] for share, _ in rows]).reshape(-1, 2)
    truth = np.array([label for _, label in rows], int)
    places = most_confident_mistakes(truth, probabilities)
    wrong = int((probabilities.argmax(axis=1) != truth).sum())
    assert len(places) == min(wrong, MAX_MISTAKES)
    assert (probabilities[places].argmax(axis=1) != truth[places]).all()


@pytest.mark.parametrize(("wrong", "size"), [(1, (182, 136)), (8, (182, 1032)), (9, (356, 1032))])
def test_each_mistake_has_a_face_and_a_caption(faces, wrong, size):
    truth = [faces.expressions.index(sample.expression) for sample in faces.samples]
    said = [1 - t if number < wrong else t for number, t in enumerate(truth)]
    sheet = mistakes_sheet(faces, range(24), faces.expressions, np.eye(2)[said])
    assert sheet.shape == (*size, 3)
    first = sheet[8:128, 8:128].astype(float)
    crop = read_crops(faces, [0])[0].astype(float)
    assert abs(first.mean() - crop.mean()) < 3
    caption = sheet[128:174, 8:128]
    assert (caption < 100).any()
    assert (caption > 200).mean() > 0.7


def test_where_nothing_is_wrong_there_is_no_picture(faces):
    truth = [faces.expressions.index(sample.expression) for sample in faces.samples]
    assert mistakes_sheet(faces, range(24), faces.expressions, np.eye(2)[truth]) is None


@pytest.mark.parametrize("in_the_way", [False, True])
def test_an_earlier_picture_goes_where_nothing_is_wrong(tmp_path, in_the_way):
    path = tmp_path / MISTAKES_FILE
    path.mkdir() if in_the_way else path.write_bytes(b"earlier")
    if in_the_way:
        with pytest.raises(DeganError, match=r"cannot remove .*mistakes\.jpg"):
            replace_sheet(tmp_path, None)
    else:
        replace_sheet(tmp_path, None)
        assert not path.exists()


def test_an_evaluation_leaves_the_picture_beside_its_figures(faces, tmp_path):
    summary = evaluate(faces, Recognizer(), out=tmp_path)
    wrong = round((1 - summary["accuracy"]) * summary["images"])
    assert wrong > 0
    assert read_image(tmp_path / MISTAKES_FILE).shape == (
        8 + 174 * -(-wrong // 8),
        8 + 128 * min(wrong, 8),
        3,
    )

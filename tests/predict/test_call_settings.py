"""Arguments of a call of predict: types and ranges are checked before any work."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import degan
from degan.errors import DeganError, DeganTypeError
from degan.media.images import read_image
from degan.predict import Count, annotate, find_inputs, open_reader, predict, to_record, write_file
from degan.predict.call_settings import Plan
from degan.predict.reader import ReadOptions
from degan.predict.records import columns
from degan.recognition.recognizer import Recognizer
from films import film, scene

GREY = np.full((48, 64, 3), 120, np.uint8)


@pytest.fixture(scope="module")
def reader():
    return open_reader()


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"inputs": "a.jpg"}, "inputs must be a list of photos and videos, as find_inputs"),
        ({"inputs": [Path("a.jpg")]}, "inputs must be a list of photos and videos"),
        ({"stdin": "no"}, "stdin must be True or False"),
        ({"calmest": 1}, "calmest must be True or False"),
        ({"camera": "0"}, "camera must be a whole number"),
        ({"camera": 256}, "camera must be 0 to 255"),
        ({"smooth": -1}, "smooth must be 0 or more"),
        ({"rate": 0}, r"rate must be 0\.01 or more"),
        ({"rate": float("nan")}, r"rate must be 0\.01 or more"),
        ({"boxes": "boxes.csv"}, "boxes must be the boxes of a file, or None"),
        ({"annotate": 3}, "annotate must be a path"),
        ({"annotate": ""}, "annotate is an empty path"),
        ({"jobs": 0}, "jobs must be 1 to 1024"),
        ({"jobs": 1.5}, "jobs must be a whole number"),
    ],
)
def test_a_setting_that_is_none_is_refused(reader, choices, says):
    with pytest.raises(DeganError, match=says):
        Plan(**{"reader": reader, **choices})


def test_a_reader_is_an_opened_one():
    with pytest.raises(DeganTypeError, match="reader must be a reader, as open_reader returns it"):
        Plan(reader=ReadOptions())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"crops": "no"}, "crops must be True or False"),
        ({"thorough": 1}, "thorough must be True or False"),
        ({"actions": None}, "actions must be True or False"),
        ({"people": "False"}, "people must be True or False"),
        ({"weights": 3}, "weights must be a path"),
        ({"neutral": ""}, "neutral is an empty path"),
        ({"groups": {"bad": ("fear",)}}, r"groups must be a list of pairs \(group name"),
    ],
)
def test_an_option_of_photos_that_is_none_is_refused(options, says):
    with pytest.raises(DeganError, match=says):
        ReadOptions(**options)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: predict("a.jpg", print), "plan must be a Plan, not .* str"),
        (lambda: open_reader({"crops": True}), "options must be ReadOptions or None, not .* dict"),
        (lambda: find_inputs("photos"), "words must be a list of paths, not str"),
        (lambda: find_inputs(["photos", 3]), "must be a path .* not .* int"),
        (lambda: to_record("a.jpg"), "result must be the result of a photo or frame, not .* str"),
        (lambda: Count().add("a.jpg"), "record must be a record, as to_record returns it"),
        (lambda: Count().add({}, of_video="no"), "of_video must be True or False"),
        (lambda: annotate(GREY, "faces"), "faces must be a list of predictions"),
        (lambda: annotate(GREY, [None]), "faces must be a list of predictions"),
        (lambda: degan.to_frame([], actions="no"), "actions must be True or False"),
        (lambda: write_file("a.csv", "xy").__enter__(), "columns must be a dict"),
        (
            lambda: degan.watch(Recognizer(), type("Fake", (), {"frames": list})()),
            r"playing must be what degan\.play returns, not .* Fake",
        ),
    ],
)
def test_an_argument_of_another_type_is_named(call, says):
    with pytest.raises(DeganTypeError, match=says):
        call()


@pytest.mark.parametrize(
    "image",
    [None, GREY.tolist(), GREY[..., 0], np.zeros((9, 9, 4), np.uint8), GREY / 255, GREY[:0]],
)
def test_boxes_are_drawn_on_images_alone(image):
    with pytest.raises(DeganError, match="an image must be an RGB uint8 array"):
        annotate(image, [])


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"take": 5}, "take must be a function"),
        ({"take": None}, "take must be a function"),
        ({"take": print, "progress": 5}, "progress must be a function or None"),
        ({"take": print, "note": "x"}, "note must be a function or None"),
        ({"take": print, "out": 3}, "out must be a path"),
        ({"take": print, "sheet": b"a.png"}, "sheet must be a path"),
    ],
)
def test_callbacks_and_paths_are_checked_before_any_work(reader, choices, says):
    with pytest.raises(DeganTypeError, match=says):
        predict(Plan(reader=reader, stdin=True), **choices)


def test_paths_may_be_text(reader, examples, tmp_path):
    photo = str(examples / "smiling/001.jpg")
    plan = Plan(find_inputs([photo]), reader=reader, annotate=str(tmp_path / "a.png"))
    out, sheet = tmp_path / "t.csv", tmp_path / "s.png"
    assert predict(plan, None, out=str(out), sheet=str(sheet)).faces == 1
    assert read_image(tmp_path / "a.png").shape == read_image(photo).shape
    assert out.is_file() and sheet.is_file()


@pytest.mark.parametrize("rate", [Fraction(5), np.float32(5), np.int64(5)])
def test_a_rate_of_another_kind_of_number_is_that_rate(rate, tmp_path):
    path = tmp_path / "v.mp4"
    path.write_bytes(film([scene()] * 4))
    assert len(degan.read(path, rate=rate)) == len(degan.read(path, rate=5))
    kept = Plan(camera=0, rate=rate, smooth=np.float32(0.5), jobs=np.int64(2))
    assert [type(one) for one in (kept.rate, kept.smooth, kept.jobs)] == [float, float, int]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_file_that_is_finished_takes_no_record(tmp_path, ending):
    path, record = tmp_path / f"t.{ending}", {"path": "a.jpg", "faces": []}
    with write_file(path, columns(["fear"])) as writer:
        with pytest.raises(DeganTypeError, match="record must be a record, as to_record returns"):
            writer.write("a.jpg")
        writer.write(record)
        writer.finish()
        with pytest.raises(DeganError, match=rf"t\.{ending} is finished; write its records"):
            writer.write(record)
    with pytest.raises(DeganError, match=rf"t\.{ending} is finished"):
        writer.write(record)
    with write_file(tmp_path / f"once.{ending}", columns(["fear"])) as writer:
        writer.write(record)
    assert path.read_bytes() == (tmp_path / f"once.{ending}").read_bytes()


def test_a_box_far_larger_than_the_image_is_drawn():
    """A font of its size would take all memory."""
    faces = Recognizer().predict_boxes(GREY, [(0, 0, 1e9, 1e9), (-1e6, -1e6, 2e6, 2e6)])
    assert annotate(GREY, faces).shape == GREY.shape

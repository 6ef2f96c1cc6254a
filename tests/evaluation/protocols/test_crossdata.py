"""Across data sets: what is trained on, what is tested, and what cannot be compared."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from changed_data import mirrored, other_source, write_changed
from degan.config import preset
from degan.data.manifest import read_dataset, write_dataset
from degan.errors import DeganError, DeganTypeError
from degan.evaluation.protocols.crossdata import cross_data_set
from degan.media import images

TINY = preset("tiny")


@pytest.fixture(scope="module")
def others(faces, tmp_path_factory):
    """The same faces mirrored, under other names, and one more expression."""
    folder = tmp_path_factory.mktemp("others")
    samples = []
    for number, sample in enumerate(faces.samples):
        crop = images.read_image(faces.folder / sample.file)
        images.write_image(folder / sample.file, np.ascontiguousarray(crop[:, ::-1]))
        changed = sample._replace(subject=f"other {sample.subject}")
        samples.append(changed._replace(expression="fear") if number < 3 else changed)
    write_dataset(folder, samples, [], crop_size=64, frame=faces.frame, settings={})
    return read_dataset(folder)


@pytest.fixture(scope="module")
def finished(faces, others, tmp_path_factory):
    run = tmp_path_factory.mktemp("crossdata") / "run"
    return run, cross_data_set(faces, others, run, TINY)


def test_what_both_have_is_tested_once_on_people_of_the_other_set(finished, others):
    run, summary = finished
    assert summary["expressions"] == ["neutral", "happiness"]
    assert summary["images"] == 21
    with (run / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    shown = [i for i, sample in enumerate(others.samples) if sample.expression != "fear"]
    assert [int(row["index"]) for row in rows] == shown
    assert {row["subject"] for row in rows} <= set(others.subjects)


def test_what_the_other_set_lacks_is_not_trained_on(others, faces, tmp_path):
    cross_data_set(others, faces, tmp_path / "run", TINY)
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["expressions"] == ["neutral", "happiness"]


def test_a_finished_run_is_not_done_again(finished, faces, others):
    run, summary = finished
    before = (run / "model.safetensors").stat().st_mtime_ns
    assert cross_data_set(faces, others, run, TINY) == summary
    assert (run / "model.safetensors").stat().st_mtime_ns == before


def test_sets_that_cannot_be_compared_are_refused(faces, others, tmp_path):
    only = others.with_expressions(["neutral"])
    with pytest.raises(DeganError, match="must share two expressions or more"):
        cross_data_set(faces, only, tmp_path / "run", TINY)
    with pytest.raises(DeganError, match=r"same data set.*crossval"):
        cross_data_set(faces, faces, tmp_path / "run", TINY)
    assert not (tmp_path / "run").exists()


def test_one_data_set_prepared_twice_shares_people(faces, others, tmp_path):
    one = replace(faces, origin="oulu")
    other = replace(faces, origin="oulu", manifest_hash="0" * 64)
    with pytest.raises(DeganError, match="are both from oulu and share 12 subjects, such as 001"):
        cross_data_set(one, other, tmp_path / "run", TINY)
    assert not (tmp_path / "run").exists()


def test_names_that_stand_in_two_sets_of_ones_own_are_counted(finished, faces, tmp_path):
    assert finished[1]["subjects_of_one_name"] == 0
    again = write_changed(faces, tmp_path / "again", mirrored, other_source)
    assert cross_data_set(faces, again, tmp_path / "r", TINY)["subjects_of_one_name"] == 12


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"training_set": "data"}, "training_set must be a data set of read_dataset"),
        ({"test_set": None}, "test_set must be a data set of read_dataset"),
        ({"settings": "tiny"}, "settings must be settings of a run"),
        ({"progress": 5}, "progress must be a function or None"),
    ],
)
def test_a_wrong_argument_is_found_before_a_folder_is_made(faces, others, tmp_path, change, says):
    right = {"training_set": faces, "test_set": others, "settings": TINY}
    with pytest.raises(DeganTypeError, match=says):
        cross_data_set(folder=tmp_path / "run", **{**right, **change})
    assert not any(tmp_path.iterdir())

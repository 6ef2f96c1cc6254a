"""Pictures of training data are recognised in other data sets: one photo more, renamed, joined."""

import json
from dataclasses import replace

import numpy as np
import pytest

from changed_data import compressed, mirrored, renamed, write_changed, write_split
from degan.cli.print_evaluation import evaluation_notes
from degan.config import override, preset
from degan.data.crop_hashes import crop_hash, find_known
from degan.data.folds import subject_folds
from degan.data.join import join_datasets
from degan.data.provenance import pictures_of
from degan.errors import DeganError
from degan.evaluation.exported import evaluate
from degan.evaluation.probes import leakage
from degan.evaluation.probes.run import probe
from degan.evaluation.protocols.crossdata import cross_data_set
from degan.evaluation.protocols.crossval import cross_validate
from degan.recognition.recognizer import Recognizer
from degan.report.model_location import choose_samples, find_model, open_model
from degan.training.model import load_model
from degan.training.pipeline import train
from degan.tuning import calibration
from degan.tuning.calibration import calibrate
from degan.tuning.check_unseen import unseen_chunks
from degan.tuning.fine_tuning import FinetuneSettings, finetune
from degan.tuning.onnx_export import export

TINY = preset("tiny")
KEPT_OUT = 5


@pytest.fixture(scope="module")
def run(faces, tmp_path_factory):
    """A run on all people but the first five."""
    folder = tmp_path_factory.mktemp("known") / "run"
    train(faces, faces.without_subjects(faces.subjects[:KEPT_OUT]), TINY, folder)
    return folder


@pytest.fixture(scope="module")
def weights(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("known-weights") / "own.onnx"
    export(load_model(run), path)
    return path


@pytest.fixture(scope="module")
def one_more(faces, tmp_path_factory):
    """The data set of the run with one more photo."""
    new = faces.samples[0]._replace(file="new.png", subject="new", sequence="new", source="new.jpg")
    return write_changed(faces, tmp_path_factory.mktemp("one-more"), more=[new])


@pytest.fixture(scope="module")
def with_other_names(faces, tmp_path_factory):
    """The data set of the run with other names of files and people."""
    return write_changed(faces, tmp_path_factory.mktemp("renamed"), name=renamed)


@pytest.fixture(scope="module")
def in_another(one_more, faces, tmp_path_factory):
    """The renamed pictures joined to other pictures."""
    folder = tmp_path_factory.mktemp("joined")
    other = write_changed(faces, folder / "lab", mirrored)
    return join_datasets([one_more.folder, other.folder], folder / "all")


@pytest.fixture(params=["one_more", "with_other_names", "in_another"])
def changed(request):
    return request.getfixturevalue(request.param)


def named(dataset, count):
    """A pattern of a refusal that names a number of pictures and one of them."""
    return rf"{count} pictures of {dataset.folder}, such as \S+\.jpg"


def test_every_training_records_its_pictures_in_12_digits_each(faces, run):
    record = load_model(run).trained_on
    pictures = pictures_of(record)
    assert len(pictures) == record["samples"] == 2 * (12 - KEPT_OUT)
    assert {len(name) for name in pictures} == {12}
    assert len(record["pictures"]) == 13 * len(pictures) - 1
    trained = faces.without_subjects(faces.subjects[:KEPT_OUT])
    assert find_known(faces, pictures) == trained


def test_the_hash_is_of_all_pixels_in_any_layout():
    crop = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    assert crop_hash(crop) == crop_hash(np.asfortranarray(crop))
    other = crop.copy()
    other[7, 7, 2] ^= 1
    assert crop_hash(crop) != crop_hash(other)


def test_weights_that_began_with_others_record_the_pictures_of_both(faces, run, tmp_path):
    other = write_changed(faces, tmp_path / "other", mirrored, renamed)
    train(other, range(24), override(TINY, [f"start='{run}'"]), tmp_path / "run")
    pictures = pictures_of(load_model(tmp_path / "run").trained_on)
    assert len(pictures) == 24 + 2 * (12 - KEPT_OUT)
    assert pictures > pictures_of(load_model(run).trained_on)


class TestInitialWeights:
    def test_folds_that_test_known_people_are_refused(self, run, changed, tmp_path):
        settings = override(TINY, [f"start='{run}'"])
        folds = subject_folds(changed.samples, 3, 0)
        with pytest.raises(DeganError, match=f"{named(changed, 14)}.* cannot be tested on it"):
            cross_validate(changed, tmp_path / "cv", settings, folds=folds, jobs=1)
        assert not (tmp_path / "cv").exists()

    def test_another_data_set_with_known_people_is_refused(self, faces, run, changed, tmp_path):
        training = write_changed(
            faces, tmp_path / "t", lambda crop: crop[::-1].copy(), lambda s: renamed(renamed(s))
        )
        settings = override(TINY, [f"start='{run}'"])
        with pytest.raises(DeganError, match=f"{named(changed, 14)}.* cannot be tested on it"):
            cross_data_set(training, changed, tmp_path / "cross", settings)
        assert not (tmp_path / "cross").exists()

    def test_other_people_of_a_data_set_with_known_ones_can_be_tested(self, run, one_more):
        from degan.training.start import check_unseen, read_start

        start = read_start(override(TINY, [f"start='{run}'"]))
        new = [i for i, s in enumerate(one_more.samples) if s.subject in one_more.subjects[:5]]
        check_unseen(start, one_more, new)
        with pytest.raises(DeganError, match="trained on 2 pictures of"):
            check_unseen(start, one_more, [*new, KEPT_OUT])


class TestFits:
    def test_a_temperature_is_refused_and_the_model_stays(self, run, changed, monkeypatch):
        monkeypatch.setattr(calibration, "MIN_SAMPLES", 10)
        model = load_model(run)
        model.recognition.temperature = 2.0
        with pytest.raises(DeganError, match=f"trained on {named(changed, 14)}; calibrate it on"):
            calibrate(model, changed)
        assert model.recognition.temperature == 2.0
        assert model.recognition.calibrated_on == frozenset()

    def test_crops_are_given_out_as_long_as_none_is_known(self, run, faces, tmp_path):
        model = load_model(run)
        other = write_changed(faces, tmp_path, mirrored)
        (crops,) = unseen_chunks(model, other, range(24), lambda *_: None, "", "fit on")
        assert crops.shape == (24, 64, 64, 3)

    def test_fine_tuning_of_a_run_on_its_own_pictures_is_refused(self, run, changed, tmp_path):
        settings = FinetuneSettings(base=str(run))
        with pytest.raises(DeganError, match=f"trained on {named(changed, 14)}; fine-tune with"):
            finetune(changed.folder, tmp_path / "mine.onnx", settings, jobs=1)
        assert not (tmp_path / "mine.onnx").exists()

    def test_fine_tuned_weights_record_the_pictures_of_their_base(self, faces, run, tmp_path):
        other = write_changed(faces, tmp_path / "other", mirrored, renamed)
        settings = FinetuneSettings(base=str(run), folds=2)
        finetune(other.folder, tmp_path / "mine.onnx", settings, jobs=1)
        pictures = pictures_of(Recognizer(tmp_path / "mine.onnx").trained_on)
        assert len(pictures) == 24 + 2 * (12 - KEPT_OUT)


class TestMeasurements:
    def test_people_with_a_training_picture_are_no_new_people_to_probes(
        self, run, changed, monkeypatch
    ):
        monkeypatch.setattr(leakage, "_MLP_EPOCHS", 1)
        monkeypatch.setattr(leakage, "_MLP_MIN_STEPS", 20)
        found = probe([run], changed)
        assert found["people_trained_on"] == 12 - KEPT_OUT
        assert found["people"] == len(changed.subjects) - (12 - KEPT_OUT)

    def test_an_evaluation_counts_them(self, weights, changed, capsys):
        summary = evaluate(changed, Recognizer(weights))
        assert summary["trained_on_this_data"]
        assert summary["images_in_training"] == 14
        evaluation_notes(summary)
        assert f"14 of {summary['images']} images were in the training" in capsys.readouterr().err

    def test_a_report_shows_other_people(self, run, one_more):
        place = find_model(run, one_more)
        shown = choose_samples(place, open_model(place, one_more), one_more)
        people = {one_more.samples[index].subject for index in shown.indices}
        assert people == {*one_more.subjects[:KEPT_OUT], "new"}
        assert not shown.seen


class TestNearCopies:
    @pytest.fixture
    def split(self, faces, tmp_path):
        return write_split(faces, tmp_path / "data")

    @pytest.fixture
    def of_training_part(self, split, tmp_path):
        train(split, split.split_indices("train"), TINY, tmp_path / "run")
        return load_model(tmp_path / "run")

    def test_of_the_training_part_are_counted_in_the_test_part(
        self, split, of_training_part, tmp_path, capsys
    ):
        export(of_training_part, tmp_path / "own.onnx")
        out = tmp_path / "out"
        summary = evaluate(split, Recognizer(tmp_path / "own.onnx"), split="test", out=out)
        assert (summary["images_in_training"], summary["near_copies"]) == (1, 2)
        assert json.loads((out / "summary.json").read_text())["near_copies"] == 2
        evaluation_notes(summary)
        assert "1 more are near copies of training images" in capsys.readouterr().err

    def test_weights_without_recorded_pictures_know_the_part_by_the_manifest(
        self, split, of_training_part, tmp_path, capsys
    ):
        record = {**of_training_part.trained_on, "pictures": ""}
        export(replace(of_training_part, trained_on=record), tmp_path / "own.onnx")
        summary = evaluate(split, Recognizer(tmp_path / "own.onnx"), split="test")
        assert (summary["images_in_training"], summary["near_copies"]) == (None, 2)
        assert not summary["trained_on_this_data"]
        evaluation_notes(summary)
        assert "2 of 10 images are near copies of training images" in capsys.readouterr().err

    def test_are_unknown_where_the_training_pictures_are_not_at_hand(
        self, faces, weights, tmp_path
    ):
        other = write_changed(faces, tmp_path, mirrored)
        summary = evaluate(other, Recognizer(weights))
        assert (summary["images_in_training"], summary["near_copies"]) == (0, None)
        assert evaluate(other, Recognizer("web"))["near_copies"] is None


class TestAcrossDataSets:
    def test_a_test_set_with_training_pictures_is_refused(self, faces, one_more, tmp_path):
        with pytest.raises(DeganError, match=f"contains {named(one_more, 24)}; leave them out"):
            cross_data_set(faces, one_more, tmp_path / "run", TINY)
        assert not (tmp_path / "run").exists()

    def test_they_are_left_out_on_request(self, faces, tmp_path):
        odd = iter(range(1000))
        half = write_changed(
            faces, tmp_path / "half", lambda c: mirrored(c) if next(odd) % 12 < 6 else c, renamed
        )
        summary = cross_data_set(faces, half, tmp_path / "run", TINY, drop_copies=True)
        assert (summary["images"], summary["copies_left_out"], summary["near_copies"]) == (
            12,
            12,
            0,
        )
        again = cross_data_set(faces, half, tmp_path / "run", TINY, drop_copies=True)
        assert again == summary
        with pytest.raises(DeganError, match="was tested without near copies"):
            cross_data_set(faces, half, tmp_path / "run", TINY)

    def test_near_copies_are_counted(self, faces, tmp_path):
        other = write_changed(faces, tmp_path / "other", compressed, renamed)
        summary = cross_data_set(faces, other, tmp_path / "run", TINY)
        assert (summary["near_copies"], summary["copies_left_out"]) == (24, None)

"""The blend, chosen on inner folds of the training people."""

import json

import pytest
import torch

from degan.config import override, preset
from degan.errors import DeganError
from degan.system.progress import silent
from degan.training import blending
from degan.training.blending import choose_blend
from degan.training.guard import TrainingError
from degan.training.loader import load
from degan.training.pipeline import train, training_seconds
from degan.training.run_directory import logged_seconds
from degan.training.start import read_start

TINY = preset("tiny")
LONG = ["classifier.epochs=40", "classifier.encoder_rate=1.0", "gan.epochs=0"]


@pytest.fixture(scope="module")
def earlier(faces, tmp_path_factory):
    """A run that knows all the faces by heart."""
    folder = tmp_path_factory.mktemp("earlier") / "run"
    train(faces, range(len(faces.samples)), override(TINY, LONG), folder)
    return folder


def chosen(faces, earlier, folder, *changes, indices=range(24), progress=silent):
    settings = override(TINY, [f"start='{earlier}'", *LONG, *changes])
    data = load(faces, indices, settings.network, faces.expressions)
    samples = [faces.samples[index] for index in indices]
    return choose_blend(data, samples, settings, folder, read_start(settings), progress)


def test_weights_that_know_the_people_are_kept(faces, earlier, tmp_path):
    # At such a rate a training forgets them.
    assert chosen(faces, earlier, tmp_path / "inner", "classifier.learning_rate=0.1") == 0.75


def test_weights_that_know_nothing_are_left(faces, tmp_path):
    random = tmp_path / "random"
    train(faces, range(24), override(TINY, ["classifier.learning_rate=1e-9"]), random)
    changes = ("classifier.learning_rate=4e-3", "classifier.epochs=80")
    assert chosen(faces, random, tmp_path / "inner", *changes) == 0.0


def test_the_share_of_the_lowest_loss_is_chosen(faces, earlier, tmp_path):
    best = chosen(faces, earlier, tmp_path / "inner")
    record = json.loads((tmp_path / "inner/blend.json").read_text())
    losses = dict(zip(record["shares"], record["log_loss"], strict=True))
    assert min(losses, key=losses.get) == record["blend"] == best
    assert record["images"] == 24  # few images: every person is read once


def test_of_many_images_one_inner_fold_is_read(faces, earlier, tmp_path, monkeypatch):
    monkeypatch.setattr(blending, "ENOUGH", 8)
    chosen(faces, earlier, tmp_path / "inner")
    assert [path.name for path in (tmp_path / "inner").iterdir() if path.is_dir()] == ["01"]
    assert json.loads((tmp_path / "inner/blend.json").read_text())["images"] == 8


def test_of_one_person_nothing_can_be_chosen(faces, earlier, tmp_path):
    own = [i for i, sample in enumerate(faces.samples) if sample.subject == faces.subjects[0]]
    assert chosen(faces, earlier, tmp_path / "inner", indices=own) == 0.5


def test_what_did_not_begin_with_the_earlier_classifier_is_not_drawn_back(faces, earlier, tmp_path):
    changes = ["classifier.features='code'"]
    assert chosen(faces, earlier, tmp_path / "inner", *changes) == 0.0
    assert not (tmp_path / "inner").exists()


def test_a_run_has_the_weights_of_the_share_that_was_chosen(faces, earlier, tmp_path, monkeypatch):
    monkeypatch.setattr(blending, "SHARES", (0.25,))
    changes = [f"start='{earlier}'", "classifier.encoder_rate=1.0"]
    run = tmp_path / "chosen"
    model = train(faces, range(24), override(TINY, [*changes, "classifier.blend='chosen'"]), run)
    given = override(TINY, [*changes, "classifier.blend=0.25"])
    same = train(faces, range(24), given, tmp_path / "given").recognition.state_dict()
    own = model.recognition.state_dict()
    assert all(torch.equal(own[name], value) for name, value in same.items())
    assert training_seconds(run) > logged_seconds(run / "log.jsonl")


def test_an_interrupted_choice_goes_on(faces, earlier, tmp_path):
    whole = chosen(faces, earlier, tmp_path / "whole")

    def interrupt(share, _):
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        chosen(faces, earlier, tmp_path / "cut", progress=interrupt)
    assert not (tmp_path / "cut/blend.json").exists()
    assert chosen(faces, earlier, tmp_path / "cut") == whole
    first, second = ((tmp_path / name / "blend.json").read_text() for name in ("whole", "cut"))
    assert first == second


def test_an_inner_training_that_fails_says_what_it_was_for(faces, earlier, tmp_path, monkeypatch):
    def fail(*_):
        raise TrainingError("training diverged")

    monkeypatch.setattr(blending.ClassifierTrainer, "train", fail)
    with pytest.raises(TrainingError, match="an inner training, to choose the blend, failed: tra"):
        chosen(faces, earlier, tmp_path / "inner")


@pytest.mark.parametrize("value", ["'best'", "1.5", "-0.1"])
def test_a_blend_is_a_share_or_chosen(value):
    with pytest.raises(DeganError, match=r"classifier\.blend: must be .* or 'chosen', not "):
        override(TINY, [f"classifier.blend={value}"])

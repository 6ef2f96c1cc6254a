"""Teachers: what training images show to networks that never saw the person."""

import dataclasses
import json

import pytest
import torch

from degan.config import override, preset
from degan.errors import DeganError
from degan.networks.encoder import Encoder
from degan.system.progress import silent
from degan.training.checkpoint import save_checkpoint
from degan.training.classifier import ClassifierTrainer
from degan.training.guard import TrainingError
from degan.training.loader import load
from degan.training.model import load_model
from degan.training.pipeline import train, training_seconds
from degan.training.run_directory import Log, logged_seconds
from degan.training.teachers import soft_targets

SETTINGS = override(preset("tiny"), ["classifier.teachers=3"])


def taught(data, samples, folder, settings=SETTINGS, progress=silent):
    return soft_targets(data, samples, settings, folder, None, progress)


@pytest.fixture(scope="module")
def data(faces):
    return load(faces, range(len(faces.samples)), SETTINGS.network, faces.expressions)


def test_every_image_gets_probabilities_of_the_expressions(faces, data, tmp_path):
    said = taught(data, faces.samples, tmp_path)
    assert said.shape == (len(faces.samples), 2)
    torch.testing.assert_close(said.sum(1), torch.ones(len(said)))
    assert 0 < said.min() < said.max() < 1


def test_what_is_said_of_a_person_does_not_depend_on_that_persons_labels(faces, data, tmp_path):
    # Everybody shows both expressions once, so exchanging one's labels leaves the folds alone.
    person = data.subject[0]
    own = data.subject == person
    exchanged = torch.where(own, 1 - data.expression, data.expression)
    names = faces.expressions
    samples = [
        sample._replace(expression=names[int(label)])
        for sample, label in zip(faces.samples, exchanged, strict=True)
    ]
    before = taught(data, faces.samples, tmp_path / "before")
    after = taught(dataclasses.replace(data, expression=exchanged), samples, tmp_path / "after")
    assert torch.equal(before[own], after[own])
    assert not torch.equal(before[~own], after[~own])


def test_where_nobody_else_shows_an_expression_the_label_is_what_is_said(faces, data, tmp_path):
    person = data.subject[0]
    smiles = data.expression == 1
    chosen = (~smiles | (data.subject == person)).nonzero()[:, 0]
    few = data.only(chosen)
    said = taught(few, [faces.samples[index] for index in chosen], tmp_path)
    assert said[few.expression == 1].tolist() == [[0.0, 1.0]]
    assert said[few.expression == 0][:, 0].max() < 1


def test_where_nobody_is_named_every_recording_is_a_person(faces, data, tmp_path):
    unnamed = [sample._replace(subject="") for sample in faces.samples]
    alone = dataclasses.replace(
        data,
        subject=torch.arange(len(unnamed)),
        subjects=tuple(sample.person for sample in unnamed),
    )
    assert taught(alone, unnamed, tmp_path).shape == (len(unnamed), 2)


@pytest.mark.parametrize("calls", [3, 6])
def test_an_interrupted_lesson_goes_on_to_the_same_words(faces, data, tmp_path, calls):
    left = calls

    def stop(share, doing):
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    whole = taught(data, faces.samples, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        taught(data, faces.samples, tmp_path / "torn", progress=stop)
    assert torch.equal(taught(data, faces.samples, tmp_path / "torn"), whole)


def test_progress_runs_from_the_first_teacher_to_the_last(faces, data, tmp_path):
    told = []
    taught(data, faces.samples, tmp_path, progress=lambda share, doing: told.append((share, doing)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 2 / 3 < shares[-1] <= 1
    assert {doing for _, doing in told} == {"teacher 1", "teacher 2", "teacher 3"}


def test_teachers_of_other_settings_are_not_heard(faces, tmp_path):
    everything = range(len(faces.samples))
    train(faces, everything, SETTINGS, tmp_path / "one", teachers=tmp_path / "shared")
    other = override(SETTINGS, ["network.width=8"])
    with pytest.raises(DeganError, match=r"shared holds a run that differs in: settings"):
        train(faces, everything, other, tmp_path / "two", teachers=tmp_path / "shared")


def test_a_run_learns_from_its_teachers(faces, tmp_path):
    indices = range(len(faces.samples))
    alone = train(faces, indices, preset("tiny"), tmp_path / "alone")
    with_teachers = train(faces, indices, SETTINGS, tmp_path / "taught")
    weights = [model.recognition.classifier.head[1].weight for model in (alone, with_teachers)]
    assert not torch.equal(weights[0], weights[1])
    again = load_model(tmp_path / "taught").recognition.classifier.head[1].weight
    assert torch.equal(again, weights[1])
    assert training_seconds(tmp_path / "taught") > logged_seconds(tmp_path / "taught/log.jsonl") > 0
    assert not list((tmp_path / "taught/teachers").rglob("classifier.safetensors"))


def test_one_teacher_is_refused():
    with pytest.raises(DeganError, match="one teacher has no other subjects to train on"):
        override(preset("tiny"), ["classifier.teachers=1"])


def test_teachers_who_are_not_heard_are_refused():
    with pytest.raises(DeganError, match="the teachers have no effect"):
        override(SETTINGS, ["classifier.taught=0.0"])


def test_a_teacher_that_diverges_is_named_with_the_setting_that_it_trains_at(faces, data, tmp_path):
    wild = override(SETTINGS, ["gan.learning_rate=1.0", "gan.epochs=60"])
    with pytest.raises(TrainingError, match=r"teacher 1, .* with gan\.learning_rate, failed"):
        taught(data, faces.samples, tmp_path, wild)


def test_words_of_other_data_are_refused(faces, data, tmp_path):
    taught(data, faces.samples, tmp_path)
    save_checkpoint(tmp_path / "01/said.safetensors", {"said": torch.ones(1, 2)}, {})
    with pytest.raises(DeganError, match=r"said\.safetensors is damaged or belongs to other data"):
        taught(data, faces.samples, tmp_path)


def test_teachers_who_repeat_the_labels_change_nothing_however_rare_an_expression(
    faces, data, tmp_path
):
    few = data.only(torch.cat([torch.arange(12), torch.tensor([12, 13])]))
    assert few.expression.bincount().tolist() == [12, 2]
    settings = override(
        SETTINGS, ["classifier.label_smoothing=0.0", "classifier.taught=1.0", "classifier.epochs=3"]
    )
    labels = torch.nn.functional.one_hot(few.expression, 2).float()
    losses = []
    for name, said in (("alone", None), ("taught", labels)):
        torch.manual_seed(0)
        encoder = Encoder(settings.network)
        (tmp_path / name).mkdir()
        log = tmp_path / name / "log.jsonl"
        ClassifierTrainer(few, encoder, settings, tmp_path / name, None, said).train(
            Log(log), silent
        )
        losses.append([json.loads(line)["loss"] for line in log.read_text().splitlines()])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)

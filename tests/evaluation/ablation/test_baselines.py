"""Readers beside the networks: what they read, what is chosen on whom, and what is averaged."""

import numpy as np
import pytest
import torch

from degan.config import preset
from degan.data.crops import read_crops
from degan.data.sample import Sample
from degan.evaluation.ablation import baselines
from degan.evaluation.ablation.baselines import (
    MLP,
    SVM,
    Baseline,
    code_features,
    fit_and_predict,
    hog_features,
    inner_folds,
)
from degan.networks.encoder import Encoder
from degan.networks.layers import Standardize

NAMES = ("neutral", "anger", "happiness")


def samples_of(labels, people):
    return [
        Sample("x.png", NAMES[label], person, f"s{row}", 0, "x", "landmarks", 1)
        for row, (label, person) in enumerate(zip(labels, people, strict=True))
    ]


def cloud(labels, spread, seed):
    """Features whose first columns say the class, face and mirror image alike but for noise."""
    rng = np.random.default_rng(seed)
    means = 2 * np.eye(8)[np.asarray(labels)]
    return (means + rng.normal(0, spread, (2, len(labels), 8))).astype(np.float32)


@pytest.fixture(scope="module")
def crops(faces):
    return read_crops(faces, range(len(faces.samples)))


def test_hog_reads_the_mirror_image_as_the_second_half(crops):
    features = hog_features(crops, 32)
    assert features.shape == (2, len(crops), 7 * 7 * 4 * 9)
    mirrored = hog_features(np.ascontiguousarray(crops[:, :, ::-1]), 32)
    # A gradient on the border of two bins may fall into either.
    np.testing.assert_allclose(mirrored, features[::-1], atol=0.02)
    assert np.abs(features[0] - features[1]).max() > 0.1


def test_hog_sees_neither_brightness_nor_contrast(crops):
    darker = (crops.astype(float) * 0.5 + 20).round().astype(np.uint8)
    one, other = hog_features(crops, 32), hog_features(darker, 32)
    assert np.abs(one - other).mean() < 0.02


def test_codes_are_those_of_the_encoder_of_face_and_mirror_image(crops, monkeypatch):
    monkeypatch.setattr(baselines, "_BATCH", 7)
    network = preset("tiny").network
    torch.manual_seed(0)
    encoder = Encoder(network).eval()
    standardize = Standardize(1, network.image_size)
    found = code_features(encoder, crops, standardize)
    images = standardize(torch.from_numpy(crops))
    with torch.no_grad():
        expected = [encoder(side).code.numpy() for side in (images, images.flip(3))]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("reader", [SVM, MLP], ids=["svm", "mlp"])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_what_can_be_told_apart_is(reader, num_classes):
    labels = np.arange(60) % num_classes
    samples = samples_of(labels, [f"p{row // 6}" for row in range(60)])
    tested = np.arange(30) % num_classes
    read = fit_and_predict(
        reader, cloud(labels, 0.4, 0), samples, NAMES[:num_classes], cloud(tested, 0.4, 1), 0
    )
    assert read.value in reader.values
    assert read.probabilities.shape == (30, num_classes)
    np.testing.assert_allclose(read.probabilities.sum(axis=1), 1)
    assert (read.probabilities.argmax(axis=1) == tested).mean() > 0.9


@pytest.mark.parametrize("reader", [SVM, MLP], ids=["svm", "mlp"])
def test_a_face_and_its_mirror_image_are_read_alike_and_twice_alike(reader):
    labels = np.arange(30) % 2
    samples = samples_of(labels, [f"p{row // 5}" for row in range(30)])
    features, tested = cloud(labels, 1, 0), cloud(labels, 1, 1)
    one = fit_and_predict(reader, features, samples, NAMES[:2], tested, 3)
    again = fit_and_predict(reader, features, samples, NAMES[:2], tested, 3)
    mirrored = fit_and_predict(reader, features, samples, NAMES[:2], tested[::-1], 3)
    np.testing.assert_array_equal(one.probabilities, again.probabilities)
    np.testing.assert_allclose(one.probabilities, mirrored.probabilities)


def test_probabilities_are_the_mean_over_face_and_mirror_image():
    labels = np.arange(30) % 2
    samples = samples_of(labels, [f"p{row // 5}" for row in range(30)])
    features, tested = cloud(labels, 1, 0), cloud(labels, 1, 1)
    both = fit_and_predict(SVM, features, samples, NAMES[:2], tested, 0).probabilities
    sides = [
        fit_and_predict(SVM, features, samples, NAMES[:2], side[None].repeat(2, 0), 0).probabilities
        for side in tested
    ]
    np.testing.assert_allclose(both, np.mean(sides, axis=0))


def test_a_value_is_chosen_on_people_who_were_not_fitted_on():
    samples = samples_of(np.arange(60) % 3, [f"p{row // 6}" for row in range(60)])
    folds = inner_folds(samples, 0)
    assert len(folds) == 3
    for fold in folds:
        trained, judged = (
            {samples[row].subject for row in part} for part in (fold.train, fold.test)
        )
        assert trained
        assert judged
        assert not trained & judged
    assert sorted(row for fold in folds for row in fold.test) == list(range(60))


def test_no_model_reads_people_whom_it_was_fitted_on(monkeypatch):
    fitted_on = []

    class Notes:
        classes_ = np.arange(2)

        def predict_proba(self, features):
            assert not set(features[:, 0]) & self.people
            return np.full((len(features), 2), 0.5)

    def fit(model, features, labels):
        assert features.shape[1] == len(labels)
        model.people = set(features[..., 0].ravel())
        fitted_on.append(len(model.people))
        return model

    monkeypatch.setattr(baselines, "_fit", fit)
    people = np.arange(30) // 5
    samples = samples_of(np.arange(30) % 2, [f"p{person}" for person in people])
    features = np.stack([people, people])[..., None].astype(np.float32)
    tested = np.full((2, 4, 1), 99, np.float32)
    fit_and_predict(
        Baseline("value", (1.0,), lambda *_: Notes()), features, samples, NAMES, tested, 0
    )
    assert fitted_on == [4, 4, 4, 6]  # the last, which reads the test samples, on all six


def test_where_nobody_is_named_recordings_stand_for_people():
    folds = inner_folds(samples_of([0, 1, 0, 1, 0, 1], [""] * 6), 0)
    assert len(folds) == 3


def test_the_value_that_reads_other_people_best_is_chosen_and_of_equals_the_first(monkeypatch):
    class Says:
        """Reads the truth if its value is in ``right``, else always the first class."""

        classes_ = np.arange(2)

        def __init__(self, value):
            self.value = value

        def predict_proba(self, features):
            happy = features[:, 0] > 1 if self.value in right else np.zeros(len(features), bool)
            return np.stack([~happy, happy], axis=1).astype(float)

    monkeypatch.setattr(baselines, "_fit", lambda model, features, labels: model)
    reader = Baseline("value", (1.0, 2.0, 3.0), lambda value, seed: Says(value))
    labels = np.arange(24) % 2
    samples = samples_of(labels, [f"p{row // 4}" for row in range(24)])
    features = np.zeros((2, 24, 1), np.float32)
    features[:, labels == 1] = 2
    for right, chosen in (({2.0, 3.0}, 2.0), ({3.0}, 3.0), (set(), 1.0)):  # noqa: B007
        assert fit_and_predict(reader, features, samples, NAMES[:2], features, 0).value == chosen


def test_of_one_person_nothing_can_be_chosen_and_the_middle_value_is_taken():
    labels = np.arange(12) % 2
    features = cloud(labels, 0.3, 0)
    read = fit_and_predict(SVM, features, samples_of(labels, ["p"] * 12), NAMES[:2], features, 0)
    assert read.value == SVM.values[len(SVM.values) // 2]


def test_a_rare_expression_is_not_lost():
    # 4 of 60, and half hidden among the others: unweighted, all are read as the common one.
    labels = np.array([1] * 6 + [0] * 114)
    rng = np.random.default_rng(0)
    features = (1.2 * labels + rng.normal(0, 1, (2, 120))).astype(np.float32)[:, :, None]
    samples = samples_of(labels, [f"p{row % 12}" for row in range(120)])
    tested = np.full((2, 1, 1), 2.5, np.float32)
    weighted = fit_and_predict(SVM, features, samples, NAMES[:2], tested, 0).probabilities[0, 1]
    assert weighted > 0.4

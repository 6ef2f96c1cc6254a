"""The training faces that are nearest to a mistake, in the network's own features."""

import numpy as np
import pytest

from degan.config import preset
from degan.evaluation.probes import neighbours
from degan.evaluation.probes.neighbours import NUM_NEIGHBOURS, nearest_people
from degan.training.pipeline import train


@pytest.fixture(scope="module")
def model(faces, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    return train(faces, range(16), preset("tiny"), folder)


def test_a_face_that_was_trained_on_is_its_own_nearest(model, faces):
    found = nearest_people(model, faces, [3, 10], range(16))
    assert {index: beside[0] for index, beside in found.items()} == {3: 3, 10: 10}


def test_neighbours_are_training_faces_of_different_people(model, faces):
    training = list(range(16))
    found = nearest_people(model, faces, range(16, 24), training)
    assert list(found) == list(range(16, 24))
    for beside in found.values():
        assert len(beside) == NUM_NEIGHBOURS
        assert set(beside) <= set(training)
        assert len({faces.samples[index].person for index in beside}) == NUM_NEIGHBOURS


def test_of_few_people_there_are_few(model, faces):
    one = [i for i, sample in enumerate(faces.samples) if sample.subject == faces.subjects[0]]
    assert all(len(beside) == 1 for beside in nearest_people(model, faces, [5], one).values())


def test_without_mistakes_nothing_is_read(model, faces):
    assert nearest_people(model, faces, [], range(16)) == {}


def test_the_neighbours_of_many_mistakes_are_found_in_parts(model, faces, monkeypatch):
    at_once = nearest_people(model, faces, range(24), range(16))
    monkeypatch.setattr(neighbours, "_MAX_SIMILARITIES", 20)
    assert nearest_people(model, faces, range(24), range(16)) == at_once


@pytest.mark.parametrize("subjects", [1, 2, 3, 40])
def test_neighbours_are_the_first_of_each_subject_in_order_of_similarity(subjects):
    rng = np.random.default_rng(subjects)
    for _ in range(50):
        similarity = rng.integers(0, 30, 60).astype(np.float32)  # with ties
        person = np.unique(rng.integers(0, subjects, 60), return_inverse=True)[1]
        first = {}
        for place in np.argsort(-similarity, kind="stable").tolist():
            first.setdefault(int(person[place]), place)
        expected = list(first.values())[:NUM_NEIGHBOURS]
        assert neighbours._one_a_person(similarity, person) == expected

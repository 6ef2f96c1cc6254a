"""The training faces that are nearest to a mistake, in the network's own features."""

import pytest

from degan.config import preset
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

"""Endless training pictures: new people without end, the same ones each time, in mixed batches."""

from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from degan.errors import DeganError
from degan.labels import EXPRESSIONS
from degan.media import images
from degan.synthetic.generate import picture_path
from degan.synthetic.plan import shots_of
from degan.training.synthetic_stream import TOGETHER, SyntheticStream

TWO = ("neutral", "happiness")


def stream(**options):
    return SyntheticStream(**{"images_each": 2, "size": 32, "expressions": TWO} | options)


def take(source, number):
    return list(islice(source, number))


def key(face):
    return face.image.numpy().tobytes()


@pytest.fixture(scope="module")
def first_groups():
    """The first three groups of people, two pictures each."""
    return take(stream(), 3 * 2 * TOGETHER)


def test_a_face_is_a_picture_and_what_is_known_of_it(first_groups):
    for face in first_groups[:10]:
        assert (face.image.dtype, face.image.shape) == (torch.uint8, (32, 32, 3))
        assert (face.expression.dtype, face.expression.shape) == (torch.int64, ())
        assert (face.person.dtype, face.person.shape) == (torch.int64, ())
        assert (face.actions.dtype, face.actions.shape) == (torch.float32, (52,))
        assert 0 <= face.actions.min() <= face.actions.max() <= 1


def test_group_after_group_of_people_comes_each_person_with_all_pictures(first_groups):
    for group in range(3):
        part = first_groups[group * 2 * TOGETHER : (group + 1) * 2 * TOGETHER]
        members = range(group * TOGETHER, (group + 1) * TOGETHER)
        assert sorted(int(face.person) for face in part) == sorted([*members, *members])
        seen = {(int(face.person), int(face.expression)) for face in part}
        assert seen == {(person, expression) for person in members for expression in (0, 1)}


def test_a_batch_holds_many_people_and_no_picture_comes_twice(first_groups):
    people = [int(face.person) for face in first_groups]
    for start in range(0, len(people), 32):
        assert len(set(people[start : start + 32])) > 16
    assert people != sorted(people)
    assert len({key(face) for face in first_groups}) == len(first_groups)


def test_every_iteration_and_every_like_stream_begin_the_same(first_groups):
    source = stream()
    for faces in (take(source, 5), take(source, 5), take(stream(), 5)):
        for face, before in zip(faces, first_groups, strict=False):
            assert all(torch.equal(*pair) for pair in zip(face, before, strict=True))


def test_another_seed_gives_other_pictures_in_another_order(first_groups):
    other = take(stream(seed=1), 20)
    assert not {key(face) for face in other} & {key(face) for face in first_groups}
    assert [int(f.person) for f in other] != [int(f.person) for f in first_groups[:20]]


def test_a_persons_pictures_are_those_of_a_rendered_set(rendered):
    settings, out = rendered
    each = settings.images // settings.people
    source = SyntheticStream(images_each=each, size=settings.size, seed=settings.seed)
    assert source.expressions == EXPRESSIONS
    stored = {
        images.read_image(out / picture_path(settings, shot)).tobytes(): shot
        for person in range(settings.people)
        for shot in shots_of(settings, person)
    }
    faces = [face for face in take(source, 150) if int(face.person) < settings.people]
    assert len(faces) > 10
    for face in faces:
        shot = stored[key(face)]
        assert shot.person == int(face.person)
        assert shot.expression.label == EXPRESSIONS[int(face.expression)]


def test_the_actions_are_those_of_the_picture(first_groups):
    done = {0: [], 1: []}
    for face in first_groups:
        done[int(face.expression)].append(float(face.actions.sum()))
    assert np.mean(done[1]) > np.mean(done[0]) + 0.5, "a smile does more than a face at rest"


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_share_the_groups_and_change_nothing(first_groups, workers):
    count = 3 * 2 * TOGETHER
    loader = DataLoader(stream(), batch_size=2 * TOGETHER, num_workers=workers, prefetch_factor=1)
    batches = take(iter(loader), 3)
    assert {tuple(batch.image.shape) for batch in batches} == {(2 * TOGETHER, 32, 32, 3)}
    assert {batch.actions.shape for batch in batches} == {(2 * TOGETHER, 52)}
    faces = [image.numpy().tobytes() for batch in batches for image in batch.image]
    assert len(faces) == count
    # A batch is a group here, and the workers' batches come in turn.
    assert faces == [key(face) for face in first_groups]


def test_one_loader_makes_batches_that_name_their_parts():
    batch = next(iter(DataLoader(stream(), batch_size=8)))
    assert batch.image.dtype == torch.uint8
    assert batch.expression.dtype == batch.person.dtype == torch.int64
    assert batch.expression.shape == batch.person.shape == (8,)
    assert batch.actions.shape == (8, 52)


def test_names_of_expressions_are_in_degans_order_whatever_was_given():
    source = stream(expressions=("surprised", "happy", "neutral"), images_each=3)
    assert source.expressions == ("neutral", "happiness", "surprise")


@pytest.mark.parametrize(
    "options",
    [{"images_each": 0}, {"size": 7}, {"seed": -1}, {"difficulty": "x"}, {"expressions": ()}],
)
def test_what_cannot_be_rendered_is_refused_at_once(options):
    with pytest.raises(DeganError):
        stream(**options)

"""Numbers for people whose faces come one after the other: what holds whatever they look like."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.faces.likeness import DESCRIPTOR_SIZE
from degan.faces.person_numbers import PersonNumbers


def look(seed, near=0, apart=1.0):
    """A description: of somebody, or of one who looks like them but for a share."""
    face = direction(near) + (apart * direction(seed) if seed else 0)
    return (face / np.linalg.norm(face)).astype(np.float32)


def direction(seed):
    return np.random.default_rng([7, seed]).normal(size=DESCRIPTOR_SIZE) / DESCRIPTOR_SIZE**0.5


# Pictures of faces; each is somebody of six, more or less like them.
FACE = st.builds(
    lambda who, how, apart: look(how, near=who, apart=apart),
    st.integers(1, 6),
    st.integers(100, 110),
    st.sampled_from([0.0, 0.3, 0.6, 0.9, 1.5]),
)
PICTURES = st.lists(st.lists(FACE, max_size=5), max_size=12)


@given(PICTURES)
def test_no_two_faces_of_a_picture_have_the_same_number(pictures):
    numbering = PersonNumbers()
    for faces in pictures:
        numbers = numbering.next(faces)
        assert len(numbers) == len(set(numbers)) == len(faces)


@given(PICTURES)
def test_numbers_begin_at_one_and_none_is_left_out(pictures):
    numbering = PersonNumbers()
    seen = [number for faces in pictures for number in numbering.next(faces)]
    first = list(dict.fromkeys(seen))
    assert sorted(first) == list(range(1, len(first) + 1))


@given(PICTURES)
def test_the_same_pictures_in_the_same_order_give_the_same_numbers(pictures):
    one, other = PersonNumbers(), PersonNumbers()
    assert [one.next(faces) for faces in pictures] == [other.next(faces) for faces in pictures]


@given(PICTURES, st.sets(st.integers(1, 8)))
def test_who_is_elsewhere_in_the_picture_is_no_face_of_it(pictures, taken):
    numbering = PersonNumbers()
    given_before = 0
    for faces in pictures:
        numbers = numbering.next(faces, taken)
        # A number that is given for the first time is nobody's whom one could have meant.
        assert not {number for number in numbers if number <= given_before} & taken
        given_before = max([given_before, *numbers])


@given(PICTURES, st.integers(1, 4))
def test_no_more_people_are_remembered_than_asked(pictures, most):
    numbering = PersonNumbers(most=most)
    for faces in pictures:
        numbering.next(faces)
        assert len(numbering) <= most


@given(PICTURES)
def test_what_is_asked_stays_between_the_bounds(pictures):
    numbering = PersonNumbers()
    for faces in pictures:
        numbering.next(faces)
        assert 0.58 <= numbering.threshold <= 0.9


def test_the_same_face_is_the_same_person_and_another_is_another():
    numbering = PersonNumbers()
    assert [numbering.next([look(0, near=who)]) for who in (1, 2, 1, 3, 2)] == [
        [1],
        [2],
        [1],
        [3],
        [2],
    ]


def test_the_likest_face_gets_the_number_wherever_it_stands_in_the_picture():
    numbering = PersonNumbers()
    numbering.next([look(0, near=1)])
    like, likest = look(100, near=1, apart=0.3), look(100, near=1, apart=0.1)
    assert numbering.next([like, likest]) == [2, 1]


def test_who_was_not_seen_for_longest_is_forgotten_first_and_is_new_afterwards():
    numbering = PersonNumbers(most=2)
    seen = [numbering.next([look(0, near=who)])[0] for who in (1, 2, 1, 3, 1, 2)]
    assert seen == [1, 2, 1, 3, 1, 4]


def test_a_person_is_known_by_faces_that_were_added():
    numbering = PersonNumbers()
    assert numbering.next([look(0, near=1)]) == [1]
    changed = look(100, near=1, apart=1.2)
    for _ in range(10):
        numbering.add(1, changed)
    assert numbering.next([changed]) == [1]


def test_where_people_look_alike_more_is_asked():
    alike, various = PersonNumbers(), PersonNumbers()
    for seed in range(100, 160):
        alike.next([look(seed, near=1, apart=0.75)])
        various.next([look(0, near=seed)])
    assert alike.threshold > various.threshold


def test_nobody_can_be_added_who_got_no_number():
    with pytest.raises(ValueError, match="no person has the number 1"):
        PersonNumbers().add(1, look(0, near=1))


def test_somebody_must_be_remembered():
    with pytest.raises(ValueError, match="most must be at least 1, not 0"):
        PersonNumbers(most=0)

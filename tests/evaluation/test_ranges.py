"""Ranges of numbers that a user gives, such as bins of yaw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.errors import DeganError
from degan.evaluation.grouping import NOTHING, Ranges, group

YAW = [-45.0, 0.0, 14.9, 15.0, -15.0, 30.0, None, -29.9]
NUMBERS = st.integers(-100, 100) | st.floats(-100, 100)


def test_a_number_on_a_limit_is_in_the_range_above_it():
    groups = group(YAW, Ranges((-15, 15)))
    assert groups.names == ("below -15", "-15 to 15", "15 or more", NOTHING)
    assert groups.index.tolist() == [0, 1, 1, 2, 1, 2, 3, 0]


def test_with_magnitude_heads_turned_to_either_side_share_a_range():
    groups = group(YAW, Ranges((15, 30.0), magnitude=True))
    assert groups.names == ("below 15", "15 to 30", "30 or more", NOTHING)
    assert groups.index.tolist() == [2, 0, 0, 1, 1, 2, 3, 1]


def test_magnitude_needs_no_limits():
    assert group([-2, 2, 1], Ranges(magnitude=True)).names == ("1", "2")


def test_a_range_without_a_number_has_no_group():
    assert group([1, 40], Ranges((10, 20, 30))).names == ("below 10", "30 or more")


@given(st.lists(NUMBERS, min_size=1), st.sets(NUMBERS, min_size=1, max_size=5), st.booleans())
def test_each_number_is_in_the_range_that_its_name_states(numbers, limits, magnitude):
    edges = sorted(abs(one) + 1 for one in limits) if magnitude else sorted(limits)
    edges = list(dict.fromkeys(edges))
    groups = group(numbers, Ranges(edges, magnitude))
    for number, place in zip(numbers, groups.index.tolist(), strict=True):
        name, size = groups.names[place], abs(number) if magnitude else number
        if name.startswith("below "):
            assert size < float(name.removeprefix("below "))
        elif name.endswith(" or more"):
            assert size >= float(name.removesuffix(" or more"))
        else:
            low, high = map(float, name.split(" to "))
            assert low <= size < high


def test_numbers_of_numpy_are_limits_too():
    assert Ranges([np.float32(0.5), np.int64(3)]).edges == (0.5, 3)


@pytest.mark.parametrize(
    ("edges", "magnitude", "says"),
    [
        ((2, 1), False, "bins are 2, 1; give different numbers in ascending order"),
        ((1, 1), False, "in ascending order"),
        ((float("nan"),), False, "a limit of bins must be a finite number"),
        ((True,), False, "a limit of bins must be a"),
        (("15",), False, "a limit of bins must be a"),
        ("15,30", False, "bins must be a list of numbers"),
        (15, False, "bins must be a list of numbers"),
        ((0, 15), True, "bins begin at 0, but no absolute value is below it"),
        ((), "yes", "magnitude must be True or False"),
    ],
)
def test_ranges_that_cannot_be_are_refused(edges, magnitude, says):
    with pytest.raises(DeganError, match=says):
        Ranges(edges, magnitude)


@pytest.mark.parametrize("values", [["a"], [True, False], [1, "2"]])
@pytest.mark.parametrize("ranges", [Ranges((1,)), Ranges(magnitude=True)])
def test_only_numbers_are_divided(values, ranges):
    with pytest.raises(DeganError, match="sex has values that are not numbers, such as '"):
        group(values, ranges, name="sex")

"""Checks of arguments: what is refused, and that the sentence names the argument."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from degan.errors import DeganError, DeganTypeError
from degan.system.arguments import (
    as_int,
    as_jobs,
    as_number,
    as_path,
    as_paths,
    as_seed,
    check_callback,
    check_kind,
    check_list,
    check_number,
    check_texts,
)


@pytest.mark.parametrize("path", [None, 3, b"a.jpg", ["a.jpg"], np.str_])
def test_a_path_is_text_or_a_path(path):
    with pytest.raises(DeganTypeError, match=r"photo must be a path \(text or pathlib\.Path\)"):
        as_path(path, "photo")
    assert as_path("a.jpg", "photo") == as_path(Path("a.jpg"), "photo") == Path("a.jpg")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("", "photo is an empty path"),
        ("a\0b", "photo is a path with a NUL character"),
        ("a/" + "b" * 256, "photo is a path with a name of more than 255 bytes"),
        ("ü" * 128, "a name of more than 255 bytes"),
    ],
)
def test_a_path_that_no_file_can_have_is_refused(path, says):
    with pytest.raises(DeganError, match=says):
        as_path(path, "photo")


@pytest.mark.parametrize("value", [10**400, float("inf"), float("nan"), 11, -1])
def test_a_number_is_in_its_range(value):
    with pytest.raises(DeganError, match="size must be 0 to 10, not") as caught:
        check_number(value, "size", least=0, most=10)
    assert len(str(caught.value)) < 100
    with pytest.raises(DeganError, match="size must be 12 or more, not"):
        check_number(value, "size", least=12)


@pytest.mark.parametrize("value", [1.0, "1", True, None, np.float32(1), np.bool_(True)])
def test_a_whole_number_is_no_other_type(value):
    with pytest.raises(DeganTypeError, match="seed must be a whole number, not an object of type"):
        as_seed(value)


@pytest.mark.filterwarnings("error")
def test_numbers_of_numpy_are_numbers():
    for number in (np.float32(0.01), np.float16(3), np.longdouble(3), np.uint8(3), Fraction(1, 3)):
        check_number(number, "rate", least=0.01, most=1000)
        assert type(as_number(number, "rate", least=0.01)) in (int, float)
    assert as_number(3, "rate", least=0) == 3
    assert type(as_number(3, "rate", least=0)) is int
    with pytest.raises(DeganError, match="time must be a finite number, not nan"):
        check_number(np.float32("nan"), "time", least=-math.inf)


def test_numbers_of_numpy_become_those_of_python():
    """JSON knows no numbers of NumPy."""
    assert type(as_int(np.int64(3), "jobs", least=1)) is int
    assert type(as_seed(np.uint8(3))) is int
    assert type(as_jobs(np.int64(2))) is int


@pytest.mark.parametrize("values", ["abc", b"abc", {"a"}, {"a": 1}, iter("a"), None, 3])
def test_a_single_text_or_an_unordered_set_is_no_list(values):
    with pytest.raises(DeganTypeError, match="subjects must be a list of texts, not"):
        check_list(values, str, "subjects", "texts")


@pytest.mark.parametrize("values", [["a"], ("a",), {"a"}, {"a": 1}.keys(), np.array(["a"]), ()])
def test_names_may_be_in_any_collection(values):
    check_texts(values, "subjects", "names")


@pytest.mark.parametrize("values", ["ab", b"ab", iter("a"), None, 3, [1], {None}])
def test_a_single_text_is_no_collection_of_texts(values):
    with pytest.raises(DeganTypeError, match="subjects must be a list of names, not"):
        check_texts(values, "subjects", "names")


def test_several_paths_are_a_list_of_them():
    assert as_paths(("a", Path("b")), "runs") == [Path("a"), Path("b")]
    for wrong, says in (
        ("runs/a", "runs must be a list of paths, not str"),
        (Path("a"), "runs must be a list of paths, not PosixPath"),
        (["a", 3], r"runs must be a path \(text or pathlib\.Path\), not an object of type int"),
        ([], "runs is an empty list; give one path or more"),
    ):
        with pytest.raises(DeganError, match=says):
            as_paths(wrong, "runs")


def test_objects_and_functions_of_another_type_are_named():
    with pytest.raises(DeganTypeError, match=r"dataset must be a data set, not .* type str"):
        check_kind("data/", Path, "dataset", "a data set")
    with pytest.raises(DeganTypeError, match=r"progress must be a function or None, not .* int"):
        check_callback(5, "progress")
    check_callback(None, "progress")

"""Crops of a data set by the indices of their samples."""

import numpy as np
import pytest

from degan.data.crops import read_crops
from degan.data.indices import as_indices
from degan.errors import DeganError, DeganTypeError


@pytest.mark.parametrize(
    "indices", [[3, 0, 3], (3, 0, 3), np.array([3, 0, 3]), np.array([3, 0, 3], np.uint8)]
)
def test_crops_are_in_the_order_of_the_indices(faces, indices):
    every = read_crops(faces, range(4))
    assert np.array_equal(read_crops(faces, indices), every[[3, 0, 3]])


@pytest.mark.parametrize("indices", [[], (), range(0), np.array([])])
def test_no_indices_are_no_crops(faces, indices):
    assert read_crops(faces, indices).shape == (0, 64, 64, 3)


@pytest.mark.parametrize(
    ("indices", "says"),
    [
        ([-1], "indices has the index -1, but the data set has 24 samples; give .* from 0 to 23"),
        ([0, 24], "indices has the index 24, but"),
        (range(-1, 3), "indices has the index -1, but"),
        (range(10**12), "indices has the index 24, but"),
        (np.array([5, -2]), "indices has the index -2, but"),
        ([True], "indices must be a list, range or array of indices of samples, not of bool"),
        ([0, 1.0], "not of float"),
        (np.zeros(24, bool), "not of bool"),
        (np.zeros((2, 2), int), r"not ndarray of shape \(2, 2\)"),
        ({0, 1}, "not set"),
        (iter([0]), "not list_iterator"),
        ("01", "not str"),
        (3, "not int"),
    ],
)
def test_other_indices_are_refused(faces, indices, says):
    with pytest.raises(DeganError, match=says):
        read_crops(faces, indices)


def test_a_folder_is_no_data_set(faces):
    with pytest.raises(DeganTypeError, match="dataset must be a data set of read_dataset, not"):
        read_crops(faces.folder, [0])


def test_an_index_may_have_to_be_unique():
    assert as_indices(range(3), 3, "train", once=True) == range(3)
    with pytest.raises(DeganError, match="train has the index 2 twice; give each index once"):
        as_indices([0, 2, 1, 2], 3, "train", once=True)

"""Small grids stretched over large ones, against Pillow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from degan.synthetic.stretch import stretch


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_a_grid_is_stretched_as_pillow_does_it(seed, rows, columns):
    grid = np.random.default_rng(seed).standard_normal((rows, columns), dtype=np.float32)
    expected = Image.fromarray(grid).resize((40, 40), Image.Resampling.BICUBIC)
    assert stretch(grid, 40) == pytest.approx(np.asarray(expected), abs=1e-5)

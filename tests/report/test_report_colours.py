"""The colours of a report are told apart whatever kind of colour vision one has."""

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest
from skimage import color

from degan.report.part import class_colour

# Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of color
# vision deficiency", table 1, severity 1.0: what a person without one kind of cone sees, of linear
# RGB.
VISIONS = {
    "all cones": np.eye(3),
    "no red cones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green cones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no blue cones": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
PLAIN = 14.0  # of CIEDE2000, of which 1 is just seen: what docs/report.md says


def linear(colour):
    """Return linear RGB, 0-1, of '#rgb' or '#rrggbb'."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    values = np.array([int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def seen(colour, vision):
    """Return the colour (L, a, b) that somebody sees."""
    values = np.clip(VISIONS[vision] @ linear(colour), 0, 1)
    encoded = np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)
    return color.rgb2lab(encoded[None, None])[0, 0]


def contrast(one, other):
    """Return WCAG's contrast of two colours, 1-21."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("vision", VISIONS)
def test_any_two_classes_are_told_apart(vision):
    for one, other in combinations(range(8), 2):
        pair = seen(class_colour(one), vision), seen(class_colour(other), vision)
        assert color.deltaE_ciede2000(*pair) > PLAIN, (class_colour(one), class_colour(other))


def test_each_is_seen_on_the_light_and_on_the_dark_page():
    style = (files("degan.report") / "templates" / "report.css").read_text(encoding="utf-8")
    light, dark = dict.fromkeys(re.findall(r"--card: (#[0-9a-f]+)", style))
    for number in range(8):
        assert contrast(class_colour(number), light) > 2, class_colour(number)
        assert contrast(class_colour(number), dark) > 3, class_colour(number)

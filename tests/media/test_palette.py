"""Colours of the expressions: the same everywhere, with readable text on them."""

import numpy as np
import pytest

from degan.errors import DeganTypeError
from degan.labels import EXPRESSIONS
from degan.media.palette import COLOURS, GREY, colour_of_expression, ink_on, rgb_of
from degan.predict.drawing import annotate
from degan.recognition.prediction import Prediction


def contrast(one, other):
    def luminance(rgb):
        share = np.array(rgb) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_expression_has_a_colour_of_its_own():
    assert len({colour_of_expression(name) for name in EXPRESSIONS}) == len(EXPRESSIONS)
    assert colour_of_expression("neutral") == GREY


def test_a_custom_class_has_the_colour_of_its_place():
    assert colour_of_expression("tense", ["calm", "tense"]) == COLOURS[1]
    assert colour_of_expression("tense") == GREY
    with pytest.raises(DeganTypeError, match="classes must be a list of names of classes, not str"):
        colour_of_expression("ten", "tense")
    with pytest.raises(DeganTypeError, match="name must be the name of an expression"):
        colour_of_expression(7)
    assert colour_of_expression("fear", ["calm", "fear"]) == COLOURS[EXPRESSIONS.index("fear")]


@pytest.mark.parametrize("colour", COLOURS)
def test_text_on_a_colour_has_the_contrast_of_wcag_aa(colour):
    assert contrast(ink_on(colour), rgb_of(colour)) >= 4.5


def test_the_box_of_a_face_has_the_colour_of_its_expression():
    for name in ("anger", "happiness"):
        face = Prediction((20, 40, 80, 80), 0.9, name, {name: 1.0}, False, (), {}, {}, None)
        drawn = annotate(np.zeros((160, 160, 3), np.uint8), [face])
        assert tuple(drawn[80, 20]) == rgb_of(colour_of_expression(name))

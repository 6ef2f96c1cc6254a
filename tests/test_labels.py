"""The one order of expressions and the names that mean them."""

import pytest

from degan.errors import DeganError
from degan.labels import EXPRESSIONS, find_expression, is_class_name, parse_expression, sort_classes


def test_there_are_eight_expressions_in_an_order_that_models_rely_on():
    assert EXPRESSIONS == (
        "neutral",
        "anger",
        "contempt",
        "disgust",
        "fear",
        "happiness",
        "sadness",
        "surprise",
    )


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("happiness", "happiness"),
        ("Happy", "happiness"),
        ("SMILING", "happiness"),
        (" angry ", "anger"),
        ("sad", "sadness"),
        ("Surprised", "surprise"),
        ("afraid", "fear"),
        ("disgusted", "disgust"),
        ("calm", "neutral"),
    ],
)
def test_synonyms_in_any_case_mean_an_expression(name, expression):
    assert find_expression(name) == expression
    assert parse_expression(name) == expression


@pytest.mark.parametrize("name", ["", "bored", "happi", "happy sad", "0"])
def test_no_other_name_means_one(name):
    assert find_expression(name) is None
    with pytest.raises(DeganError, match="neutral, anger"):
        parse_expression(name)


def test_a_choice_of_expressions_keeps_the_one_order():
    assert sort_classes({"surprise", "neutral", "fear"}) == ("neutral", "fear", "surprise")
    assert sort_classes(set()) == ()


def test_classes_of_ones_own_come_after_the_expressions_by_name():
    assert sort_classes({"tired", "neutral", "bored", "anger"}) == (
        "neutral",
        "anger",
        "bored",
        "tired",
    )


@pytest.mark.parametrize("name", ["bored", "sehr müde", "a, b; c.d", "x" * 100])
def test_a_class_may_have_any_short_name(name):
    assert is_class_name(name)


@pytest.mark.parametrize("name", ["", " ", " bored", "bored ", "a\nb", "x" * 101, None, 3])
def test_what_is_no_short_text_is_no_name_of_a_class(name):
    assert not is_class_name(name)

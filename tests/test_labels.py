"""The one order of expressions and the names that mean them."""

import pytest

from degan.errors import DeganError
from degan.labels import EXPRESSIONS, find_expression, in_order, parse_expression


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
    assert in_order({"surprise", "neutral", "fear"}) == ("neutral", "fear", "surprise")
    assert in_order(set()) == ()

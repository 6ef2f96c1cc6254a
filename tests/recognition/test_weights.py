"""The contract of a weights file: what it must say, and how a file that says else is refused."""

import json

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.errors import DeganError
from degan.labels import check_class_names
from degan.recognition.class_groups import Groups, parse_groups
from degan.recognition.recognizer import Recognizer
from degan.recognition.weights import CROPS, KEY, SHIPPED_WEIGHTS, open_weights
from made_weights import SIDE, make_weights

CLASSES = ["calm", "tense", "Ärger"]


@pytest.fixture
def weights(tmp_path):
    return make_weights(tmp_path / "own.onnx", CLASSES)


def crop(*shares):
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[0, : len(shares)] = np.array(shares)[:, None]
    return pixels


@pytest.mark.parametrize("name", SHIPPED_WEIGHTS)
def test_what_ships_says_how_crops_are_cut_stored_and_normalised(name, root):
    proto = onnx.load(root / "src/degan/assets" / f"{name}.onnx")
    told = json.loads({entry.key: entry.value for entry in proto.metadata_props}[KEY])
    assert told["crops"] == {**CROPS, "size": 96}
    assert told["temperature"] == open_weights(name, 1).temperature
    assert told["code_size"] == 16


def test_classes_may_have_any_names(weights):
    recognizer = Recognizer(weights)
    assert recognizer.expressions == tuple(CLASSES)
    shares = recognizer.probabilities([crop(1, 2, 7), crop(8, 1, 1)])
    assert shares == pytest.approx(np.array([[0.1, 0.2, 0.7], [0.8, 0.1, 0.1]]))


@pytest.mark.parametrize("word", CROPS)
def test_crops_of_another_kind_are_refused_by_name(tmp_path, word):
    crops = {**CROPS, "size": SIDE, word: "of another kind"}
    path = make_weights(tmp_path / "w.onnx", CLASSES, crops=crops)
    with pytest.raises(DeganError, match=f"{word} is 'of another kind'.*export it again"):
        Recognizer(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ["calm"]},
        {"classes": ["calm", "calm", "tense"]},
        {"classes": ["calm", " tense", "other"]},
        {"classes": ["calm", "", "other"]},
        {"classes": ["calm", "a\nb", "other"]},
        {"classes": ["calm", 3, "other"]},
        {"classes": ["calm", "x" * 101, "other"]},
        {"classes": "calm"},
        {"code_size": 0},
        {"code_size": 2},
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"temperature": None},
        {"unsure_below": 1.1},
        {"crops": None},
        {"crops": {**CROPS, "size": 17}},
        {"crops": {**CROPS, "size": "large"}},
        {"actions": {"jawOpen": 1.0}},
        {"actions": [0.2]},
        {"format": 1},
        {"format": None},
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(tmp_path, changes):
    path = make_weights(tmp_path / "w.onnx", CLASSES, **changes)
    with pytest.raises(DeganError, match=r"w\.onnx.*export it again") as caught:
        Recognizer(path)
    assert "\n" not in str(caught.value)


@given(st.lists(st.text(min_size=1, max_size=20), min_size=2, max_size=5))
def test_names_of_classes_can_be_printed_in_one_line_and_told_apart(names):
    try:
        taken = check_class_names(names)
    except ValueError:
        return
    assert len(set(taken)) == len(names)
    assert all(name.isprintable() and name == name.strip() for name in taken)


class TestGroups:
    def test_probabilities_of_a_group_are_added_and_it_comes_last(self, weights):
        recognizer = Recognizer(weights, groups={"bad": ("tense", "Ärger")})
        assert recognizer.expressions == ("calm", "bad")
        assert recognizer.probabilities([crop(1, 2, 7)]) == pytest.approx(np.array([[0.1, 0.9]]))

    def test_of_no_group_nothing_changes(self, weights):
        given, plain = Recognizer(weights, groups={}), Recognizer(weights)
        assert given.expressions == plain.expressions

    def test_a_group_may_have_the_name_of_one_of_its_classes(self, weights):
        recognizer = Recognizer(weights, groups={"tense": ("tense", "Ärger")})
        assert recognizer.expressions == ("calm", "tense")

    @pytest.mark.parametrize(
        ("groups", "why"),
        [
            ({"bad": ("angry",)}, "does not have; it has"),
            ({"bad": ("tense",), "worse": ("tense",)}, "in two groups"),
            ({"calm": ("tense", "Ärger")}, "another name"),
            ({"all": tuple(CLASSES)}, "leave one out"),
        ],
    )
    def test_groups_that_cannot_be_are_refused(self, weights, groups, why):
        with pytest.raises(DeganError, match=why):
            Recognizer(weights, groups=groups)

    @pytest.mark.parametrize("text", ["bad", "=a,b", "bad=", "bad= , "])
    def test_options_must_name_a_group_and_its_classes(self, text):
        with pytest.raises(DeganError, match="NAME=CLASS"):
            parse_groups([text])

    def test_options_are_parsed(self):
        assert parse_groups(["bad=tense, Ärger", "good=calm"]) == {
            "bad": ("tense", "Ärger"),
            "good": ("calm",),
        }
        with pytest.raises(DeganError, match="two groups have the name bad"):
            parse_groups(["bad=tense", "bad=calm"])

    @given(st.integers(0, 2**16), st.integers(2, 8), st.data())
    def test_what_is_merged_still_sums_to_one(self, seed, count, data):
        classes = [f"c{number}" for number in range(count)]
        members = data.draw(st.lists(st.sampled_from(classes), unique=True, max_size=count - 1))
        groups = Groups(classes, {"g": members} if members else {}, "w")
        shares = np.random.default_rng(seed).dirichlet(np.ones(count), 5).astype(np.float32)
        merged = groups.merge(shares)
        assert merged.shape == (5, len(groups.names))
        assert merged.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)

"""Label shift: probabilities for photos in which the classes have other frequencies."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import degan
from degan.errors import DeganError, DeganTypeError
from degan.recognition.label_shift import (
    BALANCED,
    ESTIMATE,
    check_prior,
    estimate_prior,
    frequencies,
    parse_prior,
    prior_text,
    shift,
)
from degan.recognition.recognizer import Recognizer
from degan.recognition.weights import SHIPPED_WEIGHTS, open_weights
from made_weights import SIDE, make_weights

CLASSES = ["calm", "tense", "neutral"]
ASSUMED = {"calm": 0.5, "tense": 0.3, "neutral": 0.2}

positive = st.floats(0.01, 1)


def shares_of(draw, count, classes=4):
    rows = draw(st.lists(st.lists(positive, min_size=classes, max_size=classes),
                         min_size=count, max_size=count))  # fmt: skip
    values = np.array(rows)
    return values / values.sum(axis=1, keepdims=True)


class TestTheAlgebra:
    @given(st.data())
    def test_a_shift_to_the_assumed_frequencies_changes_nothing(self, data):
        shares = shares_of(data.draw, 5)
        (prior,) = shares_of(data.draw, 1)
        assert shift(shares, prior / prior) == pytest.approx(shares)

    @given(st.data())
    def test_rows_sum_to_1(self, data):
        shifted = shift(shares_of(data.draw, 5), shares_of(data.draw, 1)[0])
        assert shifted.sum(axis=1) == pytest.approx(np.ones(5))
        assert (shifted >= 0).all()

    @given(st.data())
    def test_two_shifts_are_the_shift_to_the_last_frequencies(self, data):
        shares = shares_of(data.draw, 5)
        first, second, third = shares_of(data.draw, 3)
        twice = shift(shift(shares, second / first), third / second)
        assert twice == pytest.approx(shift(shares, third / first), abs=1e-9)

    def test_a_certain_prediction_of_a_class_that_cannot_occur_stays_finite(self):
        assert shift(np.array([[1.0, 0.0, 0.0]]), np.array([0.0, 1.0, 3.0])) == pytest.approx(
            np.array([[0, 0.25, 0.75]])
        )


class TestTheText:
    @given(st.lists(positive, min_size=2, max_size=6))
    def test_what_is_printed_is_read_again(self, amounts):
        prior = {f"class {k}": one / sum(amounts) for k, one in enumerate(amounts)}
        again = parse_prior(prior_text(prior))
        assert again == pytest.approx(prior, rel=1e-3)

    def test_words(self):
        assert parse_prior(" Balanced ") == BALANCED
        assert parse_prior("estimate") == ESTIMATE

    def test_a_class_may_have_an_equals_sign_in_its_name(self):
        assert parse_prior("a=b=0.5") == {"a=b": 0.5}

    @pytest.mark.parametrize(
        "text", ["", "calm", "calm=", "=0.5", "calm=much", "calm=1.5", "calm=-0.1", "calm=nan",
                 "calm=0.5,", "even"]
    )  # fmt: skip
    def test_anything_else_is_refused(self, text):
        with pytest.raises(DeganError, match="neither 'balanced' nor class=frequency"):
            parse_prior(text)

    def test_a_class_that_is_named_twice_is_refused(self):
        with pytest.raises(DeganError, match="names calm twice"):
            parse_prior("calm=0.5,calm=0.5")

    @given(st.text(max_size=30))
    def test_any_text_is_read_or_refused_in_one_sentence(self, text):
        try:
            parse_prior(text)
        except DeganError:
            return


class TestFrequencies:
    def test_classes_that_are_left_out_share_the_rest_as_the_weights_assume(self):
        assert frequencies({"calm": 0.5}, ASSUMED, "w") == pytest.approx([0.5, 0.3, 0.2])
        assert frequencies({"tense": 0.0}, ASSUMED, "w") == pytest.approx([5 / 7, 0, 2 / 7])

    def test_classes_that_are_left_out_of_a_whole_never_occur(self):
        found = frequencies({"calm": 0.25, "tense": 0.75}, ASSUMED, "w")
        assert found == pytest.approx([0.25, 0.75, 0])

    def test_balanced(self):
        assert frequencies(BALANCED, ASSUMED, "w") == pytest.approx([1 / 3] * 3)

    def test_rounded_frequencies_of_all_classes_sum_to_1(self):
        thirds = dict.fromkeys(ASSUMED, 0.33)
        assert frequencies(thirds, ASSUMED, "w") == pytest.approx([1 / 3] * 3)

    def test_synonyms_name_expressions_of_the_weights(self):
        found = frequencies({"happy": 1.0}, {"happiness": 0.5, "anger": 0.5}, "w")
        assert found == pytest.approx([1, 0])

    def test_a_name_of_the_weights_is_no_synonym(self):
        assert frequencies({"calm": 1.0}, ASSUMED, "w") == pytest.approx([1, 0, 0])

    @pytest.mark.parametrize(
        ("prior", "says"),
        [
            ({"cross": 0.5}, "names 'cross', which w does not have; it has calm, tense, neutral"),
            ({"calm": 0.7, "tense": 0.7}, "sum to 1.4; they must sum to 1 or, if classes are left"),
            ({"calm": 0.2, "tense": 0.2, "neutral": 0.2}, "sum to 0.6; they must sum to 1$"),
            (dict.fromkeys(ASSUMED, 0.0), "sum to 0; they must sum to 1$"),
            ({}, "sum to 0"),
        ],
    )
    def test_what_cannot_be_is_refused(self, prior, says):
        with pytest.raises(DeganError, match=says):
            frequencies(prior, ASSUMED, "w")

    @given(st.dictionaries(st.sampled_from(list(ASSUMED)), st.floats(0, 1), max_size=3))
    def test_what_is_taken_sums_to_1(self, prior):
        try:
            found = frequencies(prior, ASSUMED, "w")
        except DeganError:
            return
        assert found.sum() == pytest.approx(1)
        assert (found >= 0).all()


@pytest.mark.parametrize("prior", [3, [0.5], {1: 0.5}, {"calm": "0.5"}, {"calm": True}])
def test_a_prior_of_another_type_is_refused(prior):
    with pytest.raises(DeganTypeError, match="prior"):
        check_prior(prior)


@pytest.mark.parametrize("prior", ["even", "neutral=1", {"calm": 2}, {"calm": float("nan")}])
def test_a_prior_with_another_value_is_refused(prior):
    with pytest.raises(DeganError, match="prior"):
        check_prior(prior)


def test_an_estimate_is_refused_where_the_photos_are_not_all_there():
    with pytest.raises(DeganError, match=r"needs all photos first.*degan adapt"):
        Recognizer(prior=ESTIMATE)


class TestTheEstimate:
    @staticmethod
    def simulated(prior, assumed, count, seed=0):
        """Calibrated probabilities of faces whose classes have a prior; two features each."""
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=(len(prior), 2)) * 2
        truth = rng.choice(len(prior), count, p=prior)
        places = centres[truth] + rng.normal(size=(count, 2))
        density = np.exp(-((places[:, None] - centres) ** 2).sum(axis=2) / 2)
        return shift(density, np.array(assumed))

    def test_the_frequencies_of_calibrated_predictions_are_found(self):
        prior, assumed = np.array([0.1, 0.2, 0.7]), np.array([0.4, 0.4, 0.2])
        found = estimate_prior(self.simulated(prior, assumed, 4000), assumed, kept=0.0)
        assert found.prior == pytest.approx(prior, abs=0.04)
        assert (found.low - 0.01 <= prior).all()
        assert (prior <= found.high + 0.01).all()

    def test_it_is_kept_near_the_assumed_frequencies(self):
        prior, assumed = np.array([0.0, 0.0, 1.0]), np.array([0.4, 0.4, 0.2])
        shares = self.simulated(prior, assumed, 500)
        alone = estimate_prior(shares, assumed, kept=0.0).prior
        kept = estimate_prior(shares, assumed).prior
        assert alone[0] < 0.01 < kept[0]
        assert estimate_prior(shares, assumed, kept=1.0).prior == pytest.approx(assumed)

    def test_the_interval_holds_the_estimate_and_is_wider_with_fewer_people(self):
        assumed = np.full(3, 1 / 3)
        shares = self.simulated([0.3, 0.3, 0.4], assumed, 200)
        alone = estimate_prior(shares, assumed)
        people = estimate_prior(shares, assumed, [str(k // 20) for k in range(200)])
        assert (alone.low <= alone.prior).all()
        assert (alone.prior <= alone.high).all()
        assert people.prior == pytest.approx(alone.prior)
        one = estimate_prior(
            np.repeat(shares[:10], 20, axis=0), assumed, [str(k // 20) for k in range(200)]
        )
        none = estimate_prior(np.repeat(shares[:10], 20, axis=0), assumed)
        assert (one.high - one.low).sum() > 2 * (none.high - none.low).sum()

    def test_one_face_is_enough(self):
        found = estimate_prior(np.array([[0.9, 0.1]]), np.array([0.5, 0.5]))
        assert found.prior.sum() == pytest.approx(1)


def crop(*shares):
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[0, : len(shares)] = np.array(shares)[:, None]
    return pixels


class TestTheRecogniser:
    @pytest.fixture
    def weights(self, tmp_path):
        return make_weights(tmp_path / "own.onnx", CLASSES, unsure_below=0.5, prior=ASSUMED)

    def test_probabilities_are_shifted(self, weights):
        recognizer = Recognizer(weights, prior={"calm": 0.1, "tense": 0.3, "neutral": 0.6})
        expected = np.array([5 * 0.1 / 0.5, 3, 2 * 0.6 / 0.2])
        shares = recognizer.probabilities([crop(5, 3, 2)])[0]
        assert shares == pytest.approx(expected / expected.sum())

    def test_without_a_prior_nothing_changes(self, weights):
        assert Recognizer(weights).prior is None
        assert Recognizer(weights).probabilities([crop(5, 3, 2)])[0] == pytest.approx(
            [0.5, 0.3, 0.2]
        )

    def test_unsure_follows_the_shifted_probabilities(self, weights):
        image = np.zeros((SIDE, SIDE, 3), np.uint8)
        shares = Recognizer(weights, prior=BALANCED).read([crop(4, 4, 2)]).probabilities[0]
        assert shares == pytest.approx(np.array([8, 40 / 3, 10]) / (8 + 40 / 3 + 10), rel=1e-5)
        assert image.shape == (SIDE, SIDE, 3)

    def test_groups_add_shifted_probabilities(self, weights):
        recognizer = Recognizer(weights, prior=BALANCED, groups={"other": ("calm", "tense")})
        alone = Recognizer(weights, prior=BALANCED).probabilities([crop(1, 2, 7)])[0]
        merged = recognizer.probabilities([crop(1, 2, 7)])[0]
        assert merged == pytest.approx([alone[2], alone[0] + alone[1]])

    def test_it_says_which_prior_it_applies(self, weights):
        recognizer = Recognizer(weights, prior={"calm": 0.5, "tense": 0.5})
        assert recognizer.prior == {"calm": 0.5, "tense": 0.5, "neutral": 0.0}

    def test_it_is_pickled_with_its_prior(self, weights):
        recognizer = Recognizer(weights, prior=BALANCED)
        again = pickle.loads(pickle.dumps(recognizer))
        assert again.prior == recognizer.prior

    def test_weights_that_do_not_record_their_frequencies_are_refused(self, tmp_path):
        weights = make_weights(tmp_path / "old.onnx", CLASSES)
        Recognizer(weights)
        with pytest.raises(DeganError, match=r"old\.onnx does not record .*--calibrate DATA'$"):
            Recognizer(weights, prior=BALANCED)

    @pytest.mark.parametrize(
        "prior",
        ["balanced", [0.5, 0.3, 0.2], {"calm": 1.0}, {**ASSUMED, "other": 0.1},
         {**ASSUMED, "calm": 0.0}, {**ASSUMED, "calm": "much"}, {**ASSUMED, "calm": float("nan")}],
    )  # fmt: skip
    def test_a_file_with_impossible_frequencies_is_refused(self, tmp_path, prior):
        weights = make_weights(tmp_path / "w.onnx", CLASSES, prior=prior)
        with pytest.raises(DeganError, match=r"w\.onnx.*export it again"):
            Recognizer(weights)

    def test_a_prior_has_no_effect_beside_a_neutral_face_and_is_refused(self):
        recognizer = Recognizer(prior=BALANCED)
        with pytest.raises(DeganError, match="a prior has no effect"):
            recognizer.check_reads_beside_neutral()

    @pytest.mark.parametrize("name", SHIPPED_WEIGHTS)
    def test_shipped_weights_record_their_frequencies(self, name):
        prior = open_weights(name, 1).prior
        assert prior is not None
        assert sum(prior.values()) == pytest.approx(1)


class TestTheCommand:
    def test_json_and_csv_say_which_prior_was_applied(self, examples, degan, tmp_path):
        photo = examples / "smiling" / "001.jpg"
        words = ("predict", photo, "--prior", "happy=0.5,neutral=0.5")
        record = json.loads(degan(*words, "--json").stdout)
        assert record["prior"]["happiness"] == 0.5
        assert sum(record["faces"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        rows = degan(*words, "--csv").stdout.splitlines()
        assert "neutral=0.5" in rows[1]
        again = degan("predict", photo, "--json")
        assert "prior" not in json.loads(again.stdout)

    def test_work_with_another_prior_begins_again(self, examples, degan, tmp_path):
        from degan.predict.call_settings import Plan
        from degan.predict.reader import ReadOptions, open_reader

        keys = [
            json.dumps(Plan(reader=open_reader(ReadOptions(prior=prior))).journal_key["how"])
            for prior in (None, BALANCED, (("neutral", 0.5),))
        ]
        assert len(set(keys)) == 3

    @pytest.mark.parametrize(
        ("prior", "says"),
        [
            ("estimate", "needs all photos first"),
            ("neutral", "neither 'balanced' nor class=frequency"),
            ("calmness=0.5", "names 'calmness', which web.onnx does not have"),
            ("neutral=0.9,fear=0.9", "sum to 1.8"),
        ],
    )
    def test_a_prior_that_cannot_be_is_refused_in_one_sentence(self, examples, degan, prior, says):
        done = degan("predict", examples / "smiling" / "001.jpg", "--prior", prior)
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_table_in_python_has_the_prior(self, examples):
        table = degan.read(examples / "smiling" / "001.jpg", prior={"neutral": 0.5})
        assert table["prior"][0].startswith("neutral=0.5,")

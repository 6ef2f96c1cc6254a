"""Probes on made features: what leaks is found, what does not leak is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from degan.data.folds import Fold
from degan.errors import DeganError
from degan.evaluation.probes import leakage
from degan.evaluation.probes.leakage import expression_accuracy, identity_leakage, sequence_folds

PEOPLE, SEQUENCES, FRAMES = 10, 4, 3


@pytest.fixture(scope="module", autouse=True)
def few_passes():
    """What is made below is learnt soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "_MLP_EPOCHS", 20)
        patch.setattr(leakage, "_MLP_MIN_STEPS", 120)
        yield


def recordings(people=PEOPLE, sequences=SEQUENCES, frames=FRAMES):
    """Person and sequence of every image; names of sequences recur, as `a` of two people."""
    rows = [
        (f"p{p:02d}", f"s{s}")
        for p in range(people)
        for s in range(sequences)
        for _ in range(frames)
    ]
    return [row[0] for row in rows], [row[1] for row in rows]


def numbered(names):
    return np.unique(np.asarray(names), return_inverse=True)[1]


def noise(count, seed=0, size=16):
    return np.random.default_rng(seed).normal(size=(count, size))


def probes(result):
    return result.linear, result.mlp


class TestIdentity:
    def test_a_person_written_into_the_features_is_found(self):
        subjects, sequences = recordings()
        features = np.eye(PEOPLE)[numbered(subjects)] + 0.05 * noise(len(subjects), size=PEOPLE)
        result = identity_leakage(features, subjects, sequences, seed=0)
        for guess in probes(result):
            assert guess.accuracy > 0.99
            assert guess.times_chance == pytest.approx(PEOPLE, rel=0.01)
        assert result.chance == result.most_frequent == pytest.approx(1 / PEOPLE)
        assert (result.people, result.images, result.left_out) == (10, 120, 0)

    def test_noise_tells_nobody_apart(self):
        subjects, sequences = recordings(sequences=8)
        result = identity_leakage(noise(len(subjects)), subjects, sequences, seed=0)
        for guess in probes(result):
            assert guess.interval[0] <= result.chance <= guess.interval[1]

    def test_a_sequence_recognised_again_is_no_person_recognised(self):
        # Every recording has a look of its own, and frames of it are all alike. A division by
        # images would find each frame's neighbour and call the person known.
        subjects, sequences = recordings()
        look = noise(PEOPLE * SEQUENCES, seed=1, size=64)[
            numbered([f"{a}/{b}" for a, b in zip(subjects, sequences, strict=True)])
        ]
        features = look + 0.01 * noise(len(subjects), seed=2, size=64)
        honest = identity_leakage(features, subjects, sequences, seed=0)
        every_frame = [str(i) for i in range(len(subjects))]
        fooled = identity_leakage(features, subjects, every_frame, seed=0)
        for guess in probes(honest):
            assert guess.accuracy < 0.3
        for guess in probes(fooled):
            assert guess.accuracy > 0.95

    def test_what_only_a_hidden_layer_can_read_leaks_to_the_mlp_alone(self):
        # Two people; whose face it is stands in the sign of a product.
        subjects, sequences = recordings(people=2, sequences=300, frames=1)
        sign = np.where(numbered(subjects) == 0, 1.0, -1.0)
        first = noise(600, seed=3, size=1)
        features = np.hstack([np.sign(first), sign[:, None] * np.sign(first)])
        features = features + 0.2 * noise(600, seed=4, size=2)
        result = identity_leakage(features, subjects, sequences, seed=0)
        assert result.linear.accuracy < 0.65
        assert result.mlp.accuracy > 0.9

    def test_people_with_one_sequence_are_left_out_and_counted(self):
        subjects, sequences = recordings(people=3)
        features = np.eye(3)[numbered(subjects)]
        more = identity_leakage(
            np.vstack([features, np.ones((5, 3))]),
            [*subjects, *["alone"] * 5],
            [*sequences, *["s0"] * 5],
            seed=0,
        )
        assert (more.people, more.images, more.left_out) == (3, 36, 1)
        assert more.linear == identity_leakage(features, subjects, sequences, seed=0).linear

    def test_one_person_or_one_sequence_each_cannot_be_measured(self):
        subjects, sequences = recordings(people=4, sequences=1)
        with pytest.raises(DeganError, match="0 people have images from two sequences"):
            identity_leakage(noise(len(subjects)), subjects, sequences, seed=0)
        subjects, sequences = recordings(people=1)
        with pytest.raises(DeganError, match="1 people"):
            identity_leakage(noise(len(subjects)), subjects, sequences, seed=0)

    def test_chance_and_the_most_frequent_person_differ_where_people_are_not_equal(self):
        subjects = ["a"] * 8 + ["b"] * 2
        sequences = [str(i) for i in range(10)]
        result = identity_leakage(np.zeros((10, 2)), subjects, sequences, seed=0)
        assert (result.chance, result.most_frequent) == (0.5, 0.8)
        assert result.linear.accuracy == 0.8  # nothing to read: the more frequent one is guessed

    def test_scale_and_offset_of_a_feature_do_not_matter(self):
        subjects, sequences = recordings()
        features = np.eye(PEOPLE)[numbered(subjects)] + noise(len(subjects), size=PEOPLE)
        one = identity_leakage(features, subjects, sequences, seed=0)
        other = identity_leakage(features * 64 - 8, subjects, sequences, seed=0)
        assert one.linear.accuracy == pytest.approx(other.linear.accuracy, abs=0.02)

    def test_the_same_seed_gives_the_same_figures(self):
        subjects, sequences = recordings(people=4, frames=1)
        features = noise(len(subjects))
        one, again, other = (
            identity_leakage(features, subjects, sequences, seed=seed) for seed in (0, 0, 1)
        )
        assert one == again
        assert one != other


class TestExpression:
    def folds(self, subjects):
        place = numbered(subjects) % 2
        return [
            Fold(tuple(np.flatnonzero(place != k)), tuple(np.flatnonzero(place == k)))
            for k in range(2)
        ]

    def test_an_expression_that_all_people_show_alike_is_kept(self):
        subjects, _ = recordings()
        expressions = np.arange(len(subjects)) % 3
        features = np.eye(3)[expressions] + 0.1 * noise(len(subjects), size=3)
        result = expression_accuracy(features, expressions, subjects, self.folds(subjects), seed=0)
        assert min(guess.accuracy for guess in probes(result)) > 0.98
        assert result.classes == 3

    def test_an_expression_that_everybody_shows_in_a_way_of_their_own_is_not(self):
        # Each person's two expressions are two points that mean nothing for others.
        subjects, _ = recordings(people=20)
        expressions = np.arange(len(subjects)) % 2
        features = noise(40, seed=5)[numbered(subjects) * 2 + expressions]
        result = expression_accuracy(features, expressions, subjects, self.folds(subjects), seed=0)
        for guess in probes(result):
            assert guess.interval[0] <= 0.5 <= guess.interval[1]

    def test_an_expression_that_the_training_side_lacks_is_guessed_wrong(self):
        folds = [Fold(train=(0, 1), test=(2, 3)), Fold(train=(2, 3), test=(0, 1))]
        result = expression_accuracy(
            noise(4), np.array([0, 0, 1, 1]), ["a", "a", "b", "b"], folds, seed=0
        )
        assert result.linear.accuracy == result.mlp.accuracy == 0

    def test_one_expression_alone_cannot_be_measured(self):
        folds = [Fold((0,), (1,))]
        with pytest.raises(DeganError, match="only one expression"):
            expression_accuracy(noise(2), np.zeros(2, dtype=np.int64), ["a", "b"], folds, seed=0)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6)), min_size=1, max_size=80),
    st.integers(2, 6),
    st.integers(0, 3),
)
def test_every_fold_leaves_a_sequence_of_everybody_to_train_on(rows, num_folds, seed):
    subjects = [f"p{p}" for p, _ in rows]
    sequences = [f"s{s}" for _, s in rows]
    fold_of = sequence_folds(subjects, sequences, num_folds, seed)
    by_sequence = {}
    for row, fold in zip(rows, fold_of.tolist(), strict=True):
        assert by_sequence.setdefault(row, fold) == fold  # never on both sides
    for person in {p for p, _ in rows}:
        own = [fold for (p, _), fold in by_sequence.items() if p == person]
        assert own == [-1] if len(own) == 1 else len(set(own)) > 1
    sizes = np.bincount([fold for fold in by_sequence.values() if fold >= 0], minlength=num_folds)
    assert sizes.max() - sizes.min() <= 1
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = sequence_folds(
        [subjects[i] for i in order], [sequences[i] for i in order], num_folds, seed
    )
    assert (shuffled == fold_of[order]).all()


@pytest.mark.parametrize("target", ["identity", "expression"])
def test_probes_are_fitted_on_one_thread_because_figures_depend_on_threads(monkeypatch, target):
    seen = []

    def spy(fit):
        def fit_and_look(self, *arguments):
            seen.extend(pool["num_threads"] for pool in threadpool_info())
            return fit(self, *arguments)

        return fit_and_look

    for kind in (leakage.LogisticRegression, leakage.MLPClassifier):
        monkeypatch.setattr(kind, "fit", spy(kind.fit))
    subjects, sequences = recordings(people=3)
    features = noise(len(subjects))
    with threadpool_limits(limits=2):
        if target == "identity":
            identity_leakage(features, subjects, sequences, seed=0)
        else:
            labels = numbered(sequences) % 2
            fold = Fold(tuple(range(12, 36)), tuple(range(12)))
            expression_accuracy(features, labels, subjects, [fold], seed=0)
    assert seen
    assert set(seen) == {1}

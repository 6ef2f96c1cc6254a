"""DCI and MIG on made codes: one number a factor is disentangled, a rotation of it is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from degan.errors import DeganError
from degan.evaluation.probes.disentanglement import (
    EXPRESSION,
    IDENTITY,
    MIN_IMAGES,
    SCENE,
    Factor,
    disentanglement,
    entropy,
    mutual_information,
)

COUNT = 600
HELD_BACK = np.arange(COUNT) % 5 == 0
NAMES = ("smile", "frown", "age", "sex", "yaw", "light")
GROUPS = (EXPRESSION, EXPRESSION, IDENTITY, IDENTITY, SCENE, SCENE)


@pytest.fixture(scope="module")
def numbers():
    """Six independent factors as numbers; `sex` takes two values."""
    values = np.random.default_rng(0).uniform(-1, 1, size=(COUNT, 6))
    values[:, 3] = np.sign(values[:, 3])
    return values


@pytest.fixture(scope="module")
def factors(numbers):
    columns = [column.tolist() for column in numbers.T]
    columns[3] = ["female" if value > 0 else "male" for value in columns[3]]
    return [Factor(*row) for row in zip(NAMES, GROUPS, columns, strict=True)]


@pytest.fixture(scope="module")
def perfect(numbers, factors):
    """Each factor in a number of its own, in other units."""
    return disentanglement(numbers * [1, 9, -2, 3, 5, -0.1] + 7, factors, HELD_BACK, seed=0)


def rotation(size, seed=3):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def test_a_number_for_each_factor_is_disentangled_complete_and_informative(perfect):
    assert perfect.disentanglement > 0.95
    assert perfect.completeness > 0.95
    assert perfect.informativeness > 0.95
    assert perfect.mig > 0.8
    assert perfect.separation > 0.95
    assert perfect.expression_share == pytest.approx([1, 1, 0, 0, 0, 0], abs=0.05)
    assert perfect.images == COUNT


def test_turned_axes_say_as_much_but_are_not_disentangled(numbers, factors, perfect):
    turned = disentanglement(numbers @ rotation(6), factors, HELD_BACK, seed=0)
    assert turned.informativeness > 0.5
    assert turned.disentanglement < 0.5
    assert turned.completeness < 0.5
    assert turned.mig < 0.2
    assert turned.separation < perfect.separation - 0.4


def test_the_order_of_the_numbers_does_not_matter(numbers, factors, perfect):
    order = [4, 0, 5, 2, 1, 3]
    other = disentanglement(numbers[:, order], factors, HELD_BACK, seed=0)
    for name in ("disentanglement", "completeness", "informativeness", "mig"):
        assert getattr(other, name) == pytest.approx(getattr(perfect, name), abs=0.02)
    assert other.expression_share == pytest.approx(perfect.expression_share[order], abs=0.05)


def test_two_numbers_for_one_factor_are_disentangled_but_not_complete(numbers, factors):
    # The same thing twice: each number serves one factor, but no factor has one number.
    twice = disentanglement(np.hstack([numbers, numbers]), factors, HELD_BACK, seed=0)
    assert twice.disentanglement > 0.95
    assert twice.completeness < 0.85
    assert twice.mig == pytest.approx(0, abs=1e-6)


def test_noise_is_neither_informative_nor_disentangled(factors):
    codes = np.random.default_rng(9).normal(size=(COUNT, 20))
    none = disentanglement(codes, factors, HELD_BACK, seed=0)
    assert none.informativeness < 0.1
    assert none.disentanglement < 0.2
    assert none.mig < 0.05


def test_features_of_the_expression_alone_say_so_by_group(numbers, factors):
    codes = numbers[:, :2] @ rotation(2)
    found = disentanglement(codes, factors, HELD_BACK, seed=0)
    assert found.group_informativeness[EXPRESSION] > 0.8
    assert found.group_informativeness[IDENTITY] < 0.1
    assert found.group_informativeness[SCENE] < 0.1
    assert found.expression_share.min() > 0.8
    assert found.separation > 0.6


def test_numbers_that_never_change_have_no_share(numbers, factors, perfect):
    still = np.hstack([numbers, np.ones((COUNT, 3))])
    found = disentanglement(still, factors, HELD_BACK, seed=0)
    assert np.isnan(found.expression_share[6:]).all()
    assert found.disentanglement == pytest.approx(perfect.disentanglement, abs=0.02)
    nothing = disentanglement(np.ones((COUNT, 3)), factors, HELD_BACK, seed=0)
    assert (nothing.disentanglement, nothing.informativeness, nothing.mig) == (0, 0, 0)
    assert nothing.completeness == pytest.approx(0)
    assert nothing.separation is None


def test_factors_that_do_not_vary_or_are_unknown_are_left_out_with_the_reason(numbers, factors):
    unknown = [None, float("nan"), "", float("inf")] * (COUNT // 4)
    rare = ["x"] + ["y"] * (COUNT - 1)
    more = [
        Factor("glasses", IDENTITY, [False] * COUNT),
        Factor("mood", EXPRESSION, unknown),
        Factor("rare", SCENE, rare),
    ]
    found = disentanglement(numbers, [*factors, *more], HELD_BACK, seed=0)
    assert found.left_out == {
        "glasses": "does not vary",
        "mood": "known for only 0 images",
        "rare": "does not vary",  # among those trained on
    }
    assert tuple(found.factors) == NAMES


def test_pictures_of_which_a_factor_is_unknown_count_for_the_others(numbers, factors):
    holes = [None if i % 3 == 0 else value for i, value in enumerate(factors[0].values)]
    patched = [Factor("smile", EXPRESSION, holes), *factors[1:]]
    found = disentanglement(numbers, patched, HELD_BACK, seed=0)
    assert found.factors["smile"].informativeness > 0.95
    assert found.factors["smile"].mig > 0.8


def test_too_little_to_measure_is_one_sentence(numbers, factors):
    few = MIN_IMAGES - 1
    cut = [Factor(f.name, f.group, f.values[:few]) for f in factors]
    with pytest.raises(DeganError, match=f"{few} images are too few.*{MIN_IMAGES}"):
        disentanglement(numbers[:few], cut, HELD_BACK[:few], seed=0)
    with pytest.raises(DeganError, match="fewer than two factors"):
        disentanglement(numbers, factors[:1], HELD_BACK, seed=0)


def test_the_same_seed_gives_the_same_figures(numbers, factors):
    one, again = (disentanglement(numbers, factors[:2], HELD_BACK, seed=4) for _ in range(2))
    assert one.factors == again.factors
    assert one.disentanglement == again.disentanglement


@settings(max_examples=100)
@given(arrays(np.float64, (4, 5), elements=st.floats(0, 1e6)))
def test_entropy_is_a_share_of_the_greatest_and_does_not_depend_on_order_or_units(weights):
    found = entropy(weights, 5)
    assert ((found >= 0) & (found <= 1)).all()
    assert entropy(weights[:, ::-1] * 3, 5) == pytest.approx(found, abs=1e-6)


def test_entropy_of_one_is_none_and_of_equals_is_all():
    assert entropy(np.array([[0, 2.0, 0], [4, 4, 4], [0, 0, 0]]), 3) == pytest.approx([0, 1, 1])


def test_mutual_information_is_the_entropy_of_what_is_known_and_nothing_of_what_is_not():
    target = np.repeat(np.arange(4), 25)
    codes = np.stack([target, target // 2, np.tile(np.arange(25), 4), target * 0], axis=1)
    expected = [np.log(4), np.log(2), 0, 0]
    assert mutual_information(codes, target) == pytest.approx(expected, abs=1e-9)

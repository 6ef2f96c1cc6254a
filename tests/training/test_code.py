"""What f(x) is held to."""

import pytest
import torch

from degan.config import override, preset
from degan.training.code_terms import CodeTerms, ramp, reverse_gradient
from degan.training.loader import Labels

TINY = preset("tiny")
LABELS = torch.tensor([0, 1, 2, 0])
PEOPLE = torch.tensor([0, 0, 1, 1])
EVEN = torch.ones(3)
KNOWN = Labels(LABELS, PEOPLE)


def terms_of(*changes):
    settings = override(TINY, list(changes))
    return CodeTerms(settings.network, settings.gan, 3, 2)


def test_a_term_of_no_weight_is_left_out():
    code = torch.randn(4, TINY.network.expression_code)
    none = terms_of("gan.weight_code=0", "gan.weight_confusion=0", "gan.weight_rate=0")
    assert none(code, KNOWN, EVEN, 0.5) == {}
    some = terms_of("gan.weight_code=1", "gan.weight_confusion=1", "gan.weight_rate=1")
    assert set(some(code, KNOWN, EVEN, 0.5)) == {"code", "confusion", "rate"}


def test_the_rate_is_the_mean_absolute_value():
    code = torch.tensor([[1.0, -3.0], [0.0, 0.0]]).repeat(2, TINY.network.expression_code // 2)
    rate = terms_of("gan.weight_rate=1")(code, KNOWN, EVEN, 0.5)["rate"]
    assert rate.item() == 1.0


def test_the_price_of_f_x_grows_over_the_training():
    heads = terms_of("gan.weight_code=0", "gan.weight_rate=2")
    terms = heads(torch.ones(4, TINY.network.expression_code), KNOWN, EVEN, 0.0)
    assert heads.weighted(terms, 0.0).item() == 0.0
    assert heads.weighted(terms, 1.0).item() == pytest.approx(2.0, abs=1e-3)
    assert terms["rate"].item() == 1.0  # what is logged is the term itself


def test_descent_makes_the_confuser_better_and_the_code_worse_for_it():
    torch.manual_seed(0)
    heads = terms_of("gan.weight_confusion=1")
    code = torch.randn(4, TINY.network.expression_code, requires_grad=True)

    def confusion():
        return heads(code, KNOWN, EVEN, 1.0)["confusion"]

    before = confusion()
    before.backward()
    with torch.no_grad():
        moved = code - 0.1 * code.grad
        guessed = heads.confuser(moved)
        assert torch.nn.functional.cross_entropy(guessed, PEOPLE) > before
        for parameter in heads.confuser.parameters():
            parameter.sub_(0.1 * parameter.grad)
        assert confusion() < before


def test_the_confuser_is_not_fooled_by_size():
    torch.manual_seed(0)
    heads = terms_of("gan.weight_confusion=1")
    code = torch.randn(4, TINY.network.expression_code)
    plain = heads(code, KNOWN, EVEN, 1.0)["confusion"]
    large = heads(1000 * code, KNOWN, EVEN, 1.0)["confusion"]
    assert large.item() == pytest.approx(plain.item(), rel=1e-3)


def test_a_reversed_gradient_teaches_what_is_above_and_misleads_what_is_below():
    below = torch.tensor([2.0], requires_grad=True)
    above = torch.tensor([3.0], requires_grad=True)
    loss = above * reverse_gradient(below, 0.5)
    loss.sum().backward()
    assert loss.item() == 6.0
    assert above.grad.item() == 2.0
    assert below.grad.item() == -1.5


def test_what_f_x_is_held_to_grows_from_nothing():
    assert ramp(0.0) == 0.0
    assert ramp(0.1) < 0.5
    assert ramp(1.0) == pytest.approx(1.0, abs=1e-3)


def test_the_first_numbers_of_f_x_are_drawn_to_the_facial_actions():
    torch.manual_seed(0)
    heads = terms_of("gan.weight_code=0", "gan.weight_actions=1")
    code = torch.zeros(4, TINY.network.expression_code, requires_grad=True)
    amounts = torch.rand(4, 12)
    term = heads(code, KNOWN._replace(actions=amounts), EVEN, 0.5)["actions"]
    term.backward()
    reached = code.detach() - code.grad * code[:, :12].numel() / 2
    # A full action is four steps of a code that rounding makes whole.
    assert torch.allclose(reached[:, :12], 4 * amounts, atol=1e-5)
    assert not reached[:, 12:].any()
    assert heads.weighted({"actions": term}, 0.0).item() == term.item()


def terms_and_codes(count):
    """Loss terms with facial actions alone, random f(x) of some images, and random amounts."""
    torch.manual_seed(0)
    heads = terms_of("gan.weight_code=0", "gan.weight_actions=1")
    code = torch.randn(count, TINY.network.expression_code, requires_grad=True)
    return heads, code, torch.rand(count, 12)


def test_images_without_amounts_count_nothing_in_the_facial_actions():
    heads, code, amounts = terms_and_codes(4)
    amounts[[0, 2]] = float("nan")
    term = heads(code, KNOWN._replace(actions=amounts), EVEN, 0.5)["actions"]
    (gradient,) = torch.autograd.grad(term, code)
    alone = heads(code[[1, 3]], KNOWN._replace(actions=amounts[[1, 3]]), EVEN, 0.5)["actions"]
    (expected,) = torch.autograd.grad(alone, code)
    assert torch.allclose(term, alone)
    assert torch.allclose(gradient, expected)
    assert gradient[[1, 3], :12].abs().min() > 0
    assert not gradient[[0, 2]].any()


def test_a_batch_without_amounts_has_a_term_of_zero():
    heads, code, amounts = terms_and_codes(4)
    unknown = KNOWN._replace(actions=torch.full_like(amounts, float("nan")))
    term = heads(code, unknown, EVEN, 0.5)["actions"]
    term.backward()
    assert term.item() == 0.0
    assert not code.grad.any()


def test_where_all_images_have_amounts_the_term_is_the_mean_squared_distance_to_the_bit():
    heads, code, amounts = terms_and_codes(37)
    term = heads(code, KNOWN._replace(actions=amounts), EVEN, 0.5)["actions"]
    plain = torch.nn.functional.mse_loss(code[:, :12], 4 * amounts)
    assert torch.equal(term, plain)
    gradients = [torch.autograd.grad(loss, code)[0] for loss in (term, plain)]
    assert torch.equal(*gradients)


def test_f_x_is_drawn_back_to_what_it_was():
    heads = terms_of("gan.weight_code=0", "gan.weight_kept=1")
    code = torch.zeros(4, TINY.network.expression_code, requires_grad=True)
    earlier = torch.randn(4, TINY.network.expression_code)
    heads(code, KNOWN._replace(kept=earlier), EVEN, 0.5)["kept"].backward()
    assert torch.allclose(code.detach() - code.grad * code.numel() / 2, earlier, atol=1e-5)


def test_actions_and_earlier_codes_of_no_weight_or_not_known_are_no_term():
    code = torch.zeros(4, TINY.network.expression_code)
    all_known = KNOWN._replace(actions=torch.ones(4, 12), kept=torch.ones_like(code))
    assert {"actions", "kept"}.isdisjoint(terms_of()(code, all_known, EVEN, 0.5))
    weighty = terms_of("gan.weight_actions=1", "gan.weight_kept=1")
    assert {"actions", "kept"}.isdisjoint(weighty(code, KNOWN, EVEN, 0.5))

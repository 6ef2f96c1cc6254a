"""Shapes and promises of the networks."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from degan.config import ClassifierSettings, NetworkSettings, preset
from degan.networks.classifier import ZOOMS, Classifier, Recognition
from degan.networks.decoder import Decoder
from degan.networks.discriminator import Discriminator
from degan.networks.encoder import Encoder, EncoderOutput
from degan.networks.layers import ResidualBlock, Standardize, Subsample, zoom_matrix

SETTINGS = preset("tiny").network
SIZES = [
    SETTINGS,
    NetworkSettings(image_size=80, width=8, channels=3, noise=0),
    NetworkSettings(),
    NetworkSettings(image_size=32, width=8, detail=2),
]


@pytest.mark.parametrize("settings", SIZES)
def test_shapes_fit_together(settings):
    images = torch.rand(3, settings.channels, settings.input_size, settings.input_size) * 2 - 1
    encoded = Encoder(settings)(images)
    assert encoded.code.shape == (3, settings.expression_code)
    noise = torch.randn(3, settings.noise)
    drawn = Decoder(settings, 5)(encoded.code, torch.tensor([0, 4, 2]), noise)
    assert drawn.shape == (3, settings.channels, settings.image_size, settings.image_size)
    assert drawn.abs().max() <= 1
    judged = Discriminator(settings, 5, 7)(drawn)
    assert judged.real.shape == (3,)
    assert judged.identity.shape == (3, 5)
    assert judged.expression.shape == (3, 7)
    for features in ("code", "residue", "both"):
        choice = ClassifierSettings(features=features)
        assert Classifier(settings, choice, 7)(encoded).shape == (3, 7)


def test_what_is_drawn_depends_on_the_expression_the_person_and_the_noise():
    torch.manual_seed(0)
    decoder = Decoder(SETTINGS, 5).eval()
    code, other = torch.randn(2, 1, SETTINGS.expression_code)
    person, noise = torch.tensor([1]), torch.zeros(1, SETTINGS.noise)
    base = decoder(code, person, noise)
    assert not torch.allclose(base, decoder(other, person, noise))
    assert not torch.allclose(base, decoder(code, torch.tensor([2]), noise))
    assert not torch.allclose(base, decoder(code, person, noise + 1))


@pytest.mark.parametrize(
    ("features", "reads"),
    [("both", [True] * 4), ("code", [True] + [False] * 3), ("residue", [False] + [True] * 3)],
)
def test_the_classifier_reads_f_of_x_the_residue_of_every_stage_or_both(features, reads):
    torch.manual_seed(0)
    encoded = Encoder(SETTINGS)(torch.rand(4, 1, 32, 32))
    # Cut loose: f(x) is itself made of the stages.
    code, *stages = (part.detach().requires_grad_() for part in (encoded.code, *encoded.stages))
    classifier = Classifier(SETTINGS, ClassifierSettings(features=features), 3)
    logits = classifier(EncoderOutput(code, code, tuple(stages)))
    gradients = torch.autograd.grad(
        logits.square().sum(), [code, *stages], allow_unused=True, materialize_grads=True
    )
    assert [bool(gradient.abs().sum() > 0) for gradient in gradients] == reads


def test_a_rounded_code_is_of_whole_numbers_and_in_training_as_uncertain_as_that():
    torch.manual_seed(0)
    encoder = Encoder(SETTINGS.model_copy(update={"code": "rounded"}))
    image = torch.rand(1, 1, 32, 32)
    encoder.eval()
    code = encoder(image).code
    assert torch.equal(code, code.round())
    exact = Encoder(SETTINGS)
    exact.load_state_dict(encoder.state_dict())
    encoder.train(), exact.train()
    images = image.repeat(64, 1, 1, 1)
    noise = (encoder(images).code - exact(images).code).detach()
    assert noise.abs().max() <= 0.5
    assert noise.std() == pytest.approx(12**-0.5, rel=0.1)


def test_standardised_images_do_not_tell_brightness_or_contrast():
    crops = torch.randint(60, 120, (2, 96, 96, 3), dtype=torch.uint8)
    standardize = Standardize(1, 48)
    plain = standardize(crops)
    brighter = standardize(crops + 50)
    stronger = standardize(crops * 2)
    assert plain.shape == (2, 1, 48, 48)
    assert torch.allclose(plain, brighter, atol=1e-5)
    assert (plain - stronger).abs().max() < 0.1
    assert plain.mean().abs() < 1e-3


@pytest.mark.parametrize("side", [24, 48, 144])
def test_crops_are_scaled_to_what_the_networks_read(side):
    ramp = torch.linspace(0, 240, side).round().to(torch.uint8)
    seen = Standardize(1, 48)(ramp.expand(1, side, side).unsqueeze(3).repeat(1, 1, 1, 3))
    assert seen.shape == (1, 1, 48, 48)
    expected = torch.linspace(-1, 1, 48) / 3**0.5  # an even ramp has a deviation of 1/sqrt(3)
    assert (seen[0, 0] - expected).abs().max() < 0.05


def test_a_flat_image_becomes_zeros_not_nan():
    assert torch.equal(
        Standardize(1, 32)(torch.full((1, 64, 64, 3), 9, dtype=torch.uint8)),
        torch.zeros(1, 1, 32, 32),
    )


def test_a_zoomed_image_is_that_of_an_affine_resampling():
    x = torch.rand(2, 1, 32, 32)
    for zoom in ZOOMS:
        grid = F.affine_grid(
            torch.tensor([[1 / zoom, 0.0, 0.0], [0.0, 1 / zoom, 0.0]]).expand(2, 2, 3),
            x.shape,
            False,
        )
        expected = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
        matrix = zoom_matrix(32, zoom)
        torch.testing.assert_close(matrix @ x @ matrix.T, expected, rtol=0, atol=1e-5)


def test_the_probabilities_of_views_are_averaged():
    torch.manual_seed(0)
    crops = torch.randint(0, 256, (4, 32, 32, 3), dtype=torch.uint8)
    encoder, choice = Encoder(SETTINGS), ClassifierSettings(views=3)
    classifier = Classifier(SETTINGS, choice, 3)
    many = Recognition(SETTINGS, choice, encoder, classifier).eval()
    one = Recognition(SETTINGS, ClassifierSettings(), encoder, classifier).eval()
    images = one.standardize(crops)
    one.standardize = nn.Identity()  # what it is given is standardised already
    zooms = [zoom_matrix(32, zoom) for zoom in ZOOMS]
    each = [one(zoom @ images @ zoom.T) for zoom in zooms]
    torch.testing.assert_close(many(crops), torch.stack(each).mean(0))


def test_without_the_mirror_image_a_face_is_read_once():
    torch.manual_seed(0)
    encoder, choice = Encoder(SETTINGS), ClassifierSettings(mirror=False)
    classifier = Classifier(SETTINGS, choice, 3)
    once = Recognition(SETTINGS, choice, encoder, classifier).eval()
    both = Recognition(SETTINGS, ClassifierSettings(), encoder, classifier).eval()
    crops = torch.randint(0, 256, (4, 32, 32, 3), dtype=torch.uint8)
    assert not torch.allclose(once(crops), once(crops.flip(2)), atol=1e-4)
    torch.testing.assert_close((once(crops) + once(crops.flip(2))) / 2, both(crops))


@pytest.mark.parametrize("views", [1, 3])
def test_recognition_gives_probabilities_that_a_mirror_does_not_change(views):
    torch.manual_seed(0)
    choice = ClassifierSettings(views=views)
    classifier = Classifier(SETTINGS, choice, 3)
    recognition = Recognition(SETTINGS, choice, Encoder(SETTINGS), classifier).eval()
    crops = torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8)
    probabilities = recognition(crops)
    assert torch.allclose(probabilities.sum(1), torch.ones(4))
    assert torch.allclose(recognition(crops.flip(2)), probabilities, atol=1e-6)
    alone = torch.cat([recognition(crop[None]) for crop in crops])
    assert torch.allclose(alone, probabilities, atol=1e-6)


def test_rows_and_columns_are_those_that_a_strided_convolution_reads():
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    strided = nn.Conv2d(3, 5, 1, stride=2, bias=False)
    dense = nn.Conv2d(3, 5, 1, bias=False)
    dense.load_state_dict(strided.state_dict())
    torch.testing.assert_close(dense(Subsample(2)(x)), strided(x))


@pytest.mark.parametrize("channels", [4, 8, 12, 16])
def test_a_block_learns_the_same_in_both_memory_formats(channels):
    # A strided 1x1 convolution of few channels would not, and may crash: see layers.Subsample.
    x = torch.randn(4, channels, 64, 64, generator=torch.Generator().manual_seed(0))
    gradients = []
    for form in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        block = ResidualBlock(channels, 2 * channels, stride=2).to(memory_format=form)
        block(x.contiguous(memory_format=form)).square().mean().backward()
        gradients.append([parameter.grad.contiguous() for parameter in block.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["residual", "deep"])
def test_every_backbone_halves_the_side_in_each_stage(name):
    settings = NetworkSettings(backbone=name, width=4, image_size=48, detail=2, expression_code=8)
    encoded = Encoder(settings).eval()(torch.zeros(2, 1, 96, 96))
    sides = [(stage.shape[1], stage.shape[2]) for stage in encoded.stages]
    assert sides == [(8, 24), (16, 12), (32, 6)]
    assert encoded.code.shape == (2, 8)


def test_the_deep_backbone_has_twice_as_many_blocks():
    def blocks(name):
        encoder = Encoder(NetworkSettings(backbone=name, width=4))
        return sum(isinstance(module, ResidualBlock) for module in encoder.modules())

    assert (blocks("residual"), blocks("deep")) == (3, 6)

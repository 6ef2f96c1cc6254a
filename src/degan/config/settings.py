"""Settings of a run: typed, immutable, with checked ranges."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from degan.labels import CODE_ACTIONS

Weight = Annotated[float, Field(ge=0, le=1000)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, le=1)]


DRAWING_TERMS: Final = ("reconstruction", "swap", "adversarial", "identity", "expression")
"""The terms of stage 1 that look at drawings; the others look at f(x) alone."""

SHIPPED_STARTS: Final = ("synthetic", "clean", "web")
"""What ``start`` calls the weights that ship: docs/cards."""

PRESET_NAMES: Final = ("fast", "best", "paper", "tiny")
"""Names of the functions in :mod:`degan.config.presets`."""

DEFAULT_PRESET: Final = "fast"
"""Preset of a run if none is given."""

CHOSEN: Final = "chosen"
"""What ``classifier.blend`` calls a share that is chosen on inner folds of the training people."""


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class NetworkSettings(_Settings):
    """Sizes of the networks."""

    image_size: int = Field(48, ge=32, le=256, multiple_of=16)
    """Side of the images that G draws and D judges, in pixels."""
    detail: Literal[1, 2] = 1
    """How much finer than that the encoder reads: 2 has its first layer halve images of twice the
    side. Prepared crops are scaled to what it reads: their side is a multiple or a part of that."""
    channels: Literal[1, 3] = 1
    """1: grey, 3: colour."""
    backbone: str = Field("residual", pattern=r"^[a-z][a-z0-9_]*$", max_length=100)
    """Layers of the encoder: the name of a module of :mod:`degan.networks.backbones`."""
    width: int = Field(16, ge=4, le=256, multiple_of=4)
    """Channels of the encoder's stem; its three stages have 2, 4 and 8 times as many."""
    expression_code: int = Field(128, ge=4, le=2048)
    """Length of the expression code f(x)."""
    code: Literal["real", "rounded"] = "real"
    """f(x) as real numbers, as in the paper, or rounded to whole ones (noise of the same size in
    training): what is smaller than a step is lost, and ``gan.weight_rate`` makes identity small."""
    identity_code: int = Field(64, ge=4, le=2048)
    """Length of the embedding that the decoder makes of the one-hot identity code c."""
    noise: int = Field(16, ge=0, le=512)
    """Length of the noise z."""
    residue: int = Field(32, ge=4, le=512)
    """Features that each local CNN reads from its layer of the encoder."""

    @property
    def input_size(self) -> int:
        """Side of the images that the encoder reads, in pixels."""
        return self.image_size * self.detail


class AugmentSettings(_Settings):
    """Random changes of the training images, uniform within plus or minus the value given."""

    rotation: float = Field(11.0, ge=0, le=45)
    """Degrees."""
    scale: Share = 0.12
    """Zoom, relative."""
    aspect: Share = 0.06
    """Width to height, relative."""
    shift: Share = 0.05
    """Shift along each axis, of the image's side."""
    mirror: bool = True
    """Flip left to right half the time."""
    contrast: Share = 0.3
    """Gain on the standardised image, relative."""
    brightness: Share = 0.2
    """Offset, in units of the [-1, 1] range."""
    cutout: Share = 0.5
    """How often one rectangle of 10-30 % of the side is painted flat."""


class GanSettings(_Settings):
    """Stage 1: encoder, decoder and discriminator."""

    epochs: int = Field(40, ge=0, le=10_000)
    """Passes over the training images; 0 leaves stage 1 out: a plain CNN."""
    min_steps: int = Field(800, ge=0, le=1_000_000)
    """Passes are added until so many steps are taken: few images need more than ``epochs``."""
    batch_size: int = Field(32, ge=2, le=4096)
    """Images a step."""
    learning_rate: Rate = 2e-3
    """Peak of the generator's one-cycle schedule (AdamW)."""
    encoder_rate: Share = 1.0
    """The encoder's learning rate relative to the generator's: less where it begins with trained
    weights (``start``), while the decoder begins with random ones. 0: it stays as it begins, and
    the decoder learns to draw from its f(x); without weights to start from 0 counts as 1."""
    discriminator_rate: Rate = 4e-4
    """Of the discriminator's Adam, constant."""
    weight_decay: Share = 1e-3
    """Of the generator's AdamW."""
    weight_reconstruction: Weight = 5.0
    """L1 between x and G(f(x), c of x's own subject)."""
    weight_swap: Weight = 5.0
    """L1 between G(f(x), c of a random subject) and that subject's own photo with the expression of
    x, where there is one. Not in the paper: it says directly what D can only hint at."""
    weight_adversarial: Weight = 0.2
    """Hinge: the drawn face passes for a photo."""
    weight_identity: Weight = 0.3
    """Cross-entropy of D's identity head on the drawn face; the target is c."""
    weight_expression: Weight = 0.3
    """Cross-entropy of D's expression head on the drawn face; the target is the expression of x."""
    weight_code: Weight = 1.0
    """Cross-entropy of a linear layer on f(x). Not in the paper, where f(x) learns from D alone:
    on few images that leaves f(x) too little of the expression."""
    weight_confusion: Weight = 0.0
    """Cross-entropy of a network that guesses the subject from f(x), its gradient reversed for the
    encoder. Not in the paper, where nothing forbids f(x) to say who."""
    weight_rate: Weight = 0.0
    """Mean absolute value of f(x). Not in the paper: the price of what a rounded code says."""
    weight_actions: Weight = 0.0
    """Squared distance of f(x) from four times the amounts (0-1) of the facial actions of
    :data:`degan.labels.CODE_ACTIONS`, a number an action. Not in the paper; for data sets that
    know them, which are those of rendered people."""
    weight_kept: Weight = 0.0
    """Squared distance of f(x) from what it was with the weights to start from (``start``), where
    there are some. Not in the paper: on few photos f(x) would forget what many had taught it."""
    label_smoothing: Share = 0.1
    """Of the cross-entropy on f(x)."""

    @property
    def draws(self) -> bool:
        """Whether a term looks at drawings; else neither the decoder nor D has anything to do."""
        return any(getattr(self, f"weight_{name}") for name in DRAWING_TERMS)


class ClassifierSettings(_Settings):
    """Stage 2: local CNNs on the residue, joined with f(x)."""

    features: Literal["code", "residue", "both"] = "both"
    """What the classifier reads: f(x), the residue, or both as in the paper."""
    views: Literal[1, 3] = 1
    """Sizes at which a face is read: 1, the crop's; or 3, also 6 % larger and smaller, for three
    times the time. The probabilities are averaged."""
    mirror: bool = True
    """Whether its mirror image is read too, which shows the same expression, for twice the time.
    The probabilities are averaged."""
    epochs: int = Field(15, ge=1, le=10_000)
    """Passes over the training images."""
    min_steps: int = Field(300, ge=0, le=1_000_000)
    """Passes are added until so many steps are taken."""
    batch_size: int = Field(32, ge=2, le=4096)
    """Images a step."""
    learning_rate: Rate = 1e-3
    """Peak of the one-cycle schedule (AdamW)."""
    encoder_rate: Share = 0.0
    """The encoder's learning rate relative to the classifier's. The paper freezes it: 0."""
    weight_decay: Share = 1e-3
    """Of AdamW."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """On f(x) joined with the residue."""
    label_smoothing: Share = 0.1
    """Of the cross-entropy."""
    blend: Share | Literal["chosen"] = 0.0
    """Share of the weights to start from (``start``) in those that result, where the classifier
    began with them too; or ``chosen``: the share at which networks that learn from some of the
    training people read the others best. Not in the paper: on photos like those that the weights to
    start from know, networks forget more than they learn."""
    average: Share = 0.0
    """Share of the passes, the last ones, whose weights are averaged, pass by pass; once past its
    peak the learning rate stays at half of it or above. 0: the weights of the last step. Not in the
    paper: on few photos the last weights are one of many that fit, and their mean is steadier."""
    teachers: Annotated[int, Field(ge=0, le=20)] | Literal["votes"] = 0
    """What others see in a face, a target beside its label. A number: so many plain CNNs, each of
    which reads the training people that it did not learn from. ``votes``: people, in ``votes.csv``.
    0: labels alone, as in the paper."""
    taught: Share = 0.5
    """How much of the target is what the teachers say, or the votes."""

    @model_validator(mode="after")
    def _has_whom_to_teach(self) -> Self:
        if self.teachers == 1:
            raise ValueError("one teacher has nobody left to learn from; give 2 or more, or none")
        if self.teachers and self.taught == 0:
            raise ValueError("taught is 0, so the teachers are not heard; give no teachers")
        return self


class Settings(_Settings):
    """All that decides a training run beside its data."""

    preset: str
    """Name of the preset that the values started from."""
    seed: int = Field(0, ge=0, lt=2**31)
    """Decides folds, weights, order, augmentation and noise."""
    start: str = Field("", max_length=4096)
    """Weights to start from instead of random ones: the folder of a finished run, of other people;
    or ``synthetic``, ``clean`` or ``web``, which ship (a folder of that name is ``./web``).
    The encoder and, where it fits, the classifier begin with what that run ended with."""
    device: str = "cpu"
    """Where it computes: ``cpu``, ``cuda`` (a GPU) or ``cuda:1`` (the second). Order, augmentation
    and first weights are the same everywhere, so that figures differ by rounding and dropout."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """How many bits the networks compute with in training: 32, or 16 (bfloat16), which is quicker
    on processors that have instructions for it (AMX, AVX-512 BF16) and slower on others.
    Weights, losses and recognition have 32."""
    network: NetworkSettings = NetworkSettings()
    augment: AugmentSettings = AugmentSettings()
    gan: GanSettings = GanSettings()
    classifier: ClassifierSettings = ClassifierSettings()

    @property
    def holds(self) -> bool:
        """Whether a term of stage 1 looks at f(x) alone."""
        gan = self.gan
        told = (gan.weight_code, gan.weight_confusion, gan.weight_rate, gan.weight_actions)
        return any(told) or bool(gan.weight_kept and self.start)

    @field_validator("preset")
    @classmethod
    def _names_a_preset(cls, name: str) -> str:
        if name not in PRESET_NAMES:
            raise ValueError(
                f"there is no preset '{name}'; choose one of {', '.join(PRESET_NAMES)}"
            )
        return name

    @field_validator("device")
    @classmethod
    def _names_a_device(cls, name: str) -> str:
        if not re.fullmatch(r"cpu|cuda(:(0|[1-9][0-9]?))?", name):
            raise ValueError(f"'{name}' is no device; write cpu, cuda or cuda:1")
        return name

    @model_validator(mode="after")
    def _learns(self) -> Self:
        if self.gan.epochs and not (self.gan.draws or self.holds):
            raise ValueError(
                "gan: every weight is 0, or there is no start to keep to, and stage 1 learns "
                "nothing; give a weight, or 0 epochs"
            )
        return self

    @model_validator(mode="after")
    def _has_a_number_an_action(self) -> Self:
        if self.gan.weight_actions and self.network.expression_code < len(CODE_ACTIONS):
            raise ValueError(
                f"gan.weight_actions needs a number of f(x) for each of {len(CODE_ACTIONS)} facial "
                "actions; give network.expression_code as many, or the weight 0"
            )
        return self

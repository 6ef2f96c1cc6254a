"""Settings of a run: typed, immutable, with checked ranges."""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from degan.config.names import PRESET_NAMES
from degan.labels import CODE_ACTIONS
from degan.system.arguments import check_kind

Weight = Annotated[float, Field(ge=0, le=1000)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, le=1)]


IMAGE_TERMS: Final = ("reconstruction", "swap", "adversarial", "identity", "expression")
"""Loss terms of stage 1 on generated images; the other terms use only f(x)."""

CHOOSE_BLEND: Final = "chosen"
"""Value of ``classifier.blend``: inner folds of the training subjects choose the fraction."""


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class NetworkSettings(_Settings):
    """Sizes of the networks.

    Raises:
        pydantic.ValidationError: a name is unknown, or a value has a wrong type or is out of range.
    """

    image_size: int = Field(48, ge=32, le=256, multiple_of=16)
    """Side of the images that G generates and D reads, in pixels."""
    detail: Literal[1, 2] = 1
    """Side of the encoder's images, relative to ``image_size``. With 2, the first layer halves the
    side. Prepared crops are scaled to the side of the encoder's images; their own side must be a
    multiple or a divisor of it."""
    channels: Literal[1, 3] = 1
    """Channels of all images: 1 (grey) or 3 (colour)."""
    backbone: str = Field("residual", pattern=r"^[a-z][a-z0-9_]*$", max_length=100)
    """Layers of the encoder: the name of a module in :mod:`degan.networks.backbones`."""
    width: int = Field(16, ge=4, le=256, multiple_of=4)
    """Channels of the encoder's stem; its three stages have 2, 4 and 8 times as many."""
    expression_code: int = Field(128, ge=4, le=2048)
    """Length of the expression code f(x)."""
    code: Literal["real", "rounded"] = "real"
    """``real``: f(x) has real numbers, as in the paper. ``rounded``: f(x) has whole numbers, and in
    training noise of one step replaces the rounding. Values smaller than a step are lost, and
    ``gan.weight_rate`` makes the values that depend on the identity small."""
    identity_code: int = Field(64, ge=4, le=2048)
    """Length of the decoder's embedding of the one-hot identity code c."""
    noise: int = Field(16, ge=0, le=512)
    """Length of the noise z."""
    residue: int = Field(32, ge=4, le=512)
    """Number of features that each local CNN computes from its stage of the encoder."""

    @property
    def input_size(self) -> int:
        """Side of the images that the encoder reads, in pixels."""
        return self.image_size * self.detail


class AugmentSettings(_Settings):
    """Random changes of the training images, uniform within plus or minus the given value.

    Raises:
        pydantic.ValidationError: a name is unknown, or a value has a wrong type or is out of range.
    """

    rotation: float = Field(11.0, ge=0, le=45)
    """Rotation in degrees."""
    scale: Share = 0.12
    """Relative change of the size."""
    aspect: Share = 0.06
    """Relative change of the ratio of width to height."""
    shift: Share = 0.05
    """Shift along each axis, relative to the side of the image."""
    mirror: bool = True
    """Whether half of the images are mirrored left to right."""
    contrast: Share = 0.3
    """Relative change of the gain of the standardised image."""
    brightness: Share = 0.2
    """Offset added to the image, whose range is [-1, 1]."""
    cutout: Share = 0.5
    """Fraction of images with one rectangle filled with one tone, 10-30 % of the side each way."""


class GanSettings(_Settings):
    """Stage 1: encoder, decoder and discriminator.

    Raises:
        pydantic.ValidationError: a name is unknown, or a value has a wrong type or is out of range.
    """

    epochs: int = Field(40, ge=0, le=10_000)
    """Passes over the training images. 0 skips stage 1."""
    min_steps: int = Field(800, ge=0, le=1_000_000)
    """Minimum number of steps. Epochs are added to reach it: few images need more epochs."""
    batch_size: int = Field(32, ge=2, le=4096)
    """Number of images per step."""
    learning_rate: Rate = 2e-3
    """Peak learning rate of the generator (AdamW, one-cycle schedule)."""
    encoder_rate: Share = 1.0
    """Learning rate of the encoder, relative to the generator's. Use less than 1 if the encoder has
    trained initial weights (``start``), because those of the decoder are random. 0 freezes the
    encoder, and the decoder learns to generate images from its f(x); without ``start``, 0 counts
    as 1."""
    discriminator_rate: Rate = 4e-4
    """Learning rate of the discriminator (Adam, constant)."""
    weight_decay: Share = 1e-3
    """Weight decay of the generator's AdamW."""
    weight_reconstruction: Weight = 5.0
    """Weight of the L1 distance between x and G(f(x), c of x's own subject)."""
    weight_swap: Weight = 5.0
    """Weight of the L1 distance between G(f(x), c of a random subject) and a photo of that subject
    with the expression of x, if there is one. Not in the paper: a more direct target than D's
    scores."""
    weight_adversarial: Weight = 0.2
    """Weight of the hinge loss of G: D should score generated faces as real."""
    weight_identity: Weight = 0.3
    """Weight of the cross-entropy of D's identity head on generated faces; the target is c."""
    weight_expression: Weight = 0.3
    """Weight of the cross-entropy of D's expression head on generated faces; the target is the
    expression of x."""
    weight_code: Weight = 1.0
    """Weight of the cross-entropy of a linear layer that predicts the expression from f(x). Not in
    the paper, where f(x) learns only from D: with few images, f(x) then contains too little of the
    expression."""
    weight_confusion: Weight = 0.0
    """Weight of the cross-entropy of a network that predicts the subject from f(x); its gradient is
    reversed for the encoder. Not in the paper, where no term removes the identity from f(x)."""
    weight_rate: Weight = 0.0
    """Weight of the mean absolute value of f(x). Not in the paper: it limits the information in a
    rounded f(x)."""
    weight_actions: Weight = 0.0
    """Weight of the squared distance of f(x) from four times the amounts (0-1) of facial actions.
    Each action in :data:`degan.labels.CODE_ACTIONS` has one component of f(x). Not in the paper;
    only for data sets with known amounts: rendered people, alone or joined with photos. Samples
    without amounts do not count in the term, and do not change its weight."""
    weight_kept: Weight = 0.0
    """Weight of the squared distance between f(x) and the f(x) of the initial weights (``start``);
    no effect without them. Not in the paper: on few photos, f(x) would forget what it learnt from
    many."""
    label_smoothing: Share = 0.1
    """Label smoothing of the cross-entropy on f(x)."""

    @property
    def has_image_terms(self) -> bool:
        """Whether a loss term uses generated images; if not, the decoder and D are not trained."""
        return any(getattr(self, f"weight_{name}") for name in IMAGE_TERMS)


class ClassifierSettings(_Settings):
    """Stage 2: a classifier on f(x) and the residue, which local CNNs compute.

    Raises:
        pydantic.ValidationError: a name is unknown, or a value has a wrong type, is out of range,
            or does not fit the others.
    """

    features: Literal["code", "residue", "both"] = "both"
    """Input of the classifier: f(x) (``code``), the residue, or both as in the paper."""
    views: Literal[1, 3] = 1
    """Number of sizes at which a face is read, averaging the probabilities: 1 is the size of the
    crop; 3 adds 6 % larger and 6 % smaller, and takes three times as long."""
    mirror: bool = True
    """Whether the mirror image, which shows the same expression, is read too. The probabilities are
    averaged; recognition takes twice as long."""
    epochs: int = Field(15, ge=1, le=10_000)
    """Passes over the training images."""
    min_steps: int = Field(300, ge=0, le=1_000_000)
    """Minimum number of steps. Epochs are added to reach it."""
    batch_size: int = Field(32, ge=2, le=4096)
    """Number of images per step."""
    learning_rate: Rate = 1e-3
    """Peak learning rate (AdamW, one-cycle schedule)."""
    encoder_rate: Share = 0.0
    """Learning rate of the encoder, relative to the classifier's. 0 freezes it, as in the paper."""
    weight_decay: Share = 1e-3
    """Weight decay of AdamW."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Dropout rate of the classifier's input."""
    label_smoothing: Share = 0.1
    """Label smoothing of the cross-entropy."""
    blend: Share | Literal["chosen"] = 0.0
    """Fraction of the initial weights (``start``) in the final weights, if they fit the classifier
    too. ``chosen``: the fraction with the lowest log loss on held-out training subjects. Not in the
    paper: on photos similar to the training data of the initial weights, networks forget more than
    they learn."""
    average: Share = 0.0
    """Fraction of the epochs, at the end, over which the weights are averaged, once per epoch. The
    learning rate then stays at half its peak or above after the peak. 0: the final weights are
    those of the last step. Not in the paper: on few photos, many different weights fit, and their
    mean varies less."""
    teachers: Annotated[int, Field(ge=0, le=20)] | Literal["votes"] = 0
    """Source of soft targets, in addition to the labels. 2 or more: number of plain CNNs, each of
    which predicts the training subjects that it was not trained on. ``votes``: the votes of people
    in the manifest or in ``votes.csv``. 0: only labels, as in the paper."""
    taught: Share = 0.5
    """Weight of the soft targets, from 0 to 1; the labels have the rest."""
    balance: Literal["weights", "logits"] = "weights"
    """Treatment of rare expressions. ``weights``: each class has the weight 1/sqrt(count) in the
    loss. ``logits``: in training, the logarithm of the frequency of each class is added to its
    logit. The probabilities then assume equally frequent classes. In a joined data set, each part
    has its own frequencies. Not in the paper: Menon et al. 2021 (arXiv 2007.07314)."""

    @model_validator(mode="after")
    def _teachers_are_usable(self) -> Self:
        if self.teachers == 1:
            raise ValueError(
                "one teacher has no other subjects to train on; set teachers to 0, or 2 or more"
            )
        if self.teachers and self.taught == 0:
            raise ValueError(
                "taught is 0, so the teachers have no effect; set taught above 0, or teachers to 0"
            )
        return self


class Settings(_Settings):
    """All settings of a training run; together with the data, they determine the result.

    Raises:
        pydantic.ValidationError: a name is unknown, or a value has a wrong type, is out of range,
            or does not fit the others.
    """

    preset: str
    """Name of the preset that the other values are based on."""
    seed: int = Field(0, ge=0, lt=2**31)
    """Random seed of folds, weights, order, augmentation and noise."""
    start: str = Field("", max_length=4096)
    """Initial weights instead of random ones: the folder of a finished run with other people, or
    the included weights ``synthetic``, ``clean`` or ``web`` (for a folder of that name, write
    ``./web``). The encoder and, if it fits, the classifier begin with these weights."""
    device: str = "cpu"
    """Device of the training: ``cpu``, ``cuda`` (a GPU) or ``cuda:1`` (the second GPU). Order,
    augmentation and first weights are the same on all devices, so that metrics differ only by
    rounding and dropout."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Number format of the networks in training: 32 bits, or 16 bits (bfloat16), which is faster on
    processors with instructions for it (AMX, AVX-512 BF16) and slower on others. Weights, losses
    and recognition use 32 bits."""
    network: NetworkSettings = NetworkSettings()
    """Sizes of the networks."""
    augment: AugmentSettings = AugmentSettings()
    """Random changes of the training images, in both stages."""
    gan: GanSettings = GanSettings()
    """Stage 1: the GAN."""
    classifier: ClassifierSettings = ClassifierSettings()
    """Stage 2: the classifier."""

    @property
    def has_code_terms(self) -> bool:
        """Whether stage 1 has a loss term that uses only f(x)."""
        gan = self.gan
        weights = (gan.weight_code, gan.weight_confusion, gan.weight_rate, gan.weight_actions)
        return any(weights) or bool(gan.weight_kept and self.start)

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
            raise ValueError(f"'{name}' is not a device; write cpu, cuda or cuda:1")
        return name

    @model_validator(mode="after")
    def _learns(self) -> Self:
        if self.gan.epochs and not (self.gan.has_image_terms or self.has_code_terms):
            raise ValueError(
                "gan: every weight is 0, or has no effect without start, so stage 1 learns "
                "nothing; set a weight above 0, or epochs to 0"
            )
        return self

    @model_validator(mode="after")
    def _code_fits_actions(self) -> Self:
        if self.gan.weight_actions and self.network.expression_code < len(CODE_ACTIONS):
            raise ValueError(
                "gan.weight_actions needs one component of f(x) for each of "
                f"{len(CODE_ACTIONS)} facial actions; set network.expression_code to this number "
                "or more, or the weight to 0"
            )
        return self


def check_settings(settings: Any) -> None:
    """Refuse an argument ``settings`` that is not a :class:`Settings`.

    Raises:
        DeganTypeError: the message names its type.
    """
    check_kind(settings, Settings, "settings", "settings of a run, such as preset('fast')")

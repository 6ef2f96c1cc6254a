"""Presets: plain functions that return the settings of a run."""

from collections.abc import Callable
from typing import Final

from degan.config.settings import (
    CHOSEN,
    PRESET_NAMES,
    SHIPPED_STARTS,
    ClassifierSettings,
    GanSettings,
    NetworkSettings,
    Settings,
)
from degan.errors import DeganError
from degan.labels import CODE_ACTIONS


def fast() -> Settings:
    """Small grey images, small networks, begun with what synthetic people taught: the default.

    f(x) is rounded and its size has a price, so that it carries little beside the expression. Stage
    1 is short and leaves the encoder as it begins. The weights of the last passes of stage 2 are
    averaged; how far they go back to those to start from is chosen on inner folds: docs/method.md.
    """
    return Settings(
        preset="fast",
        start=SHIPPED_STARTS[0],
        network=NetworkSettings(detail=2, code="rounded", expression_code=len(CODE_ACTIONS)),
        gan=GanSettings(
            epochs=3,
            min_steps=100,
            learning_rate=4e-3,
            encoder_rate=0.0,
            weight_adversarial=0.05,
            weight_code=1.5,
            weight_confusion=1.0,
            weight_rate=2.5,
        ),
        classifier=ClassifierSettings(
            epochs=25,
            learning_rate=2e-3,
            encoder_rate=1.0,
            label_smoothing=0.0,
            average=0.5,
            blend=CHOSEN,
        ),
    )


def best() -> Settings:
    """``fast`` that reads each face at three sizes, for three times the time of recognition."""
    settings = fast()
    reading = settings.classifier.model_copy(update={"views": 3})
    return settings.model_copy(update={"preset": "best", "classifier": reading})


def paper() -> Settings:
    """DE-GAN as the papers describe it: their terms alone, f(x) of real numbers, G_en frozen.

    What the papers leave open or do not need on their machines (sizes, rates, augmentation, hinge)
    is as degan has it by default; docs/method.md lists it.
    """
    return Settings(
        preset="paper",
        network=NetworkSettings(code="real", expression_code=128),
        gan=GanSettings(weight_swap=0.0, weight_code=0.0, weight_confusion=0.0, weight_rate=0.0),
        classifier=ClassifierSettings(encoder_rate=0.0),
    )


def tiny() -> Settings:
    """The smallest run that does everything, in seconds: for tests, not for figures."""
    return Settings(
        preset="tiny",
        network=NetworkSettings(
            image_size=32, width=4, expression_code=16, identity_code=8, noise=4, residue=8
        ),
        gan=GanSettings(epochs=2, min_steps=0, batch_size=16),
        classifier=ClassifierSettings(epochs=2, min_steps=0, batch_size=16),
    )


_FUNCTIONS: Final = (fast, best, paper, tiny)
PRESETS: Final[dict[str, Callable[[], Settings]]] = {make.__name__: make for make in _FUNCTIONS}
assert tuple(PRESETS) == PRESET_NAMES


def preset(name: str) -> Settings:
    """Return a preset by name.

    Raises:
        DeganError: there is no such preset.
    """
    if name not in PRESETS:
        raise DeganError(f"there is no preset '{name}'; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]()

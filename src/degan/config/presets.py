"""Presets: functions that return the settings of a run."""

from collections.abc import Callable
from typing import Final

from degan.config.names import PRESET_NAMES, SHIPPED_STARTS
from degan.config.settings import (
    CHOOSE_BLEND,
    ClassifierSettings,
    GanSettings,
    NetworkSettings,
    Settings,
)
from degan.errors import DeganError
from degan.labels import CODE_ACTIONS
from degan.system.arguments import check_kind


def fast() -> Settings:
    """Return the default: small grey images, small networks, initial weights of synthetic people.

    f(x) is rounded and a loss term limits its size, so that it contains little besides the
    expression. Stage 1 is short and does not change the encoder. The weights of the last epochs of
    stage 2 are averaged and blended with the initial weights; inner folds choose the blend:
    docs/method.md.
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
            blend=CHOOSE_BLEND,
        ),
    )


def best() -> Settings:
    """Return ``fast`` that reads each face at three sizes; recognition takes three times longer."""
    settings = fast()
    classifier = settings.classifier.model_copy(update={"views": 3})
    return settings.model_copy(update={"preset": "best", "classifier": classifier})


def paper() -> Settings:
    """Return DE-GAN as in the papers: only their loss terms, real f(x), G_en frozen in stage 2.

    Other details (sizes, rates, augmentation, hinge), which the papers leave open or which differ
    here, are degan's defaults; docs/method.md lists them.

    Source: Ali & Hughes, arXiv 1912.01456.
    """
    return Settings(
        preset="paper",
        network=NetworkSettings(code="real", expression_code=128),
        gan=GanSettings(weight_swap=0.0, weight_code=0.0, weight_confusion=0.0, weight_rate=0.0),
        classifier=ClassifierSettings(encoder_rate=0.0),
    )


def tiny() -> Settings:
    """Return the smallest settings that use every part, for tests; metrics have no meaning."""
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
"""Name of a preset -> function that returns its settings."""
assert tuple(PRESETS) == PRESET_NAMES


def preset(name: str) -> Settings:
    """Return the settings of a preset.

    Args:
        name: one of :data:`degan.config.PRESET_NAMES`.

    Raises:
        DeganError: there is no such preset.
        DeganTypeError: ``name`` is not a text.
    """
    check_kind(name, str, "name", "the name of a preset")
    if name not in PRESETS:
        raise DeganError(f"there is no preset '{name}'; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]()

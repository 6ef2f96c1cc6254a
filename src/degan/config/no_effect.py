"""Find settings that other settings make ineffective, and refuse assignments of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from degan.config.settings import IMAGE_TERMS, GanSettings, Settings
from degan.config.toml import parse_toml
from degan.errors import DeganError

_CODE_TERMS = ("code", "confusion", "rate", "actions", "kept")


def settings_without_effect(settings: Settings) -> dict[str, str]:
    """Return settings that the others make ineffective: ``section.name`` -> reason.

    A value that switches its part off (0) is not listed.

    Args:
        settings: settings of a run.
    """
    gan, classifier = settings.gan, settings.classifier
    found: dict[str, str] = {}

    def add(because: str, *names: str) -> None:
        for name in names:
            section, _, setting = name.partition(".")
            if getattr(getattr(settings, section), setting):
                found.setdefault(name, because)

    if not settings.start:
        add("without start", "gan.weight_kept", "classifier.blend")
        if gan.epochs and gan.encoder_rate == 0:
            found["gan.encoder_rate"] = "at 0 without start: a random encoder must be trained"
    if gan.epochs == 0:
        others = (f"gan.{name}" for name in GanSettings.model_fields if name != "epochs")
        add("with gan.epochs=0", *others)
    if gan.epochs == 0 or not gan.has_image_terms:
        because = "with gan.epochs=0" if gan.epochs == 0 else f"without {_weights(IMAGE_TERMS)}"
        add(because, "gan.discriminator_rate", "network.noise", "network.identity_code")
    if gan.weight_code == 0:
        add("with gan.weight_code=0", "gan.label_smoothing")
    if settings.start and gan.encoder_rate == 0 and classifier.encoder_rate == 0:
        terms = (f"gan.weight_{name}" for name in _CODE_TERMS)
        add("because gan.encoder_rate=0 and classifier.encoder_rate=0 freeze the encoder", *terms)
    if classifier.teachers == 0:
        add("with classifier.teachers=0", "classifier.taught")
    if classifier.features == "code":
        add("with classifier.features='code'", "network.residue")
    return found


def check_assignments(settings: Settings, assignments: Sequence[str]) -> None:
    """Refuse assignments of a user that have no effect.

    Args:
        settings: the settings with all assignments.
        assignments: valid texts ``section.name=value`` in TOML, see
            :func:`degan.config.override`.

    Raises:
        DeganError: a setting is assigned twice, or has no effect.
    """
    ineffective = settings_without_effect(settings)
    seen: set[str] = set()
    for assignment in assignments:
        for name in _names(parse_toml(assignment.encode())):
            if name in seen:
                raise DeganError(f"{name} is set twice; set it once")
            seen.add(name)
            if name in ineffective:
                raise DeganError(f"{name} has no effect {ineffective[name]}; leave it out")


def _names(values: Mapping[str, Any], before: str = "") -> list[str]:
    """Return the names of all settings in a table, with sections before a dot."""
    names = []
    for name, value in values.items():
        whole = f"{before}{name}"
        names += _names(value, f"{whole}.") if isinstance(value, dict) else [whole]
    return names


def _weights(terms: Sequence[str]) -> str:
    return f"a weight above 0 of {', '.join(terms[:-1])} or {terms[-1]}"

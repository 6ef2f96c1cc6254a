"""Names and order of expressions, facial actions and action units; synonyms of expressions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from degan.errors import DeganError

EXPRESSIONS: tuple[str, ...] = (
    "neutral",
    "anger",
    "contempt",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
)
"""The eight expressions, in the order used everywhere. A model with fewer expressions keeps this
order."""

CODE_ACTIONS: tuple[str, ...] = (
    "browInnerUp",
    "browDown",
    "browOuterUp",
    "eyeWide",
    "eyeSquint",
    "cheekSquint",
    "noseSneer",
    "mouthUpperUp",
    "mouthSmile",
    "mouthDimple",
    "mouthStretch",
    "mouthFrown",
    "mouthLowerDown",
    "mouthShrugLower",
    "mouthPress",
    "jawOpen",
)
"""Facial actions that components of f(x) can be tied to, from brow to jaw: the 16 that vary most
between expressions. Names are ARKit's without Left and Right; the two sides are averaged."""

FACIAL_ACTIONS: tuple[str, ...] = (
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)
"""Names of the 52 facial actions of ARKit. Their amounts are known for rendered people. Left and
right are the subject's."""

ACTION_UNITS: dict[str, tuple[str, ...]] = {
    "AU1": ("browInnerUp",),
    "AU2": ("browOuterUpLeft", "browOuterUpRight"),
    "AU4": ("browDownLeft", "browDownRight"),
    "AU5": ("eyeWideLeft", "eyeWideRight"),
    "AU6": ("cheekSquintLeft", "cheekSquintRight"),
    "AU7": ("eyeSquintLeft", "eyeSquintRight"),
    "AU9": ("noseSneerLeft", "noseSneerRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU14": ("mouthDimpleLeft", "mouthDimpleRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU16": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "AU17": ("mouthShrugLower",),
    "AU18": ("mouthPucker",),
    "AU19": ("tongueOut",),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU22": ("mouthFunnel",),
    "AU24": ("mouthPressLeft", "mouthPressRight"),
    "AU26": ("jawOpen",),
    "AU28": ("mouthRollLower", "mouthRollUpper"),
    "AU29": ("jawForward",),
    "AU34": ("cheekPuff",),
    "AU45": ("eyeBlinkLeft", "eyeBlinkRight"),
    "AU61": ("eyeLookOutLeft", "eyeLookInRight"),
    "AU62": ("eyeLookInLeft", "eyeLookOutRight"),
    "AU63": ("eyeLookUpLeft", "eyeLookUpRight"),
    "AU64": ("eyeLookDownLeft", "eyeLookDownRight"),
}
"""FACS action unit -> nearest facial actions (docs/expressions.md). The amount of a unit is the
mean amount of these actions. AU26 continues into AU27. AU25 (lips part) has no facial action of its
own. AU30 (jaw sideways) is left out: a mean of jawLeft and jawRight has no meaning."""

FURTHER_UNITS: dict[str, tuple[str, ...]] = {"AU26": ("AU27",)}
"""Action unit -> units that FACS coders use instead if the same movement goes further."""

UNIT_THRESHOLD = 0.3
"""Threshold on the amount of an action unit: a unit below it does not count as shown."""

MIN_EXPLAINED = 0.2
"""Minimum share of a facial action's variance that a model must explain, on people not in its
training data. Actions below it count as not readable."""

MAX_CLASS_NAME_LENGTH = 100
"""Maximum length of a class name, in characters."""

_MAX_CLASSES = 1000

_ALIASES: dict[str, str] = {
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "scared": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "smile": "happiness",
    "smiling": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "calm": "neutral",
}


def find_expression(name: str) -> str | None:
    """Return the expression with this name or synonym, or None; case is ignored."""
    key = name.strip().lower()
    if key in EXPRESSIONS:
        return key
    return _ALIASES.get(key)


def parse_expression(name: str) -> str:
    """Return the expression with this name or synonym; case is ignored.

    Raises:
        DeganError: ``name`` is neither an expression nor a known synonym.
    """
    found = find_expression(name)
    if found is None:
        raise DeganError(f"'{name}' is not a known expression; use one of {', '.join(EXPRESSIONS)}")
    return found


def sort_classes(classes: Collection[str]) -> tuple[str, ...]:
    """Return the names in the order of :data:`EXPRESSIONS`, then custom classes alphabetically."""
    own = sorted(set(classes).difference(EXPRESSIONS))
    return (*(name for name in EXPRESSIONS if name in classes), *own)


def is_class_name(name: object) -> bool:
    """Return whether a value is a valid class name.

    A valid name is a printable string of 1 to :data:`MAX_CLASS_NAME_LENGTH` characters without
    spaces at its ends.
    """
    proper = isinstance(name, str) and name.isprintable() and name.strip() == name != ""
    return proper and len(str(name)) <= MAX_CLASS_NAME_LENGTH


def check_class_names(names: Any) -> tuple[str, ...]:
    """Check the class names in a file and return them as a tuple.

    Raises:
        ValueError: there are fewer than 2 or more than 1000 names, a name is invalid (see
            :func:`is_class_name`), or a name occurs twice.
    """
    if not isinstance(names, list | tuple) or not 2 <= len(names) <= _MAX_CLASSES:
        raise ValueError("two or more classes are needed")
    for name in names:
        if not is_class_name(name):
            raise ValueError(f"{name!r} is not a valid class name")
    if len(set(names)) < len(names):
        raise ValueError("two classes have the same name")
    return tuple(names)


def predicted_units(explained: Mapping[str, float]) -> tuple[str, ...]:
    """Return the action units that weights predict well enough, in the order of FACS.

    Args:
        explained: facial action -> share of its variance explained; empty for no actions.

    Returns:
        The units of :data:`ACTION_UNITS` whose facial actions have a mean share of at least
        :data:`MIN_EXPLAINED`; () without actions.
    """
    if not explained:
        return ()
    shares = unit_amounts(explained, tuple(ACTION_UNITS))
    return tuple(unit for unit, share in shares.items() if share >= MIN_EXPLAINED)


def unit_amounts(amounts: Mapping[str, float], units: Sequence[str]) -> dict[str, float]:
    """Return the amounts of action units: the mean amounts of their facial actions.

    Args:
        amounts: facial action -> amount; it has all facial actions of ``units``.
        units: names of action units in :data:`ACTION_UNITS`.
    """
    return {
        unit: sum(amounts[name] for name in ACTION_UNITS[unit]) / len(ACTION_UNITS[unit])
        for unit in units
    }

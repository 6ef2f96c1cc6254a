"""Names of expressions and facial actions, their order, and what data sets' own names mean."""

from collections.abc import Collection
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
"""Names and order used everywhere; a model that knows fewer keeps this order among them."""

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
"""Facial actions that numbers of f(x) can be tied to, from brow to jaw: those that expressions vary
most. By ARKit's names, left and right as one."""

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
"""The 52 facial actions of ARKit, by name: what rendered people are known to show. Left and right
are the subject's."""

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
"""FACS action units and the facial actions nearest to each (docs/expressions.md), whose mean is its
amount. AU 26 goes on into AU 27; AU 25, lips part, has no action of its own, and AU 30, the jaw to
a side, no mean."""

FURTHER_UNITS: dict[str, tuple[str, ...]] = {"AU26": ("AU27",)}
"""Units that coders give in place of one where the same movement goes further."""

SEEN = 0.3
"""An amount of an action unit below this is a face at rest."""

MIN_EXPLAINED = 0.2
"""An action is hardly read whose variance weights read less of, on people that they never saw."""

MAX_NAME = 100
"""The most characters of the name of a class."""

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
    """Return the expression that ``name`` means (any case, common synonyms), or None."""
    key = name.strip().lower()
    if key in EXPRESSIONS:
        return key
    return _ALIASES.get(key)


def parse_expression(name: str) -> str:
    """Return the expression that ``name`` means.

    Raises:
        DeganError: the name is neither an expression nor a known synonym of one.
    """
    found = find_expression(name)
    if found is None:
        raise DeganError(
            f"'{name}' is not an expression that degan knows; use one of {', '.join(EXPRESSIONS)}"
        )
    return found


def in_order(classes: Collection[str]) -> tuple[str, ...]:
    """Return the given names in the order of :data:`EXPRESSIONS`, those of one's own after them."""
    own = sorted(set(classes).difference(EXPRESSIONS))
    return (*(name for name in EXPRESSIONS if name in classes), *own)


def is_class_name(name: object) -> bool:
    """Say whether a class may be called so: a short printable text, no space around it."""
    proper = isinstance(name, str) and name.isprintable() and name.strip() == name != ""
    return proper and len(str(name)) <= MAX_NAME


def check_class_names(names: Any) -> tuple[str, ...]:
    """Return names of classes that a file may have: two or more different short printable texts.

    Raises:
        ValueError: they are not.
    """
    if not isinstance(names, list | tuple) or not 2 <= len(names) <= _MAX_CLASSES:
        raise ValueError("two classes or more are needed")
    for name in names:
        if not is_class_name(name):
            raise ValueError(f"{name!r} is no name of a class")
    if len(set(names)) < len(names):
        raise ValueError("two classes have one name")
    return tuple(names)

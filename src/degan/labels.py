"""The order of expressions and facial actions, and what each data set's own names mean."""

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

ACTIONS: tuple[str, ...] = (
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


def in_order(expressions: set[str]) -> tuple[str, ...]:
    """Return the given expressions in the order of :data:`EXPRESSIONS`."""
    return tuple(name for name in EXPRESSIONS if name in expressions)

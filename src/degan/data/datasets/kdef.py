"""KDEF, the Karolinska Directed Emotional Faces (Lundqvist, Flykt & Öhman 1998)."""

import re
from pathlib import Path, PurePosixPath

from degan.data.adapter import Adapter, Expected, Found, is_photo
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Skipped, Source
from degan.data.tree import Tree
from degan.errors import DeganError

CODES = {
    "NE": "neutral", "AN": "anger", "DI": "disgust", "AF": "fear", "HA": "happiness",
    "SA": "sadness", "SU": "surprise",
}  # fmt: skip
"""Expression of each code in a photo's name."""

ANGLES = {"frontal": ("S",), "half": ("S", "HL", "HR"), "all": ("S", "HL", "HR", "FL", "FR")}
"""Angle codes of each :attr:`degan.data.protocol.Protocol.angle`."""

_SHOWN = rf"({'|'.join(CODES)})({'|'.join(ANGLES['all'])})"
# Session, gender and number of the person, expression, angle: AF01ANS. The sessions A and B show
# the same people.
_NAME = re.compile(rf"[AB]([FM](?:0[1-9]|[12]\d|3[0-5])){_SHOWN}", re.ASCII | re.IGNORECASE)
_AVERAGE = re.compile(rf"[FM]{_SHOWN}", re.ASCII | re.IGNORECASE)


def read(path: Path, protocol: Protocol) -> Found:
    """Return the photos of a folder or zip file, each a recording of its own.

    Photos at angles that the protocol does not ask for are passed over. The averaged faces of
    AKDEF, which come with KDEF, and the few photos whose names are mistaken (``AF31V.JPG``,
    ``AM31H.JPG``) are skipped.

    Raises:
        DeganError: the path cannot be read, or holds no photo of KDEF at such an angle.
    """
    tree = Tree(path)
    found = Found(skipped=list(tree.skipped))
    first: dict[str, str] = {}
    for name in filter(is_photo, tree.names):
        stem = PurePosixPath(name).stem
        match = _NAME.fullmatch(stem)
        if match is None:
            found.skipped.append(Skipped(name, _why_not(stem)))
            continue
        key = match[0].upper()
        if key in first:
            found.skipped.append(Skipped(name, f"a second copy of {first[key]}"))
            continue
        first[key] = name
        subject, code, angle = (part.upper() for part in match.groups())
        if angle in ANGLES[protocol.angle]:
            source = Source(tree.location(name), name, CODES[code], subject, key, 0)
            found.recordings.append(Recording((source,)))
    _check(tree, protocol, first, found)
    return found


def _why_not(stem: str) -> str:
    if _AVERAGE.fullmatch(stem):
        return "an average of many faces (AKDEF), not a person"
    return "its name is not like those of KDEF, AF01ANS"


def _check(tree: Tree, protocol: Protocol, photos: dict[str, str], found: Found) -> None:
    if not photos:
        raise DeganError(
            f"{tree.root} holds no photo of KDEF (.../AF01/AF01ANS.JPG); give the folder or "
            f"zip file that they are in{tree.refused()}"
        )
    if not found.recordings:
        raise DeganError(
            f"{tree.root} holds photos of KDEF but none at the angle "
            f"'{protocol.angle}' ({', '.join(ANGLES[protocol.angle])}); choose a wider angle: "
            "half or all"
        )


ADAPTER = Adapter(
    name="kdef",
    title="KDEF, Karolinska Directed Emotional Faces",
    needs="KDEF/AF01/AF01ANS.JPG ... (or KDEF_and_AKDEF.zip), as downloaded",
    choices=frozenset({"angle"}),
    expected=Expected(
        subjects=70,
        recordings=980,
        expressions=dict.fromkeys(CODES.values(), 140),
        source="Lundqvist, Flykt & Öhman 1998: 70 people, 7 expressions, 2 sessions",
    ),
    people=True,
    read=read,
)

"""KDEF, the Karolinska Directed Emotional Faces (Lundqvist, Flykt & Öhman 1998)."""

import re
from pathlib import Path

from degan.data.adapter import Adapter, AdapterResult, CompleteCounts
from degan.data.photo_names import ParsedName, read_by_file_name
from degan.data.protocol import Protocol

CODES = {
    "NE": "neutral", "AN": "anger", "DI": "disgust", "AF": "fear", "HA": "happiness",
    "SA": "sadness", "SU": "surprise",
}  # fmt: skip
"""Expression of each code in a file name."""

ANGLES = {"frontal": ("S",), "half": ("S", "HL", "HR"), "all": ("S", "HL", "HR", "FL", "FR")}
"""Angle codes for each value of :attr:`degan.data.protocol.Protocol.angle`."""

_SHOWN = rf"({'|'.join(CODES)})({'|'.join(ANGLES['all'])})"
# Session, gender and number of the person, expression, angle: AF01ANS. Sessions A and B show the
# same people.
_NAME = re.compile(rf"[AB]([FM](?:0[1-9]|[12]\d|3[0-5])){_SHOWN}", re.ASCII | re.IGNORECASE)
_AVERAGE = re.compile(rf"[FM]{_SHOWN}", re.ASCII | re.IGNORECASE)


def read(path: Path, protocol: Protocol) -> AdapterResult:
    """Return the photos of a folder or zip file, each as its own recording.

    Photos at other angles than the protocol's are ignored. The averaged faces of AKDEF, which come
    with KDEF, and the few photos with misspelt names (``AF31V.JPG``, ``AM31H.JPG``) are skipped.

    Raises:
        DeganError: the path cannot be read, or contains no photo of KDEF at an angle of the
            protocol.
    """
    angles = ANGLES[protocol.angle]

    def parse(stem: str) -> ParsedName | str:
        match = _NAME.fullmatch(stem)
        if match is None:
            return _why_not(stem)
        subject, code, angle = (part.upper() for part in match.groups())
        return ParsedName(match[0].upper(), subject, CODES[code], angle in angles)

    return read_by_file_name(
        path,
        parse,
        example="KDEF (.../AF01/AF01ANS.JPG)",
        choice=f"the angle '{protocol.angle}' ({', '.join(angles)}); choose a wider angle: half "
        "or all",
    )


def _why_not(stem: str) -> str:
    if _AVERAGE.fullmatch(stem):
        return "an average of many faces (AKDEF), not a person"
    return "the file name is not like AF01ANS (KDEF)"


ADAPTER = Adapter(
    name="kdef",
    title="KDEF, Karolinska Directed Emotional Faces",
    needs="KDEF/AF01/AF01ANS.JPG ... (or KDEF_and_AKDEF.zip), as downloaded",
    choices=frozenset({"angle"}),
    expected=CompleteCounts(
        subjects=70,
        recordings=980,
        expressions=dict.fromkeys(CODES.values(), 140),
        source="Lundqvist, Flykt & Öhman 1998: 70 people, 7 expressions, 2 sessions",
    ),
    people=True,
    read=read,
)

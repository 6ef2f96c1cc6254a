"""JAFFE, the Japanese Female Facial Expression data set (Lyons et al. 1998)."""

import re
from pathlib import Path

from degan.data.adapter import Adapter, AdapterResult, CompleteCounts
from degan.data.photo_names import ParsedName, read_by_file_name
from degan.data.protocol import Protocol

CODES = {
    "NE": "neutral", "AN": "anger", "DI": "disgust", "FE": "fear", "HA": "happiness",
    "SA": "sadness", "SU": "surprise",
}  # fmt: skip
"""Expression of each code in a file name."""

# Subject, expression, take, running number: KA.AN1.39.
_NAME = re.compile(rf"([A-Z]{{2}})\.({'|'.join(CODES)})\d\.\d{{1,3}}", re.ASCII | re.IGNORECASE)


def read(path: Path, protocol: Protocol) -> AdapterResult:
    """Return the photos of a folder or zip file, each as its own recording.

    Raises:
        DeganError: the path cannot be read, or contains no photo of JAFFE.
    """
    return read_by_file_name(path, _parse, example="JAFFE (.../KA.AN1.39.tiff)")


def _parse(stem: str) -> ParsedName | str:
    match = _NAME.fullmatch(stem)
    if match is None:
        return "the file name is not like KA.AN1.39 (JAFFE)"
    return ParsedName(match[0].upper(), match[1].upper(), CODES[match[2].upper()])


ADAPTER = Adapter(
    name="jaffe",
    title="JAFFE, Japanese Female Facial Expression",
    needs="the photos KA.AN1.39.tiff ... (or their zip file), as downloaded",
    choices=frozenset(),
    expected=CompleteCounts(
        subjects=10,
        recordings=213,
        expressions={
            "neutral": 30, "anger": 30, "disgust": 29, "fear": 32, "happiness": 31,
            "sadness": 31, "surprise": 30,
        },
        source="counted from the file names; Lyons et al. 1998 report 213 photos and 10 people",
    ),
    people=True,
    read=read,
)  # fmt: skip

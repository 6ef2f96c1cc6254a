"""JAFFE, the Japanese Female Facial Expression data set (Lyons et al. 1998)."""

import re
from pathlib import Path, PurePosixPath

from degan.data.adapter import Adapter, Expected, Found, is_photo
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Skipped, Source
from degan.data.tree import Tree
from degan.errors import DeganError

CODES = {
    "NE": "neutral", "AN": "anger", "DI": "disgust", "FE": "fear", "HA": "happiness",
    "SA": "sadness", "SU": "surprise",
}  # fmt: skip
"""Expression of each code in a photo's name."""

# Subject, expression, take, running number: KA.AN1.39.
_NAME = re.compile(rf"([A-Z]{{2}})\.({'|'.join(CODES)})\d\.\d{{1,3}}", re.ASCII | re.IGNORECASE)


def read(path: Path, protocol: Protocol) -> Found:
    """Return the photos of a folder or zip file, each a recording of its own.

    Raises:
        DeganError: the path cannot be read, or holds no photo of JAFFE.
    """
    tree = Tree(path)
    found = Found(skipped=list(tree.skipped))
    first: dict[str, str] = {}
    for name in filter(is_photo, tree.names):
        match = _NAME.fullmatch(PurePosixPath(name).stem)
        if match is None:
            found.skipped.append(Skipped(name, "its name is not like those of JAFFE, KA.AN1.39"))
            continue
        key = match[0].upper()
        if key in first:
            found.skipped.append(Skipped(name, f"a second copy of {first[key]}"))
            continue
        first[key] = name
        expression = CODES[match[2].upper()]
        source = Source(tree.location(name), name, expression, match[1].upper(), key, 0)
        found.recordings.append(Recording((source,)))
    if not first:
        raise DeganError(
            f"{path} holds no photo of JAFFE (.../KA.AN1.39.tiff); give the folder or zip file "
            f"that they are in{tree.refused()}"
        )
    return found


ADAPTER = Adapter(
    name="jaffe",
    title="JAFFE, Japanese Female Facial Expression",
    needs="the photos KA.AN1.39.tiff ... (or their zip file), as downloaded",
    choices=frozenset(),
    expected=Expected(
        subjects=10,
        recordings=213,
        expressions={
            "neutral": 30, "anger": 30, "disgust": 29, "fear": 32, "happiness": 31,
            "sadness": 31, "surprise": 30,
        },
        source="the names of its files; 213 and 10 are in Lyons et al. 1998",
    ),
    people=True,
    read=read,
)  # fmt: skip

"""RaFD, the Radboud Faces Database (Langner et al. 2010)."""

import re
from pathlib import Path, PurePosixPath

from degan.data.adapter import Adapter, Expected, Found, is_photo
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Skipped, Source
from degan.data.tree import Tree
from degan.errors import DeganError

CODES = {
    "neutral": "neutral", "angry": "anger", "contemptuous": "contempt", "disgusted": "disgust",
    "fearful": "fear", "happy": "happiness", "sad": "sadness", "surprised": "surprise",
}  # fmt: skip
"""Expression of each word in a photo's name."""

ANGLES = {
    "frontal": ("090",),
    "half": ("090", "045", "135"),
    "all": ("090", "045", "135", "000", "180"),
}
"""Cameras of each :attr:`degan.data.protocol.Protocol.angle`."""

# Camera, model, group, gender, expression, gaze: Rafd090_01_Caucasian_female_angry_frontal.
_NAME = re.compile(
    rf"Rafd({'|'.join(ANGLES['all'])})_(\d{{2}})_[a-z]+_(?:fe)?male_({'|'.join(CODES)})"
    r"_(frontal|left|right)",
    re.ASCII | re.IGNORECASE,
)


def read(path: Path, protocol: Protocol) -> Found:
    """Return the photos of a folder or zip file, each a recording of its own.

    Adults and children, and eyes that look ahead, left and right, are all taken. Photos of cameras
    that the protocol does not ask for are passed over.

    Raises:
        DeganError: the path cannot be read, or holds no photo of RaFD of such a camera.
    """
    tree = Tree(path)
    found = Found(skipped=list(tree.skipped))
    first: dict[str, str] = {}
    for name in filter(is_photo, tree.names):
        match = _NAME.fullmatch(PurePosixPath(name).stem)
        if match is None:
            reason = "its name is not like those of RaFD, Rafd090_01_Caucasian_female_angry_frontal"
            found.skipped.append(Skipped(name, reason))
            continue
        camera, model, word, gaze = (part.lower() for part in match.groups())
        key = f"{camera}_{model}_{word}_{gaze}"
        if key in first:
            found.skipped.append(Skipped(name, f"a second copy of {first[key]}"))
            continue
        first[key] = name
        if camera in ANGLES[protocol.angle]:
            source = Source(tree.location(name), name, CODES[word], model, key, 0)
            found.recordings.append(Recording((source,)))
    _check(tree, protocol, first, found)
    return found


def _check(tree: Tree, protocol: Protocol, photos: dict[str, str], found: Found) -> None:
    if not photos:
        raise DeganError(
            f"{tree.root} holds no photo of RaFD "
            "(.../Rafd090_01_Caucasian_female_angry_frontal.jpg); give the folder or zip file that "
            f"they are in{tree.refused()}"
        )
    if not found.recordings:
        raise DeganError(
            f"{tree.root} holds photos of RaFD but none at the angle "
            f"'{protocol.angle}' (camera {', '.join(ANGLES[protocol.angle])}); choose a wider "
            "angle: half or all"
        )


ADAPTER = Adapter(
    name="rafd",
    title="RaFD, Radboud Faces Database",
    needs="the photos Rafd090_01_Caucasian_female_angry_frontal.jpg ... (or their zip files)",
    choices=frozenset({"angle"}),
    expected=Expected(
        subjects=67,
        recordings=1608,
        expressions=dict.fromkeys(CODES.values(), 201),
        source="rafd.socsci.ru.nl, overview: 67 models, 8 expressions, 3 gazes, 5 cameras",
    ),
    people=True,
    read=read,
)

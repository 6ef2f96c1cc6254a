"""RaFD, the Radboud Faces Database (Langner et al. 2010)."""

import re
from pathlib import Path

from degan.data.adapter import Adapter, AdapterResult, CompleteCounts
from degan.data.photo_names import ParsedName, read_by_file_name
from degan.data.protocol import Protocol

CODES = {
    "neutral": "neutral", "angry": "anger", "contemptuous": "contempt", "disgusted": "disgust",
    "fearful": "fear", "happy": "happiness", "sad": "sadness", "surprised": "surprise",
}  # fmt: skip
"""Expression of each word in a file name."""

ANGLES = {
    "frontal": ("090",),
    "half": ("090", "045", "135"),
    "all": ("090", "045", "135", "000", "180"),
}
"""Camera angles for each value of :attr:`degan.data.protocol.Protocol.angle`."""

# Camera, model, group, gender, expression, gaze: Rafd090_01_Caucasian_female_angry_frontal.
_NAME = re.compile(
    rf"Rafd({'|'.join(ANGLES['all'])})_(\d{{2}})_[a-z]+_(?:fe)?male_({'|'.join(CODES)})"
    r"_(frontal|left|right)",
    re.ASCII | re.IGNORECASE,
)


def read(path: Path, protocol: Protocol) -> AdapterResult:
    """Return the photos of a folder or zip file, each as its own recording.

    Adults and children are included, with all gaze directions (ahead, left, right). Photos of
    cameras outside the protocol's angle are ignored.

    Raises:
        DeganError: the path cannot be read, or contains no photo of RaFD of a camera of the
            protocol.
    """
    cameras = ANGLES[protocol.angle]

    def parse(stem: str) -> ParsedName | str:
        match = _NAME.fullmatch(stem)
        if match is None:
            return "the file name is not like Rafd090_01_Caucasian_female_angry_frontal (RaFD)"
        camera, model, word, gaze = (part.lower() for part in match.groups())
        return ParsedName(f"{camera}_{model}_{word}_{gaze}", model, CODES[word], camera in cameras)

    return read_by_file_name(
        path,
        parse,
        example="RaFD (.../Rafd090_01_Caucasian_female_angry_frontal.jpg)",
        choice=f"the angle '{protocol.angle}' (camera {', '.join(cameras)}); choose a wider "
        "angle: half or all",
    )


ADAPTER = Adapter(
    name="rafd",
    title="RaFD, Radboud Faces Database",
    needs="the photos Rafd090_01_Caucasian_female_angry_frontal.jpg ... (or their zip files)",
    choices=frozenset({"angle"}),
    expected=CompleteCounts(
        subjects=67,
        recordings=1608,
        expressions=dict.fromkeys(CODES.values(), 201),
        source="rafd.socsci.ru.nl, overview: 67 models, 8 expressions, 3 gazes, 5 cameras",
    ),
    people=True,
    read=read,
)

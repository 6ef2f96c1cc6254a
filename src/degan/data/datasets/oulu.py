"""Oulu-CASIA NIR&VIS (Zhao et al. 2011): six expressions, two cameras, three lights."""

import re
from collections.abc import Mapping
from pathlib import Path

from degan.data.adapter import Adapter, Expected, Found, is_photo, last_number, sequence
from degan.data.protocol import Protocol
from degan.data.sample import Skipped
from degan.data.tree import Tree, one_copy
from degan.errors import DeganError

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""Names of the folders that hold sequences (any case)."""

# The folder of a camera may tell of the release, too: VL_Acropped.
_FRAME = re.compile(
    r"(?:^|/)(?P<camera>VL|NI)(?:[_-][^/]*)?/(?P<light>Strong|Weak|Dark)"
    r"/(?P<subject>P\d{3})/(?P<expression>[^/]+)/[^/]+$",
    re.IGNORECASE,
)


def read(path: Path, protocol: Protocol) -> Found:
    """Return the sequences of one camera and light: folders or zip files, as downloaded.

    Where several releases (original, cropped) or copies lie side by side, one is used.

    Raises:
        DeganError: the path cannot be read, or holds no sequence of this camera and light.
    """
    tree = Tree(path)
    found = Found(skipped=list(tree.skipped))
    frames = {
        match: name
        for name in tree.names
        if is_photo(name) and (match := _FRAME.search(name)) is not None
    }
    _check(tree, frames, protocol)
    sequences, copies = one_copy(_releases(frames, protocol, found))
    found.skipped.extend(copies)
    for key in sorted(sequences):
        numbered = sequences[key]
        subject, _, expression = key.partition("/")
        found.recordings.extend(
            sequence(
                [(name, tree.location(name)) for _, name in sorted(numbered.items())],
                expression=expression,
                subject=subject,
                name=key,
                protocol=protocol,
            )
        )
    return found


def _is_wanted(match: re.Match[str], protocol: Protocol) -> bool:
    return (match["camera"].upper(), match["light"].capitalize()) == (
        protocol.camera,
        protocol.light,
    )


def _check(tree: Tree, frames: Mapping[re.Match[str], str], protocol: Protocol) -> None:
    """Raise DeganError if there is no frame of the camera and light, naming those there are."""
    if any(_is_wanted(match, protocol) for match in frames):
        return
    if not frames:
        raise DeganError(
            f"{tree.root} holds no Oulu-CASIA sequence (.../VL/Strong/P001/Anger/000.jpeg); give "
            f"the folder that VL and NI are in{tree.refused()}"
        )
    there = {f"{match['camera'].upper()} {match['light'].capitalize()}" for match in frames}
    raise DeganError(
        f"{tree.root} holds no sequence of Oulu-CASIA for camera {protocol.camera} and light "
        f"{protocol.light}; choose among what there is: {', '.join(sorted(there))}"
        f"{tree.refused()}"
    )


def _releases(
    frames: Mapping[re.Match[str], str], protocol: Protocol, found: Found
) -> dict[str, dict[str, dict[int, str]]]:
    """Return release -> sequence -> frame number -> name, of the protocol's camera and light."""
    releases: dict[str, dict[str, dict[int, str]]] = {}
    unknown: set[str] = set()
    for match, name in frames.items():
        expression = match["expression"].lower()
        if not _is_wanted(match, protocol):
            continue
        if expression not in EXPRESSIONS:
            unknown.add(name.rpartition("/")[0])
            continue
        release = releases.setdefault(name[: match.start("light")], {})
        numbered = release.setdefault(f"{match['subject'].upper()}/{expression}", {})
        if last_number(name) in numbered:
            found.skipped.append(Skipped(name, "a second copy of this frame"))
        else:
            numbered[last_number(name)] = name
    reason = f"its name is none of the expressions {', '.join(EXPRESSIONS)}"
    found.skipped.extend(Skipped(folder, reason) for folder in sorted(unknown))
    return releases


ADAPTER = Adapter(
    name="oulu",
    title="Oulu-CASIA NIR&VIS",
    needs="OriginalImg (or its zip file), as downloaded: VL/Strong/P001/Anger/000.jpeg ...",
    choices=frozenset({"camera", "light", "peak_frames", "neutral"}),
    expected=Expected(
        subjects=80,
        recordings=480,
        expressions=dict.fromkeys(EXPRESSIONS, 80),
        source="Zhao et al. 2011, for one camera and light",
    ),
    people=True,
    read=read,
)

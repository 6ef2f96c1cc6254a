"""Oulu-CASIA NIR&VIS (Zhao et al. 2011): six expressions, two cameras, three lights."""

import re
from collections.abc import Mapping
from pathlib import Path

from degan.data.adapter import (
    Adapter,
    AdapterResult,
    CompleteCounts,
    is_photo,
    last_number,
    select_recordings,
)
from degan.data.protocol import Protocol
from degan.data.sample import Skipped
from degan.data.tree import Tree, choose_copies
from degan.errors import DeganError

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""Names of the folders that contain sequences (any case)."""

# The name of a camera's folder may include the release: VL_Acropped.
_FRAME = re.compile(
    r"(?:^|/)(?P<camera>VL|NI)(?:[_-][^/]*)?/(?P<light>Strong|Weak|Dark)"
    r"/(?P<subject>P\d{3})/(?P<expression>[^/]+)/[^/]+$",
    re.IGNORECASE,
)


def read(path: Path, protocol: Protocol) -> AdapterResult:
    """Return the sequences of one camera and light, from folders or zip files, as downloaded.

    If the path contains several releases (original, cropped) or copies, each sequence is read from
    one of them.

    Raises:
        DeganError: the path cannot be read, or contains no sequence of this camera and light.
    """
    tree = Tree(path)
    found = AdapterResult(skipped=list(tree.skipped))
    frames = {
        match: name
        for name in tree.names
        if is_photo(name) and (match := _FRAME.search(name)) is not None
    }
    _check(tree, frames, protocol)
    sequences, copies = choose_copies(_releases(frames, protocol, found))
    found.skipped.extend(copies)
    for key in sorted(sequences):
        numbered = sequences[key]
        subject, _, expression = key.partition("/")
        found.recordings.extend(
            select_recordings(
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
    """Check that there are frames of the protocol's camera and light.

    Raises:
        DeganError: there are none; the message lists the cameras and lights that exist.
    """
    if any(_is_wanted(match, protocol) for match in frames):
        return
    if not frames:
        raise DeganError(
            f"{tree.root} holds no Oulu-CASIA sequence (.../VL/Strong/P001/Anger/000.jpeg); give "
            f"the folder that contains VL and NI{tree.refused()}"
        )
    there = {f"{match['camera'].upper()} {match['light'].capitalize()}" for match in frames}
    raise DeganError(
        f"{tree.root} holds no sequence of Oulu-CASIA for camera {protocol.camera} and light "
        f"{protocol.light}; choose one of these: {', '.join(sorted(there))}"
        f"{tree.refused()}"
    )


def _releases(
    frames: Mapping[re.Match[str], str], protocol: Protocol, found: AdapterResult
) -> dict[str, dict[str, dict[int, str]]]:
    """Return release -> sequence -> frame number -> file name, for one camera and light."""
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
    reason = f"the folder name is not one of the expressions {', '.join(EXPRESSIONS)}"
    found.skipped.extend(Skipped(folder, reason) for folder in sorted(unknown))
    return releases


ADAPTER = Adapter(
    name="oulu",
    title="Oulu-CASIA NIR&VIS",
    needs="OriginalImg (or its zip file), as downloaded: VL/Strong/P001/Anger/000.jpeg ...",
    choices=frozenset({"camera", "light", "peak_frames", "neutral"}),
    expected=CompleteCounts(
        subjects=80,
        recordings=480,
        expressions=dict.fromkeys(EXPRESSIONS, 80),
        source="Zhao et al. 2011, for one camera and light",
    ),
    people=True,
    read=read,
)

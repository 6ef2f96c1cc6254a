"""CK+, the Extended Cohn-Kanade data set (Lucey et al. 2010)."""

import re
from collections.abc import Iterator, Mapping
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

CODES = (
    "neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise",
)  # fmt: skip
"""Expressions by their number in a label file, from 0."""

_FRAME = re.compile(r"(?:^|/)(S\d{3})/(\d{3})/\1_\2_\d+\.\w+$", re.IGNORECASE)
_LABEL = re.compile(r"(?:^|/)(S\d{3})/(\d{3})/\1_\2_\d+_emotion\.txt$", re.IGNORECASE)
_FACS = re.compile(r"(?:^|/)(S\d{3})/(\d{3})/\1_\2_\d+_facs\.txt$", re.IGNORECASE)
_MAX_LABEL_BYTES = 1024
_MAX_FACS_BYTES = 4096
_MAX_UNIT = 99


def read(path: Path, protocol: Protocol) -> AdapterResult:
    """Return the labelled sequences, from folders or the four zip files, as downloaded.

    If the path contains several copies, each sequence is read from one of them.

    Raises:
        DeganError: the path cannot be read, or contains no sequence or no label.
    """
    tree = Tree(path)
    found = AdapterResult(skipped=list(tree.skipped))
    copies: dict[str, dict[str, dict[int, str]]] = {}
    labels: dict[str, list[str]] = {}
    coded: dict[str, list[str]] = {}
    for name in tree.names:
        if match := _LABEL.search(name):
            labels.setdefault(_key(match), []).append(name)
        elif match := _FACS.search(name):
            coded.setdefault(_key(match), []).append(name)
        elif is_photo(name) and (match := _FRAME.search(name)):
            numbered = copies.setdefault(name[: match.start(1)], {}).setdefault(_key(match), {})
            if last_number(name) in numbered:
                found.skipped.append(Skipped(name, "a second copy of this frame"))
            else:
                numbered[last_number(name)] = name
    frames, duplicates = choose_copies(copies)
    found.skipped.extend(duplicates)
    _check(tree, frames, labels)
    for key in sorted(frames.keys() | labels.keys()):
        reason = _add(tree, key, frames.get(key, {}), labels.get(key, []), protocol, found)
        if reason:
            found.skipped.append(Skipped(key, reason))
    for key in sorted({source.sequence for one in found.recordings for source in one.sources}):
        _add_units(tree, key, coded.get(key, []), found)
    return found


def _key(match: re.Match[str]) -> str:
    return f"{match[1].upper()}/{match[2]}"


def _check(tree: Tree, frames: Mapping[str, object], labels: Mapping[str, object]) -> None:
    if not frames:
        raise DeganError(
            f"{tree.root} holds no CK+ sequence (.../S005/001/S005_001_00000001.png); give the "
            f"folder with the zip files or their content{tree.refused()}"
        )
    if not labels:
        raise DeganError(
            f"{tree.root} holds the frames of CK+ but no label (.../S005/001/..._emotion.txt); put "
            f"Emotion_labels.zip, or its content, next to them{tree.refused()}"
        )


def _add(
    tree: Tree,
    key: str,
    frames: Mapping[int, str],
    labels: list[str],
    protocol: Protocol,
    found: AdapterResult,
) -> str | None:
    """Add a sequence to ``found``, or return the reason why it is skipped."""
    if not labels:
        return "no expression label"
    if not frames:
        return "labelled, but its frames are missing"
    codes = {_code(tree, name) for name in labels}
    if len(codes) > 1:
        names = (CODES[code] if isinstance(code, int) else code for code in codes)
        return f"several labels that differ ({', '.join(sorted(names))})"
    (code,) = codes
    if isinstance(code, str):
        return code
    numbers = sorted(frames)
    # The file name of a label contains the number of the peak frame.
    peak = max(last_number(name.lower().removesuffix("_emotion.txt")) for name in labels)
    if numbers[-1] < peak:
        return f"ends with frame {numbers[-1]}, before the peak frame {peak}"
    found.recordings.extend(
        select_recordings(
            [(frames[number], tree.location(frames[number])) for number in numbers],
            expression=CODES[code],
            subject=key.partition("/")[0],
            name=key,
            protocol=protocol,
        )
    )
    return None


def _code(tree: Tree, name: str) -> int | str:
    """Return the number in a label file, or an error message."""
    try:
        text = tree.text(name, _MAX_LABEL_BYTES).strip()
    except DeganError as error:
        return str(error)
    try:
        value = float(text)
        if value in range(len(CODES)):
            return int(value)
    except ValueError:
        pass
    return f"its label {name} contains {text[:40]!a}, not a number from 0 to {len(CODES) - 1}"


def _add_units(tree: Tree, key: str, names: list[str], found: AdapterResult) -> None:
    """Add the action units of a sequence to ``found``; keep a sequence without them."""
    try:
        codings = {frozenset(_units(tree.text(name, _MAX_FACS_BYTES))) for name in names}
    except (DeganError, ValueError):
        codings = set()
    if len(codings) == 1:
        (found.units[key],) = codings
    elif names:
        found.skipped.append(
            Skipped(
                names[0],
                "action units unreadable or contradictory; the sequence is kept without them",
            )
        )


def _units(text: str) -> Iterator[int]:
    """Yield the action unit numbers in a FACS file: one line per unit, with number and intensity.

    The file of a face at rest has only an empty line; an empty file is truncated.

    Raises:
        ValueError: the content is not of this form.
    """
    if not text:
        raise ValueError("truncated")
    for line in text.splitlines():
        if not line.strip():
            continue
        number, _intensity = map(float, line.split())
        if number not in range(1, _MAX_UNIT + 1):
            raise ValueError(line)
        yield int(number)


ADAPTER = Adapter(
    name="ckplus",
    title="CK+, Extended Cohn-Kanade",
    needs="cohn-kanade-images and Emotion (or the zip files), as downloaded; FACS is optional",
    choices=frozenset({"peak_frames", "neutral"}),
    expected=CompleteCounts(
        subjects=118,
        recordings=327,
        expressions={
            "anger": 45, "contempt": 18, "disgust": 59, "fear": 25, "happiness": 69,
            "sadness": 28, "surprise": 83,
        },
        source="Lucey et al. 2010, table 3",
    ),
    people=True,
    read=read,
)  # fmt: skip

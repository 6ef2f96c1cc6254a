"""RAF-DB, the Real-world Affective Faces Database, basic expressions (Li, Deng & Du 2017)."""

import re
from pathlib import Path, PurePosixPath

from degan.data.adapter import Adapter, AdapterResult, CompleteCounts, is_photo
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Skipped, Source
from degan.data.tree import Tree
from degan.errors import DeganError

CODES = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""Expressions by their number in the list of labels, from 1."""

LISTS = ("list_patition_label.txt", "list_partition_label.txt")
"""File names of the list of labels; the first is the official one."""

_PHOTO = re.compile(r"((?:train|test)_\d{1,9})(_aligned)?", re.ASCII | re.IGNORECASE)
_COMPOUND = {"8", "9", "10", "11"}  # numbers of compound expressions besides 1 to 7
_MAX_LIST_BYTES = 2**20  # the official list has 270 kB


def read(path: Path, protocol: Protocol) -> AdapterResult:
    """Return the photos of a folder or zip file, each as its own recording, in the official split.

    Only aligned photos are read: an original photo may show several people, but its label is for
    one of them. The compound expressions, published by the same authors, are not read.

    Raises:
        DeganError: the path cannot be read, or contains no list of labels, several lists, or no
            labelled photo.
    """
    tree = Tree(path)
    found = AdapterResult(skipped=list(tree.skipped))
    table = _find_list(path, tree)
    photos = _find_photos(path, tree, found)
    labels = _read_list(tree, table, found)
    for key in sorted(photos.keys() | labels.keys()):
        if key not in labels:
            found.skipped.append(Skipped(photos[key], f"no label in {table}"))
        elif len(codes := labels[key]) > 1:
            listed = " and ".join(sorted(codes))
            found.skipped.append(Skipped(key, f"labelled as {listed} in {table}"))
        elif key not in photos:
            found.skipped.append(Skipped(key, "labelled, but its photo is missing"))
        else:
            (expression,) = codes
            name, split = photos[key], key.partition("_")[0]
            source = Source(tree.location(name), name, expression, "", key, 0, split)
            found.recordings.append(Recording((source,)))
    if not found.recordings:
        raise DeganError(
            f"{path} holds no photo listed in {table}; use both from the same copy of RAF-DB"
        )
    return found


def _is_compound(name: str) -> bool:
    """Return whether a file belongs to the compound expressions, which have the same file names."""
    return any(part.lower().startswith("compound") for part in PurePosixPath(name).parent.parts)


def _find_list(path: Path, tree: Tree) -> str:
    named = [name for name in tree.names if PurePosixPath(name).name.lower() in LISTS]
    tables = [name for name in named if not _is_compound(name)]
    if len(tables) > 1:
        raise DeganError(
            f"{path} holds several lists of labels ({', '.join(tables[:5])}); give the folder of "
            "one copy of RAF-DB"
        )
    if named and not tables:
        raise DeganError(_no_compound(path, named[0]))
    if not tables:
        raise DeganError(
            f"{path} holds no list of RAF-DB's labels (EmoLabel/{LISTS[0]}); give the folder "
            f"'basic', with EmoLabel and Image inside{tree.refused()}"
        )
    return tables[0]


def _no_compound(path: Path, table: str) -> str:
    return (
        f"{path} holds RAF-DB's compound expressions ({table}), which degan does not read; give "
        "the folder of its basic expressions"
    )


def _find_photos(path: Path, tree: Tree, found: AdapterResult) -> dict[str, str]:
    """Return the file of each aligned photo: train_00001 -> .../train_00001_aligned.jpg."""
    photos: dict[str, str] = {}
    originals = False
    for name in tree.names:
        if not is_photo(name) or _is_compound(name):
            continue
        match = _PHOTO.fullmatch(PurePosixPath(name).stem)
        if match is None:
            found.skipped.append(Skipped(name, "the file name is not like train_00001_aligned"))
        elif match[2] is None:
            originals = True
        elif (first := photos.setdefault(match[1].lower(), name)) != name:
            found.skipped.append(Skipped(name, f"a second copy of {first}"))
    if not photos:
        raise DeganError(
            f"{path} holds no aligned photo of RAF-DB (Image/aligned/train_00001_aligned.jpg)"
            + (", only original ones, which degan does not read" if originals else "")
            + f"; {_remedy(tree)}{tree.refused()}"
        )
    return photos


def _remedy(tree: Tree) -> str:
    inner = next((name for name in tree.names if name.lower().endswith(".zip")), None)
    if inner:
        return f"{inner} is a zip file within a zip file: unpack the outer one"
    return "put Image/aligned.zip, or its content, next to EmoLabel"


def _read_list(tree: Tree, table: str, found: AdapterResult) -> dict[str, set[str]]:
    """Return the labels of each photo in a list; add faulty lines to the skipped files."""
    labels: dict[str, set[str]] = {}
    faults = []
    last_words = set()
    for number, line in enumerate(tree.text(table, _MAX_LIST_BYTES).split("\n"), start=1):
        if not line.strip():
            continue
        last_words.add(line.split()[-1])
        row = _row(line)
        if isinstance(row, str):
            faults.append(Skipped(f"{table}:{number}", row))
        else:
            labels.setdefault(row[0], set()).add(row[1])
    if last_words >= _COMPOUND:
        raise DeganError(_no_compound(tree.root, table))
    if not labels:
        detail = f"; its first line: {faults[0].reason}" if faults else "; it is empty"
        raise DeganError(
            f"{tree.location(table)} has no line like 'train_00001.jpg 5' in UTF-8; use the file "
            f"from RAF-DB{detail}"
        )
    found.skipped.extend(faults)
    return labels


def _row(line: str) -> tuple[str, str] | str:
    """Return photo and expression of a line, or an error message."""
    cells = line.split()
    if len(cells) != 2:
        return f"'{line.strip()[:40]}' is not a file name and a number"
    match = _PHOTO.fullmatch(PurePosixPath(cells[0]).stem)
    if match is None or not is_photo(cells[0]):
        return f"'{cells[0][:40]}' is not the name of a RAF-DB photo"
    if cells[1] not in map(str, range(1, len(CODES) + 1)):
        return f"'{cells[1][:40]}' is not an expression number (1 to {len(CODES)})"
    return match[1].lower(), CODES[int(cells[1]) - 1]


ADAPTER = Adapter(
    name="rafdb",
    title="RAF-DB, Real-world Affective Faces, basic expressions",
    needs="the folder basic: EmoLabel/list_patition_label.txt and Image/aligned (or aligned.zip)",
    choices=frozenset(),
    expected=CompleteCounts(
        subjects=None,
        recordings=15339,
        expressions={
            "neutral": 3204, "anger": 867, "disgust": 877, "fear": 355, "happiness": 5957,
            "sadness": 2460, "surprise": 1619,
        },
        source="Li & Deng 2019: 12,271 training photos, 3,068 test photos",
    ),
    people=False,
    read=read,
    cut_out=True,
)  # fmt: skip

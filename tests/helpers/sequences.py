"""Look-alikes of data sets of sequences, for the tests of their adapters."""

import zipfile

from degan.data.protocol import Protocol


def put(root, *parts):
    """Write files: each part maps names to contents, a later one replaces an earlier one's."""
    for name, data in _merged(parts).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def pack(path, *parts):
    """Write the same files into a zip file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, data in _merged(parts).items():
            file.writestr(name, data)
    return path


def reading(adapter):
    """Functions that read a copy, and that return the one recording of a faultless copy."""

    def read(path, **choices):
        return adapter.read(path, Protocol(**choices))

    def only(path, **choices):
        found = read(path, **choices)
        assert found.skipped == []
        (recording,) = found.recordings
        return recording

    return read, only


def _merged(parts):
    return {name: data for part in parts for name, data in part.items()}

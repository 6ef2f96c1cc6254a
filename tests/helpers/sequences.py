"""Imitations of data sets of sequences, for tests of their adapters."""

import zipfile

from degan.data.protocol import Protocol


def put(root, *parts):
    """Write files; each part maps names to contents, later parts replace files of earlier ones."""
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
    """Return two functions: read a copy, and read the only recording of a faultless copy."""

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

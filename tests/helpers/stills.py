"""Imitations of data sets of single photos, for tests of their adapters."""

import zipfile

from degan.data.protocol import Protocol


def make(root, *names):
    """Write empty files: adapters only use names; photos are first read by ``prepare``."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def zipped(path, *names, **contents):
    """Write a zip file with empty files ``names`` and with files ``contents``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def photos(found):
    """Return name, expression, subject and split of all photos; each is its own recording."""
    assert all(len(recording.sources) == 1 for recording in found.recordings)
    assert not any(recording.before for recording in found.recordings)
    sources = [recording.sources[0] for recording in found.recordings]
    assert len({source.sequence for source in sources}) == len(sources)
    assert all(source.frame == 0 for source in sources)
    return [(s.name, s.expression, s.subject, s.split) for s in sources]


def reasons(found):
    """Return the reason for each skipped file, by its name."""
    names = [row.name for row in found.skipped]
    assert len(set(names)) == len(names)
    return dict(found.skipped)


def differs(adapter, path, **choices):
    """Return the differences of a copy from a complete one."""
    from degan.data.adapter import count_differences

    protocol = Protocol(**choices)
    return count_differences(adapter.read(path, protocol), adapter, protocol)


def sums_up(adapter):
    """Return whether the expected counts are consistent."""
    expected = adapter.expected
    return sum(expected.expressions.values()) == expected.recordings

"""Run directory: settings (written before step 1), ``log.jsonl``, checkpoints, grids and result."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from degan.config import Settings, read_settings, write_settings
from degan.config.run_layout import RECORD_FILE, SETTINGS_FILE
from degan.errors import DeganError
from degan.system.files import append_line, read_bytes, read_json, write_text
from degan.system.folder_lock import locked
from degan.system.writable import check_folder_writable
from degan.version import __version__

_MAX_LOG = 2**26  # bytes


@contextmanager
def open_run(folder: Path, settings: Settings, facts: dict[str, Any]) -> Iterator[None]:
    """Create a run directory or check that an existing one belongs to the same run; lock it.

    Args:
        folder: the run directory; created if it does not exist.
        settings: settings of the run, for ``settings.toml``.
        facts: other facts that determine the result (kind of run, hash of the data set, folds), for
            ``run.json``.

    Raises:
        DeganError: the folder contains other files, a run with other settings or data or of
            another version of degan, or a run that another call continues at the moment; or it
            cannot be written.
    """
    if not (folder / RECORD_FILE).exists():
        check_folder_writable(folder)
    _begin(folder, settings, facts)
    with locked(folder):
        _begin(folder, settings, facts)  # another call may have begun it before the lock
        yield


def _begin(folder: Path, settings: Settings, facts: dict[str, Any]) -> None:
    """Write ``settings.toml`` and ``run.json``, or compare them."""
    expected = {"degan": __version__, **facts}
    record = folder / RECORD_FILE
    if not record.exists():
        if folder.is_file() or (folder.is_dir() and not _is_barely_begun(folder, settings)):
            raise DeganError(
                f"{folder} exists and is not a run directory; choose a new name for the run"
            )
        write_settings(folder / SETTINGS_FILE, settings)
        write_text(record, json.dumps(expected, indent=2) + "\n")
        return
    found = read_json(record)
    if found.get("degan") != __version__:
        raise DeganError(
            f"{folder} was begun by degan {found.get('degan', 'of another version')}, and this is "
            f"degan {__version__}, whose results may differ; delete the folder to begin again, or "
            "choose a new name for the run"
        )
    changed = [name for name in {**found, **expected} if found.get(name) != expected.get(name)]
    if read_settings(folder / SETTINGS_FILE) != settings:
        changed.append("settings")
    if changed:
        raise DeganError(
            f"{folder} holds a run that differs in: {', '.join(map(_in_words, changed))}; use the "
            "same command to continue it, or choose a new name for the run"
        )


def _in_words(key: str) -> str:
    """Return a key of ``run.json`` in words."""
    words = {
        "manifest_sha256": "data set",
        "votes_sha256": "votes",
        "start_sha256": "initial weights",
    }
    return words.get(key, key.replace("_", " "))


def _is_barely_begun(folder: Path, settings: Settings) -> bool:
    """Return whether a folder has only files of a call that was killed before ``run.json``."""
    names = {path.name for path in folder.iterdir()}
    other_names = {name for name in names if not re.fullmatch(r"\..+\.tmp", name)}
    if other_names == {SETTINGS_FILE}:
        return read_settings(folder / SETTINGS_FILE) == settings
    return not other_names


class Log:
    """Appends JSON objects to ``log.jsonl``, one per line, with the working time in ``seconds``.

    After an interruption, the time continues from the last line that is kept, so lost work does not
    count. A line that was cut off by an interruption is dropped when the log is opened again.

    Args:
        path: the file; it may be missing.

    Raises:
        DeganError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists():
            data = read_bytes(path, _MAX_LOG, "log") if path.stat().st_size else b""
            if data and not data.endswith(b"\n"):
                write_text(path, data[: data.rfind(b"\n") + 1].decode("utf-8", "replace"))
        self._start = time.monotonic() - logged_seconds(path)

    def rewind(self, stage: int, epoch: int) -> None:
        """Drop the lines after an epoch, because later epochs will be trained again."""
        rows = _read_log(self.path)
        rows_before = [row for row in rows if (row["stage"], row["epoch"]) <= (stage, epoch)]
        if len(rows_before) < len(rows):
            write_text(self.path, "".join(json.dumps(row) + "\n" for row in rows_before))
            self._start = time.monotonic() - logged_seconds(self.path)

    def write(self, **values: Any) -> None:
        """Append one object.

        Raises:
            DeganError: the file cannot be written, for example because the disk is full.
        """
        values["seconds"] = round(time.monotonic() - self._start, 2)
        append_line(self.path, json.dumps(values))


def logged_seconds(path: Path) -> float:
    """Return the working time in a ``log.jsonl`` in seconds; 0 if there is no such file.

    Raises:
        DeganError: the file is damaged.
    """
    rows = _read_log(path)
    return float(rows[-1]["seconds"]) if rows else 0.0


def _read_log(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        data = read_bytes(path, _MAX_LOG, "log") if path.stat().st_size else b""
        rows = [json.loads(line) for line in data.decode("utf-8").splitlines()]
        names = ("stage", "epoch", "seconds")
        if all(isinstance(row[name], int | float) for row in rows for name in names):
            return rows
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise DeganError(f"{path} is damaged; delete the run and start it again")

"""Journal of a preparation: an interruption loses no finished recording."""

import json
import threading
from pathlib import Path
from typing import Any, Final

from degan.data.sample import Sample, Skipped
from degan.data.set_layout import DESCRIPTION_FILE
from degan.system.files import append_line, write_text
from degan.system.partial_folder import clear

JOURNAL_FILE: Final = "progress.jsonl"
"""Name of the file in the unfinished folder."""


class Journal:
    """Rows of the finished recordings, stored on disk so that an interruption loses none.

    Attributes:
        path: file with the rows.
        rows: index of a recording's first picture -> rows of the recording.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.path = folder / JOURNAL_FILE
        self.rows: dict[int, list[Sample | Skipped]] = {}
        self._lock = threading.Lock()
        if not self._restore(fingerprint):
            # The journal is for other photos or settings and cannot be used.
            clear(folder, (JOURNAL_FILE, DESCRIPTION_FILE))
            write_text(self.path, json.dumps({"fingerprint": fingerprint}) + "\n")

    def add(self, number: int, rows: list[Sample | Skipped]) -> None:
        """Store the rows of a recording."""
        named = [{type(row).__name__: row._asdict()} for row in rows]
        with self._lock:
            append_line(self.path, json.dumps({"number": number, "rows": named}))
        self.rows[number] = rows

    def _restore(self, fingerprint: str) -> bool:
        """Load the rows of an interrupted call; return False if none have this fingerprint."""
        if not self.path.is_file():
            return False
        head, *lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        if head != json.dumps({"fingerprint": fingerprint}):
            return False
        try:
            for line in lines[:-1]:  # text after the last newline is empty or incomplete
                entry: dict[str, Any] = json.loads(line)
                self.rows[entry["number"]] = [
                    Sample(**row["Sample"]) if "Sample" in row else Skipped(**row["Skipped"])
                    for row in entry["rows"]
                ]
        except (ValueError, KeyError, TypeError):  # damaged: start again
            self.rows.clear()
            return False
        # Drop an incomplete last line, or the next line would be appended to it.
        write_text(self.path, "\n".join([head, *lines[:-1]]) + "\n")
        return True

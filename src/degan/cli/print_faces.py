"""Output of ``degan predict``: faces of photos, time spans of videos, notes on unread files."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from degan.cli import console
from degan.cli.console import Table, note
from degan.errors import DeganError
from degan.labels import UNIT_THRESHOLD
from degan.predict.segments import SHORTEST, Segment, Segments

if TYPE_CHECKING:
    from degan.predict.count import Count
    from degan.predict.records import Record

_ROWS = 200  # rows of a table; it is then printed and a new one begins


class FaceTable:
    """Prints the faces of photos and the expressions in videos as tables.

    Args:
        roots: paths on the command line; a photo in one of these folders is printed with its path
            relative to the folder.
        people: whether to print a column of person numbers.
        actions: whether to print a column of action units.
        alone: whether there is only one photo. If it has no face, no row is printed, because
            :func:`report_unread` raises an error.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        *,
        people: bool = False,
        actions: bool = False,
        alone: bool = False,
    ) -> None:
        self._roots = {str(root) for root in roots}
        self._people, self._actions, self._alone = people, actions, alone
        self._faces, self._spans = _face_table(people, actions), _span_table()
        self._segments: dict[str, Segments] = {}

    def write(self, record: "Record") -> None:
        """Add the record of a photo or of a frame of a video."""
        if "frame" in record:
            segments = self._segments.get(record["path"])
            if segments is None:
                self._end_videos()
                segments = self._segments[record["path"]] = Segments()
            self._add_spans(segments.next(record))
            return
        self._end_videos()
        for face in record.get("faces", ()):
            self._add_face(record["path"], face)
        if not record.get("faces") and not self._alone:
            self._add_empty(record["path"], "not read" if "error" in record else "no face found")
        if self._faces.row_count >= _ROWS:
            self._print_faces()

    def finish(self) -> None:
        """Print the remaining rows."""
        self._end_videos()
        self._print_faces()
        if self._spans.row_count:
            console.show(self._spans)
            self._spans = _span_table()

    def _end_videos(self) -> None:
        for path, segments in self._segments.items():
            self._add_spans(segments.rest())
            if segments.num_left_out:
                note(
                    f"{path}: {segments.num_left_out} spans shorter than {SHORTEST:g} seconds are "
                    "not in the table; --json, --csv and -o have every frame"
                )
        self._segments = {}

    def _add_face(self, path: str, face: "Record") -> None:
        box = ", ".join(f"{value:.0f}" for value in face["box"])
        probability = f"{face['probabilities'][face['expression']]:.0%}"
        expression = face["expression"] + ("?" if face["unsure"] else "")
        person = [str(face.get("person", ""))] if self._people else []
        row = [self._shown(path), *person, box, f"{face['score']:.2f}", expression, probability]
        if self._actions:
            units = sorted(face["action_units"].items(), key=lambda unit: -unit[1])
            row.append(
                " ".join(name for name, amount in units if amount >= UNIT_THRESHOLD) or "none"
            )
        self._faces.add_row(*row)

    def _add_empty(self, path: str, reason: str) -> None:
        person = [""] if self._people else []
        self._faces.add_row(self._shown(path), *person, "", "", reason, "")

    def _add_spans(self, spans: Iterable[Segment]) -> None:
        for span in spans:
            self._spans.add_row(
                self._shown(span.path),
                str(span.person),
                f"{_clock(span.begin)} - {_clock(span.end)}",
                span.expression + ("?" if span.unsure else ""),
                f"{span.probability:.0%}",
            )
            if self._spans.row_count >= _ROWS:
                console.show(self._spans)
                self._spans = _span_table()

    def _print_faces(self) -> None:
        if self._faces.row_count:
            console.show(self._faces)
            self._faces = _face_table(self._people, self._actions)

    def _shown(self, path: str) -> str:
        """Return the printed name of a photo or video.

        Each parent folder is looked up in the set of roots. A loop over the roots would be slow,
        because there may be as many roots as photos.
        """
        if path in self._roots:
            return Path(path).name
        parent = path
        while "/" in parent:
            parent = parent.rpartition("/")[0]
            if parent in self._roots:
                return path[len(parent) + 1 :]
        return path


def _face_table(people: bool, actions: bool) -> Table:
    table = Table()
    table.add_column("photo", overflow="fold")
    for heading in (
        *(["person"] if people else []),
        "box x, y, w, h",
        "score",
        "expression",
        "probability",
    ):
        table.add_column(heading, no_wrap=True)
    if actions:
        table.add_column("action units", overflow="fold")
    return table


def _span_table() -> Table:
    table = Table()
    table.add_column("video", overflow="fold")
    for heading in ("person", "time", "expression", "probability"):
        table.add_column(heading, no_wrap=True)
    return table


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def report_unread(count: "Count", named: Sequence[Path]) -> None:
    """Print notes on files that could not be read or have no face.

    Args:
        count: counts of ``degan predict``.
        named: paths on the command line.

    Raises:
        DeganError: the only photo or video could not be read, the only photo has no face, or none
            of several files could be read.
    """
    total = count.photos + count.bad_videos
    if count.frames == 0 and total == 1:
        if count.num_bad:
            raise DeganError(count.bad[0])
        if count.empty:
            photo_name = named[0] if named else "the photo"
            raise DeganError(f"no face found in {photo_name}; if it is a cut-out face, add --crops")
        return
    for reason in count.bad:
        note(reason)
    if count.num_bad > len(count.bad):
        note(f"and {count.num_bad - len(count.bad)} more; the output lists all of them")
    bad_photos = count.num_bad - count.bad_videos
    if bad_photos or count.empty:
        note(f"{count.photos} photos: {bad_photos} could not be read, {count.empty} without a face")
    if count.bad_videos:
        note(f"{count.bad_videos} videos could not be read")
    if total and count.num_bad == total and not count.frames:
        nouns = "photos and videos" if count.bad_videos else "photos"
        raise DeganError(f"none of the {total} {nouns} could be read; the reasons are above")
    if count.frames and not count.faces:
        note("no face was found in any frame")

"""A picture of the most probable faces of each expression in photos and videos."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from degan.errors import DeganError, shown
from degan.media import images, video
from degan.media.images import RgbImage
from degan.media.written import MARK
from degan.predict.records import Record

__all__ = ["Sheet"]

_KEPT: Final = 8  # a row is cut when it has this many times the faces it will show
_SIDE: Final = 96  # side of a face on the sheet in pixels
_MARGIN: Final = 0.2  # margin around the face box, relative to its longer side
_GAP: Final = 6
_CAPTION: Final = 28  # height of two lines: probability and file name
_LABEL: Final = 110
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_PAPER, _INK = (250, 250, 248), (30, 30, 30)


class _Thumb(NamedTuple):
    """A candidate face, ordered by probability, then by position in the records."""

    probability: float
    order: int
    path: str
    frame: int
    box: tuple[float, float, float, float]
    unsure: bool


class Sheet:
    """Collects the most probable faces of each expression from records and draws them as one image.

    Args:
        expressions: names of the rows, in order.
        count: maximum number of faces in a row, with one face at most per person of a video.
    """

    def __init__(self, expressions: Sequence[str], *, count: int = 10) -> None:
        self._rows: dict[str, dict[tuple[str, int], _Thumb]] = {name: {} for name in expressions}
        self._count, self._order = count, 0

    def add(self, record: Record) -> None:
        """Add the faces of a record, see :func:`degan.predict.records.to_record`."""
        for face in record.get("faces", ()):
            self._order += 1
            row = self._rows[face["expression"]]
            thumb = _Thumb(
                face["probabilities"][face["expression"]],
                -self._order,
                record["path"],
                record.get("frame", -1),
                tuple(face["box"]),
                face["unsure"],
            )
            whose = record["path"], face.get("person", -self._order)
            row[whose] = max(thumb, row.get(whose, thumb))
            if len(row) > _KEPT * self._count:
                self._rows[face["expression"]] = self._best(row)

    def _best(self, row: dict[tuple[str, int], _Thumb]) -> dict[tuple[str, int], _Thumb]:
        """Return the ``count`` most probable faces of a row, the best first."""
        best = sorted(row.items(), key=lambda item: item[1], reverse=True)
        return dict(best[: self._count])

    def write(self, path: Path, places: Mapping[str, Path]) -> None:
        """Write the sheet as an image.

        Args:
            path: image file to write.
            places: name of a photo or video in the records -> its path.

        Raises:
            DeganError: no face was found, a photo or video was deleted or changed, or the image
                cannot be written.
        """
        rows = {name: list(self._best(row).values()) for name, row in self._rows.items() if row}
        if not rows:
            raise DeganError(
                f"no face was found, so {path} was not written; give photos with faces"
            )
        pictures = _pictures([thumb for row in rows.values() for thumb in row], places)
        columns = max(len(row) for row in rows.values())
        height = _SIDE + _CAPTION + _GAP
        size = (_LABEL + columns * (_SIDE + _GAP) + _GAP, len(rows) * height + _GAP)
        sheet = Image.new("RGB", size, _PAPER)
        draw = ImageDraw.Draw(sheet)
        font, small = ImageFont.load_default(size=14), ImageFont.load_default(size=11)
        for number, (name, row) in enumerate(rows.items()):
            top = _GAP + number * height
            draw.text((_GAP, top + _SIDE / 2 - 8), name, fill=_INK, font=font)
            for column, thumb in enumerate(row):
                left = _LABEL + column * (_SIDE + _GAP)
                sheet.paste(pictures[thumb], (left, top))
                doubt = "?" if thumb.unsure else ""
                text = f"{thumb.probability:.0%}{doubt}"
                draw.text((left, top + _SIDE), text, fill=_INK, font=small)
                name_of_file = _shortened(_name_of(thumb), small)
                draw.text((left, top + _SIDE + 13), name_of_file, fill=_INK, font=small)
        images.write_image(path, np.asarray(sheet), comment=MARK)


def _name_of(thumb: _Thumb) -> str:
    """Return the file name of a face as one line, followed by the frame number for a video."""
    name = shown(Path(thumb.path).name)
    return name if thumb.frame < 0 else f"{name} #{thumb.frame}"


def _shortened(text: str, font: _Font) -> str:
    """Return a text at most as wide as a face; the middle is replaced by an ellipsis."""
    num_letters = len(text)
    shortened = text
    while num_letters > 2 and font.getlength(shortened) > _SIDE:
        num_letters -= 1
        shortened = (
            f"{text[: num_letters // 2]}\N{HORIZONTAL ELLIPSIS}{text[-((num_letters + 1) // 2) :]}"
        )
    return shortened


def _pictures(thumbs: Sequence[_Thumb], places: Mapping[str, Path]) -> dict[_Thumb, Image.Image]:
    """Return the cropped faces; each file is read once, with one image in memory at a time."""
    pictures: dict[_Thumb, Image.Image] = {}
    for name in dict.fromkeys(thumb.path for thumb in thumbs):
        own: dict[int, list[_Thumb]] = {}
        for thumb in thumbs:
            if thumb.path == name:
                own.setdefault(thumb.frame, []).append(thumb)
        for number, image in _shown(places[name], name, own):
            for thumb in own.pop(number):
                pictures[thumb] = _cut(image, thumb.box)
        if own:
            raise DeganError(f"{name} was changed during the command; repeat the command")
    return pictures


def _shown(path: Path, name: str, wanted: Collection[int]) -> Iterator[tuple[int, RgbImage]]:
    """Yield (frame number, image) for each frame in ``wanted``; a photo has the number -1."""
    if -1 in wanted:
        yield -1, images.read_image(path)
        return
    last = max(wanted)
    with video.play(path, name) as playing:
        for frame in playing.frames():
            if frame.number in wanted:
                yield frame.number, frame.image
            if frame.number >= last:
                return


def _cut(image: RgbImage, box: tuple[float, float, float, float]) -> Image.Image:
    """Return the square image around a box, filled with background colour outside the image."""
    x, y, width, height = box
    side = max(width, height) * (1 + 2 * _MARGIN)
    left, top = x + width / 2 - side / 2, y + height / 2 - side / 2
    square = tuple(round(value) for value in (left, top, left + side, top + side))
    inside = (
        max(0, square[0]),
        max(0, square[1]),
        min(image.shape[1], square[2]),
        min(image.shape[0], square[3]),
    )
    paper = Image.new("RGB", (square[2] - square[0], square[3] - square[1]), _PAPER)
    part = Image.fromarray(
        np.ascontiguousarray(image[inside[1] : inside[3], inside[0] : inside[2]])
    )
    paper.paste(part, (inside[0] - square[0], inside[1] - square[1]))
    return paper.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)

"""Parts of a page for which a model is run again, or that an earlier report kept in the run."""

from collections.abc import Callable
from typing import TypeVar

from degan.errors import DeganError
from degan.report import measured
from degan.report.atlas import Atlas
from degan.report.faces import Faces
from degan.report.measurements import FaceMap, Measurement, Saliency, Transfer
from degan.report.part import Absent, Part
from degan.report.parts.model import (
    DECIDES,
    DRAWN,
    MAP,
    map_of_faces,
    saliency_figure,
    transfer_figure,
)
from degan.report.run_files import Result, reason_of
from degan.system.progress import Progress, sub_progress

__all__ = ["Models"]


Found = TypeVar("Found", bound=Measurement)


class Models:
    """Parts for which a model is run again, or that an earlier report kept in the run.

    Args:
        faces: of the data set.
        progress: told the share done of all of them, and what is being done.
        count: how many there will be.
    """

    def __init__(self, faces: Faces, progress: Progress, count: int) -> None:
        self._faces = faces
        self._progress = progress
        self._count, self._begun = max(1, count), 0

    def map(self, result: Result, key: str) -> Part:
        """Return the map of f(x)."""

        def draw(found: FaceMap, atlas: Atlas) -> Part:
            return map_of_faces(found, atlas, key, result.name)

        return self._part(MAP, result, key, measured.face_map, draw)

    def deciding(self, result: Result, key: str) -> Part:
        """Return what decides."""

        def draw(found: Saliency, atlas: Atlas) -> Part:
            return saliency_figure(found, key, result.name)

        return self._part(DECIDES, result, key, measured.saliency, draw)

    def drawn(self, result: Result, key: str) -> Part:
        """Return drawn faces."""

        def draw(found: Transfer, atlas: Atlas) -> Part:
            return transfer_figure(found, key, result.name)

        return self._part(DRAWN, result, key, measured.transfer, draw)

    def _part(
        self,
        title: str,
        result: Result,
        key: str,
        measure: Callable[..., Found],
        draw: Callable[[Found, Atlas], Part],
    ) -> Part:
        start, self._begun = self._begun / self._count, self._begun + 1
        title = f"{title}: {result.name}"
        atlas = self._faces.atlas
        if atlas is None:
            return Absent(key, title, self._faces.why_not(result))

        show = sub_progress(self._progress, start, 1 / self._count, f"{result.name}: ")
        try:
            return draw(measure(result.folder, atlas.dataset, progress=show), atlas)
        except DeganError as error:
            return Absent(key, title, reason_of(error))

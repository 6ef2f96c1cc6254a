"""Figures for which a model runs again, unless an earlier report stored the measurement."""

from collections.abc import Callable
from typing import TypeVar

from degan.errors import DeganError
from degan.report.atlas import Atlas
from degan.report.faces import Faces
from degan.report.measurements import Measurement
from degan.report.part import Absent, Part
from degan.report.run_files import Result, reason_of
from degan.system.progress import Progress, sub_progress

__all__ = ["Models"]


Found = TypeVar("Found", bound=Measurement)


class Models:
    """Runs the models of results again for the figures that need it.

    Args:
        faces: faces of the data set.
        progress: callback, called with the finished fraction of all figures and a label.
        count: number of figures that will be made.
    """

    def __init__(self, faces: Faces, progress: Progress, count: int) -> None:
        self._faces = faces
        self._progress = progress
        self._count, self._begun = max(1, count), 0

    def figure(
        self,
        title: str,
        result: Result,
        key: str,
        measure: Callable[..., Found],
        draw: Callable[[Found, Atlas], Part],
    ) -> Part:
        """Return the figure of one result, or an absent part with the reason.

        Args:
            title: of the figure, without the name of the result.
            result: the result.
            key: of the figure.
            measure: folder, data set and progress -> measurement, see
                :mod:`degan.report.measured`.
            draw: measurement and atlas of faces -> figure.
        """
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

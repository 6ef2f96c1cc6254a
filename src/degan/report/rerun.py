"""Parts of a page for which a model is run again, or that an earlier report kept in the run."""

from collections.abc import Callable
from typing import Final

from degan.errors import DeganError
from degan.report import measured
from degan.report.atlas import Atlas
from degan.report.faces import Faces
from degan.report.files import Result
from degan.report.part import Absent, Part
from degan.report.parts.model import drawn, map_of_faces, what_decides

__all__ = ["Models"]

Progress = Callable[[float, str], None]

_SEEN: Final = "the model was trained on them, so this says little of others"


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
        return self._part(
            f"Map of f(x): {result.name}",
            result,
            key,
            lambda atlas, show: map_of_faces(
                measured.face_map(result.folder, atlas.dataset, progress=show),
                atlas.dataset,
                atlas,
                key,
                result.name,
                _SEEN,
            ),
        )

    def deciding(self, result: Result, key: str) -> Part:
        """Return what decides."""
        return self._part(
            f"What decides: {result.name}",
            result,
            key,
            lambda atlas, show: what_decides(
                measured.saliency(result.folder, atlas.dataset, progress=show),
                key,
                result.name,
                _SEEN,
            ),
        )

    def drawn(self, result: Result, key: str) -> Part:
        """Return drawn faces."""
        return self._part(
            f"Expressions on other people: {result.name}",
            result,
            key,
            lambda atlas, show: drawn(
                measured.transfer(result.folder, atlas.dataset, progress=show),
                key,
                result.name,
                _SEEN,
            ),
        )

    def _part(
        self, title: str, result: Result, key: str, make: Callable[[Atlas, Progress], Part]
    ) -> Part:
        start, self._begun = self._begun / self._count, self._begun + 1
        atlas = self._faces.atlas
        if atlas is None:
            return Absent(key, title, self._faces.why_not(result))
        try:
            return make(
                atlas,
                lambda done, doing: self._progress(
                    start + done / self._count, f"{result.name}: {doing}"
                ),
            )
        except DeganError as error:
            return Absent(key, title, str(error).rstrip("."))

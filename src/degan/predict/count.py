"""Counts of the photos, frames and faces of a call of :func:`degan.predict.run.predict`."""

from dataclasses import dataclass, field

from degan.predict.records import RECORD_NEEDED, Record
from degan.system.arguments import check_flag, check_kind

__all__ = ["Count"]

MAX_REASONS = 20
"""Maximum number of reasons in :attr:`Count.bad`; the records have all."""


@dataclass
class Count:
    """Counts of the results of :func:`degan.predict.run.predict`.

    Attributes:
        photos: number of photos, including those that could not be read.
        frames: number of frames read.
        bad_videos: number of videos that could not be read to the end.
        faces: number of faces in all photos and frames.
        empty: number of photos without a face.
        bad: reasons of the first :data:`MAX_REASONS` files that could not be read.
        num_bad: number of photos and videos that could not be read.
    """

    photos: int = 0
    frames: int = 0
    bad_videos: int = 0
    faces: int = 0
    empty: int = 0
    bad: list[str] = field(default_factory=list)
    num_bad: int = 0

    def add(self, record: Record, *, of_video: bool = False) -> None:
        """Count the record of a photo, of a frame, or of a video that cannot be read.

        Args:
            record: the record, see :func:`degan.predict.to_record`.
            of_video: whether a record without ``frame`` is that of a video.

        Raises:
            DeganTypeError: an argument has a wrong type.
        """
        check_kind(record, dict, "record", RECORD_NEEDED)
        check_flag(of_video, "of_video")
        faces = record.get("faces", [])
        self.faces += len(faces)
        if "error" in record:
            self.num_bad += 1
            if len(self.bad) < MAX_REASONS:
                self.bad.append(record["error"])
        if "frame" in record:
            self.frames += 1
        elif of_video:
            self.bad_videos += 1
        else:
            self.photos += 1
            self.empty += not faces and "error" not in record

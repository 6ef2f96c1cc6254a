"""Recognise video files by their ending and by their first bytes."""

from pathlib import Path
from typing import Final

__all__ = ["HEAD", "SUFFIXES", "is_video", "may_hold_video"]

SUFFIXES: Final = frozenset((
    ".264", ".265", ".360", ".3g2", ".3gp", ".3gpp", ".amv", ".asf", ".avi", ".dav", ".divx",
    ".dv", ".dvr-ms", ".f4v", ".flv", ".gxf", ".h264", ".h265", ".hevc", ".insv", ".ivf",
    ".lrv", ".m1v", ".m2p", ".m2t", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mod",
    ".mov", ".mp4", ".mpe", ".mpeg", ".mpeg4", ".mpg", ".mpv", ".mts", ".mxf", ".nut", ".ogm",
    ".ogv", ".qt", ".rm", ".rmvb", ".tod", ".tp", ".trp", ".ts", ".vob", ".vro", ".webm",
    ".wmv", ".wtv", ".xvid", ".y4m",
))  # fmt: skip
"""Suffixes of video files (any case)."""

_ALSO_OTHERS: Final = frozenset({".mod", ".mts", ".rm", ".tod", ".tp", ".ts"})
"""Suffixes that other files have too, such as TypeScript; their content decides."""

HEAD: Final = 512
"""Number of bytes at the beginning of a file by which :func:`is_video` decides."""

_BOXES: Final = (
    b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof", b"sidx",
)  # fmt: skip
_HEADS: Final = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG-1 and MPEG-2 video
    b"0&\xb2u",  # ASF, WMV
    b"G@",  # MPEG transport stream
    b"FLV\x01",
    b"OggS",
    b"\x06\x0e+4\x02\x05\x01\x01",  # MXF
    b"DHAV",
    b"DAHUA",
    b".RMF",
    b"DKIF",  # IVF
    b"nut/mult",
    b"YUV4MPEG2 ",
    b"\xb7\xd8\x00 7I\xda\x11",  # WTV
    b"\x1f\x07\x00",  # DV
    b"ID3",  # sound: its covers are no video, and the reader of videos says so
    b"fLaC",
)
_PACKETS: Final = ((0, 188), (4, 192))  # first sync byte of a transport stream, length of packets


def is_video(data: bytes) -> bool:
    """Return whether a file may be a video, or sound, which the reader of videos refuses.

    Args:
        data: first bytes of the file, 12 or more; transport streams that do not begin with a table
            need :data:`HEAD`.
    """
    data = data[:HEAD]
    if data[4:8] in _BOXES or data.startswith(_HEADS):
        return True
    if data.startswith(b"RIFF") and data[8:12] in (b"AVI ", b"AVIX", b"AMV ", b"WAVE"):
        return True
    return any(data[first::length][:3] == b"GGG" for first, length in _PACKETS)


def may_hold_video(path: Path) -> bool:
    """Return whether a file with one of :data:`SUFFIXES` may be a video.

    A suffix that other files have too is not enough; then the first bytes decide. A file that
    cannot be opened may be a video, so that its reader reports the reason.
    """
    if path.suffix.lower() not in _ALSO_OTHERS:
        return True
    try:
        with path.open("rb") as file:
            return is_video(file.read(HEAD))
    except OSError:
        return True

"""Files of other kinds that lie beside photos and videos; they are never opened."""

from pathlib import Path
from typing import Final

__all__ = ["is_never_media", "is_sidecar"]

_SIDECAR_SUFFIXES: Final = frozenset({
    ".csv", ".tsv", ".json", ".jsonl", ".parquet", ".partial", ".xmp", ".aae", ".pp3", ".thm",
    ".db", ".ini",
})  # fmt: skip
_SIDECAR_NAMES: Final = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})

_SOUND: Final = frozenset({  # begins like a video
    ".m4a", ".m4b", ".m4p", ".m4r", ".aac", ".mka", ".weba", ".wma", ".mp3", ".wav", ".ogg",
    ".oga", ".opus", ".flac", ".aif", ".aiff", ".mid", ".amr",
})  # fmt: skip
_RAW: Final = frozenset({  # of cameras: begin like a TIFF or MP4, and hold a small preview
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef",
    ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".sr2", ".srf",
    ".srw", ".x3f",
})  # fmt: skip
_DOCUMENTS: Final = frozenset({
    ".txt", ".md", ".pdf", ".html", ".htm", ".xml", ".yaml", ".yml", ".py", ".ipynb", ".zip",
})  # fmt: skip


def is_sidecar(name: str) -> bool:
    """Return whether a file lies beside photos as usual: tables, thumbnails, settings, edits."""
    return name.lower() in _SIDECAR_NAMES or Path(name).suffix.lower() in _SIDECAR_SUFFIXES


def is_never_media(name: str) -> bool:
    """Return whether the name of a file shows that it is neither a photo nor a video."""
    suffix = Path(name).suffix.lower()
    return suffix in _SOUND | _RAW | _DOCUMENTS or is_sidecar(name)

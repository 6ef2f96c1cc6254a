"""Check of the output path of a weights file, before the computation starts."""

from pathlib import Path

from degan.errors import DeganError


def check_weights_path(path: Path) -> None:
    """Check that a path is suitable for a weights file.

    Raises:
        DeganError: the name does not end in ``.onnx``, or the path is a folder.
    """
    if path.suffix.lower() != ".onnx":
        raise DeganError(f"cannot write weights to {path}: the name must end in .onnx")
    if path.is_dir():
        raise DeganError(f"cannot write weights to {path}: it is a folder; give another name")

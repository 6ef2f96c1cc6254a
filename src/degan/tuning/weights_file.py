"""Check of the output path of a weights file, before the computation starts."""

from pathlib import Path

from degan.data.outputs import check_output_file
from degan.errors import DeganError


def check_weights_path(path: Path) -> None:
    """Check that a weights file can be written to a path.

    Raises:
        DeganError: the name does not end in ``.onnx``; the path is a folder, is part of a data set,
            of a run or of degan, or cannot be written.
    """
    if path.suffix.lower() != ".onnx":
        raise DeganError(f"cannot write weights to {path}: the name must end in .onnx")
    if path.is_dir():
        raise DeganError(f"cannot write weights to {path}: it is a folder; give another name")
    check_output_file(path)

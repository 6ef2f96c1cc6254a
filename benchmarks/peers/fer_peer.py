"""fer: ``FER(mtcnn=...).detect_emotions(image)``; faces are boxes of photos.

A batch is one photo with 64 copies of a box, because the network only takes the faces of one photo
together.
"""

import sys
from collections.abc import Sequence
from typing import Any

import cv2
from fer.fer import FER
from measure import measure


class Fer:
    """The library with the detector ``haar`` or ``mtcnn``."""

    batches = True

    def __init__(self, variant: str) -> None:
        cv2.setNumThreads(1)
        # PyTorch only needs Triton on a GPU, and Triton with TensorFlow crashes the process.
        sys.modules["triton"] = None
        self.fer = FER(mtcnn=variant == "mtcnn")

    def read(self, photo: str) -> list[tuple[float, dict[str, float]]]:
        """See :meth:`measure.Library.read`."""
        return [
            (face["box"][2] * face["box"][3], face["emotions"])
            for face in self.fer.detect_emotions(cv2.imread(photo))
        ]

    def face(self, photo: str) -> tuple[Any, Any] | None:
        """See :meth:`measure.Library.face`."""
        image = cv2.imread(photo)
        boxes = list(self.fer.find_faces(image))
        return (image, max(boxes, key=lambda box: box[2] * box[3])) if boxes else None

    def classify(self, faces: Sequence[tuple[Any, Any]]) -> None:
        """See :meth:`measure.Library.classify`."""
        image, box = faces[0]
        self.fer.detect_emotions(image, face_rectangles=[box] * len(faces))


if __name__ == "__main__":
    measure(Fer, ["fer", "tensorflow", "torch", "facenet-pytorch", "opencv-contrib-python"])

"""facex: ``EmotionClassifier(...).predict(image)``; faces are grey crops, one at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import facex
from facex.core import EmotionClassifier
from measure import measure


class Facex:
    """The only configuration: a Haar cascade and a TensorFlow Lite network."""

    batches = False

    def __init__(self, _variant: str) -> None:
        cv2.setNumThreads(1)
        model = Path(facex.__file__).parent / "assets" / "model_optimized.tflite"
        self.classifier = EmotionClassifier(str(model))

    def read(self, photo: str) -> list[tuple[float, dict[str, float]]]:
        """See :meth:`measure.Library.read`."""
        return [
            (
                int(face["bbox"][2]) * int(face["bbox"][3]),
                {label: float(share) for label, share in face["emot"].items()},
            )
            for face in self.classifier.predict(cv2.imread(photo))
        ]

    def face(self, photo: str) -> Any | None:
        """See :meth:`measure.Library.face`."""
        boxes, grey = self.classifier.detect_faces(cv2.imread(photo))
        if len(boxes) == 0:
            return None
        x, y, width, height = max(boxes, key=lambda box: box[2] * box[3])
        return grey[y : y + height, x : x + width]

    def classify(self, faces: Sequence[Any]) -> None:
        """See :meth:`measure.Library.classify`."""
        for face in faces:
            self.classifier.detect_emotion(face)


if __name__ == "__main__":
    measure(Facex, ["facex", "tensorflow", "opencv-contrib-python", "scikit-image"])

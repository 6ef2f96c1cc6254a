"""degan: ``Recognizer().predict(read_image(path))``; faces are its aligned crops."""

from collections.abc import Sequence
from pathlib import Path

from measure import measure

import degan
from degan.faces.alignment import crop_face
from degan.media.images import RgbImage


class Degan:
    """The recogniser with the named weights."""

    batches = True

    def __init__(self, weights: str) -> None:
        self.recognizer = degan.Recognizer(weights)

    def read(self, photo: str) -> list[tuple[float, dict[str, float]]]:
        """See :meth:`measure.Library.read`."""
        return [
            (found.box[2] * found.box[3], found.probabilities)
            for found in self.recognizer.predict(degan.read_image(Path(photo)))
        ]

    def face(self, photo: str) -> RgbImage | None:
        """See :meth:`measure.Library.face`."""
        image = degan.read_image(Path(photo))
        found = self.recognizer.predict(image)
        if not found:
            return None
        return crop_face(image, found[0].face.landmarks, self.recognizer.crop_size)

    def classify(self, faces: Sequence[RgbImage]) -> None:
        """See :meth:`measure.Library.classify`."""
        self.recognizer.read(faces)


if __name__ == "__main__":
    measure(Degan, ["degan", "numpy", "onnxruntime", "Pillow"])

"""Measure the time of weights per face on one core, from crops to probabilities.

    python benchmarks/recognition.py
    python benchmarks/recognition.py --weights mine.onnx --weights others.onnx --rounds 50

The crops are the faces of examples/london, cropped once. Weights and batch sizes alternate, so that
a slower machine affects all of them. Prints medians with the range of the rounds, and ratios to the
first weights. Times are processor times, which exclude other work.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from degan.faces.alignment import crop_face
from degan.faces.finder import FaceFinder
from degan.media.images import find_photos, read_image
from degan.recognition.recognizer import Recognizer

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "london"
BATCHES = (1, 64)


def crops_of(photos: list[Path], size: int) -> list[np.ndarray]:
    """Return the aligned face of each photo, uint8 (size, size, 3)."""
    finder = FaceFinder()
    images = [read_image(path) for path in photos]
    return [crop_face(image, finder.find(image)[0].landmarks, size) for image in images]


def milliseconds(recognizer: Recognizer, crops: list[np.ndarray], count: int) -> float:
    """Predict ``count`` faces in one call; return the milliseconds per face."""
    batch = [crops[number % len(crops)] for number in range(count)]
    start = time.process_time()
    recognizer.read(batch)
    return 1000 * (time.process_time() - start) / count


def main() -> None:
    """Print the milliseconds per face for each weights file and batch size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, action="append", help="file; may be repeated")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    recognizers = [Recognizer(path) for path in options.weights or [None]]
    photos = find_photos(EXAMPLES)
    times: dict[tuple[str, int], list[float]] = {}
    crops = {one.crop_size: crops_of(photos, one.crop_size) for one in recognizers}
    for one in recognizers:
        one.read(crops[one.crop_size])  # the first run initialises the network
    for _ in range(options.rounds):
        for one in recognizers:
            for count in BATCHES:
                took = milliseconds(one, crops[one.crop_size], count)
                times.setdefault((one.name, count), []).append(took)
    first = {count: statistics.median(times[recognizers[0].name, count]) for count in BATCHES}
    for (name, count), values in times.items():
        middle = statistics.median(values)
        print(
            f"{name}, batches of {count}: {middle:.3f} ms per face "
            f"({min(values):.3f}-{max(values):.3f}), {middle / first[count]:.2f} times the first"
        )


if __name__ == "__main__":
    main()

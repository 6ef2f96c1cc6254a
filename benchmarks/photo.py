"""Measure the parts of the time of a photo, from the file to the prediction, on one core.

    python benchmarks/photo.py --photos ../shared/data/london
    python benchmarks/photo.py --photos ../shared/data/london --rounds 9

Each round reads all photos. The parts are printed for the round with the smallest total, so they
add up to it; the range of the totals of all rounds follows. Times are processor times, which
exclude other work. "networks" is the time inside onnxruntime, which is a part of the time of its
row. Networks run on one thread.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime

from degan.faces.detector import Detector
from degan.faces.finder import FaceFinder
from degan.media.images import find_photos, read_image
from degan.recognition import recognizer as module
from degan.recognition.recognizer import Recognizer

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "london"
WARM = 8  # photos before the measurement begins
NETWORKS = "networks"
REST = "everything else"


class Clock:
    """Processor time by part; the time of a part excludes the parts that it calls.

    Attributes:
        seconds: part -> seconds.
        inside: part -> seconds of its network runs.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.inside: dict[str, float] = {}
        self._open: list[str] = []
        self._last = 0.0

    def start(self) -> None:
        """Set all times to 0 and begin with the part :data:`REST`."""
        self.seconds, self.inside = {}, {}
        self._open, self._last = [REST], time.process_time()

    def stop(self) -> None:
        """End the last part."""
        self._spend()

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time counted as ``part``."""

        def run(*args: Any, **options: Any) -> Any:
            if not self._open:
                return function(*args, **options)
            self._spend()
            self._open.append(part)
            try:
                return function(*args, **options)
            finally:
                self._spend()
                self._open.pop()

        return run

    def _spend(self) -> None:
        now = time.process_time()
        took, self._last = now - self._last, now
        part = self._open[-1]
        if part == NETWORKS:
            part = self._open[-2]
            self.inside[part] = self.inside.get(part, 0.0) + took
        self.seconds[part] = self.seconds.get(part, 0.0) + took


def instrument(clock: Clock) -> Callable[[Path], Any]:
    """Count the time of each part; return the function that reads a photo file."""
    for owner, name, part in (
        (FaceFinder, "find", "landmarks"),  # without the detection that it calls
        (Detector, "propose", "face detection"),
        (module, "crop_face", "crop"),
        (Recognizer, "read", "classifier"),
        (onnxruntime.InferenceSession, "run", NETWORKS),
    ):
        setattr(owner, name, clock.timed(part, getattr(owner, name)))
    return clock.timed("decoding", read_image)


def main() -> None:
    """Print the milliseconds per photo of each part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=EXAMPLES, help="folder with photos")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    photos = find_photos(options.photos)
    clock = Clock()
    read, recognizer = instrument(clock), Recognizer()
    for path in photos[:WARM]:
        recognizer.predict(read(path))
    rounds = []
    for _ in range(options.rounds):
        clock.start()
        for path in photos:
            recognizer.predict(read(path))
        clock.stop()
        rounds.append((sum(clock.seconds.values()), clock.seconds, clock.inside))
    scale = 1000 / len(photos)
    total, seconds, inside = min(rounds, key=lambda one: one[0])
    print(f"{len(photos)} photos, ms per photo of the fastest of {len(rounds)} rounds:")
    for part, took in sorted(seconds.items(), key=lambda pair: -pair[1]):
        runs = f", of this networks {scale * inside[part]:.2f}" if part in inside else ""
        print(f"  {part}: {scale * took:.2f}{runs}")
    print(
        f"  sum: {scale * total:.2f}, of this networks {scale * sum(inside.values()):.2f}; all "
        f"rounds {scale * total:.2f}-{scale * max(one[0] for one in rounds):.2f}"
    )


if __name__ == "__main__":
    main()

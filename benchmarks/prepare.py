"""Measure the speed of `degan prepare` on sequences: frames of 640 x 490 per second.

    python benchmarks/prepare.py
    python benchmarks/prepare.py --sequences 120 --rounds 5

Builds a folder with the layout of CK+ (the twelve people of examples/london, each frame shifted a
little, grey PNG) and prepares it with one thread and with one thread per core. Rounds alternate, so
that a slower machine affects all settings. Prints medians with the range of the rounds, and the
speed-up by more threads.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from degan.data.datasets.ckplus import ADAPTER
from degan.data.prepare import PrepareSettings, prepare_dataset
from degan.data.protocol import Protocol
from degan.system.machine import num_cpus

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "london"
SIZE = (640, 490)
FRAMES = 5


def build(root: Path, sequences: int) -> None:
    """Write a folder like CK+: sequences of :data:`FRAMES` frames that move by a pixel or two."""
    photos = sorted(EXAMPLES.rglob("*.jpg"))
    for number in range(sequences):
        with Image.open(photos[number % len(photos)]) as photo:
            face = photo.convert("L").resize((490, 490))
        subject = f"S{number % 118 + 5:03d}/{number // 118 + 1:03d}"
        name = subject.replace("/", "_")
        for frame in range(1, FRAMES + 1):
            canvas = Image.new("L", SIZE, 140)
            canvas.paste(face, (70 + 2 * frame, frame))
            grain = np.random.default_rng([number, frame]).normal(0, 2, (SIZE[1], SIZE[0]))
            picture = np.clip(np.asarray(canvas) + grain, 0, 255).astype(np.uint8)
            path = root / "cohn-kanade-images" / subject / f"{name}_{frame:08d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)
        label = root / "Emotion" / subject / f"{name}_{FRAMES:08d}_emotion.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(f"   {1 + number % 7}.0000000e+00\n")


def frames_a_second(root: Path, out: Path, jobs: int) -> float:
    """Prepare the folder once; return the frames per second."""
    start = time.perf_counter()
    result = prepare_dataset(ADAPTER, root, out, Protocol(), PrepareSettings(), jobs=jobs)
    return len(result.samples) / (time.perf_counter() - start)


def main() -> None:
    """Print the frames per second for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sequences", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    choices = sorted({1, num_cpus()})
    rates: dict[int, list[float]] = {jobs: [] for jobs in choices}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "ck")
        build(root, options.sequences)
        for number in range(options.rounds):
            for jobs in choices:
                rates[jobs].append(frames_a_second(root, Path(folder, f"{number}-{jobs}"), jobs))
    for jobs, values in rates.items():
        middle = statistics.median(values)
        print(
            f"{jobs} thread{'s' if jobs > 1 else ''}: {middle:.0f} frames/s "
            f"({min(values):.0f}-{max(values):.0f})"
        )
    if len(choices) > 1:
        pairs = zip(rates[choices[1]], rates[choices[0]], strict=True)
        ratio = statistics.median(many / one for many, one in pairs)
        print(f"{choices[1]} threads: {ratio:.2f} times as fast as one")


if __name__ == "__main__":
    main()

"""Measure the speed of `degan prepare`: frames of sequences, and faces that are already cut out.

    python benchmarks/prepare.py
    python benchmarks/prepare.py --sequences 120 --rounds 5
    python benchmarks/prepare.py --crops ../shared/data/web_faces/validation.npz
    python benchmarks/prepare.py --crops $LONDON

Builds a folder with the layout of CK+ (the twelve people of examples/london, each frame shifted a
little, grey PNG) and prepares it with one thread and with one thread per core. Rounds alternate, so
that a slower machine affects all settings. Prints medians with the range of the rounds, and the
speed-up by more threads.

``--crops`` instead compares the search in cut-out faces of 48 px with the full search (upside-down
faces in all, in colour), in one run: processor time per face, its ratio, and the share of faces
whose corners of the crop agree to half a pixel. ``.npz`` has grey faces in ``images``; of a folder
of photos, the faces are cut out first.
"""

import argparse
import math
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from degan.data.datasets.ckplus import ADAPTER
from degan.data.prepare import PrepareSettings, prepare_dataset
from degan.data.protocol import Protocol
from degan.faces import finder
from degan.faces.alignment import align
from degan.faces.face import Face
from degan.faces.finder import FaceFinder
from degan.media.images import RgbImage, find_photos, read_image
from degan.system.machine import num_cpus

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "london"
SIZE = (640, 490)
FRAMES = 5
CROP = 48  # side of a cut-out face in pixels


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


def read_cut_out(source: Path, count: int) -> list[RgbImage]:
    """Return cut-out faces of :data:`CROP` pixels.

    Args:
        source: ``.npz`` with grey ``images``, or folder of photos.
        count: maximum number of faces.
    """
    if source.suffix == ".npz":
        with np.load(source, allow_pickle=False) as arrays:
            chosen = np.random.default_rng(0).permutation(len(arrays["images"]))[:count]
            return [grey[..., None].repeat(3, 2) for grey in arrays["images"][np.sort(chosen)]]
    faces, search = [], FaceFinder()
    for path in find_photos(source)[:count]:
        photo = read_image(path)
        x, y, width, height = map(int, search.find(photo)[0].box)
        margin = width // 8
        box = (x - margin, y - margin, x + width + margin, y + height + margin)
        cut = Image.fromarray(photo).crop(box).resize((CROP, CROP), Image.Resampling.LANCZOS)
        faces.append(np.asarray(cut))
    return faces


def corners(face: Face | None) -> np.ndarray | None:
    """Return the corners (4, 2) of the aligned crop in pixels; None without landmarks."""
    if face is None:
        return None
    ends = np.array([[0, 0, 1], [CROP, 0, 1], [0, CROP, 1], [CROP, CROP, 1]])
    return ends @ align(face.landmarks, CROP).T


def compare_crops(source: Path, count: int, rounds: int) -> None:
    """Print the time of both searches per cut-out face, and how often they agree."""
    faces, search = read_cut_out(source, count), FaceFinder()
    usual = finder._UPRIGHT_LOGIT, finder.as_grey
    settings = {"full search": (math.inf, lambda image: image), "one look": usual}
    times: dict[str, list[float]] = {name: [] for name in settings}
    found: dict[str, list[np.ndarray | None]] = {}
    for _ in range(rounds):
        for name, (finder._UPRIGHT_LOGIT, finder.as_grey) in settings.items():
            start = time.process_time()
            results = [search.find_in_crop(face) for face in faces]
            times[name].append(1000 * (time.process_time() - start) / len(faces))
            found[name] = [corners(face) for face in results]
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"{name}: {middle:.2f} ms per face ({min(values):.2f}-{max(values):.2f})")
    pairs = list(zip(found["full search"], found["one look"], strict=True))
    agree = sum(
        one is other
        or (
            one is not None
            and other is not None
            and np.linalg.norm(one - other, axis=1).max() < 0.5
        )
        for one, other in pairs
    )
    ratio = statistics.median(
        full / one for full, one in zip(times["full search"], times["one look"], strict=True)
    )
    print(f"{ratio:.2f} times as fast; {agree} of {len(pairs)} agree to half a pixel")


def main() -> None:
    """Print the frames per second for each number of threads, or compare searches in crops."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sequences", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--crops", type=Path, help=".npz of grey faces, or folder of photos")
    parser.add_argument("--faces", type=int, default=1000, help="number of faces of --crops")
    options = parser.parse_args()
    if options.crops is not None:
        compare_crops(options.crops, options.faces, options.rounds)
        return
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

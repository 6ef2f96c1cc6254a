"""Measure the speed of recognition in a video, and whether memory grows with its length.

    python benchmarks/video.py --london ../shared/data/london
    python benchmarks/video.py --london ../shared/data/london --minutes 60 --chart memory.png

The video is made of real photos: two people of the London set in front of a photo, 1920 x 1080
pixels at 30 frames per second. Each face moves, turns a little and changes from neutral to a smile
and back. The video is written as H.264 and read by the functions of `degan predict`. The time
includes decoding, detection, tracking, recognition and smoothing. --minutes repeats the video to
measure memory: resident memory by minute, and the growth since the first minute.
"""

import argparse
import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw

from charts import memory_chart
from degan.media.images import RgbImage, read_image, write_image
from degan.media.video_writer import write_video
from degan.predict.call_settings import Plan
from degan.predict.inputs import Input
from degan.predict.records import Record
from degan.predict.run import predict

WIDTH, HEIGHT, RATE = 1920, 1080, 30
FACE = 420  # side of a pasted photo in pixels; the face is about 40 % of it
PERIOD = 4.0  # seconds from neutral to a smile and back


def frames(london: Path, people: list[str], seconds: float) -> Iterator[RgbImage]:
    """Yield the frames of the video."""
    coffee = Image.fromarray(skimage.data.coffee()).resize((WIDTH, HEIGHT))
    pairs = [
        [
            Image.fromarray(read_image(london / kind / f"{person}.jpg")).resize((FACE, FACE))
            for kind in ("neutral", "smiling")
        ]
        for person in people
    ]
    mask = Image.new("L", (FACE, FACE), 0)
    ImageDraw.Draw(mask).ellipse((8, 8, FACE - 8, FACE - 8), fill=255)
    rng = np.random.default_rng(0)
    noise = rng.integers(-2, 3, (8, HEIGHT, WIDTH, 1), dtype=np.int16)
    for number in range(round(seconds * RATE)):
        moment = number / RATE
        canvas = coffee.copy()
        for index, (calm, smile) in enumerate(pairs):
            phase = math.sin(2 * math.pi * moment / PERIOD + index)
            face = Image.blend(calm, smile, (1 + phase) / 2).rotate(
                8 * phase, Image.Resampling.BILINEAR
            )
            x = 250 + 900 * index + round(80 * math.sin(moment + index))
            y = 330 + round(50 * math.cos(0.7 * moment + index))
            canvas.paste(face, (x, y), mask)
        grainy = np.asarray(canvas).astype(np.int16) + noise[number % len(noise)]
        yield grainy.clip(0, 255).astype(np.uint8)


def resident() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Make the video, read it, print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--london", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the video")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=0.0, help="minutes to read for memory")
    parser.add_argument("--chart", type=Path, help="image file for a chart of memory")
    parser.add_argument("--keep", type=Path, help="write the video here")
    options = parser.parse_args()
    people = sorted(path.stem for path in (options.london / "neutral").glob("*.jpg"))[:2]
    with tempfile.TemporaryDirectory() as folder:
        film = options.keep or Path(folder) / "film.mp4"
        with write_video(film, RATE) as writer:
            for image in frames(options.london, people, options.seconds):
                writer.write(image)
        rates = [read_film(film) for _ in range(options.rounds)]
        wall, cpu = (statistics.median(values) for values in zip(*rates, strict=True))
        print(
            f"{WIDTH} x {HEIGHT}, two faces: {wall:.0f} frames per second "
            f"({min(one for one, _ in rates):.0f}-{max(one for one, _ in rates):.0f}); "
            f"{1000 / cpu:.1f} ms of processor time per frame"
        )
        if options.minutes:
            memory(film, options.minutes, options.seconds, options.chart)


def read_film(film: Path) -> tuple[float, float]:
    """Read the video; return frames per second of wall-clock time and of processor time."""
    count = [0, 0]

    def take(record: Record) -> None:
        count[0] += 1
        count[1] += len(record["faces"])

    wall, cpu = time.perf_counter(), time.process_time()
    predict(Plan([Input(film, film, "video")]), take)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{count[0]} frames, {count[1]} faces, {count[0] / wall:.1f} frames per second")
    return count[0] / wall, count[0] / cpu


def memory(film: Path, minutes: float, seconds: float, chart: Path | None) -> None:
    """Read the video repeatedly for some minutes; print memory and draw its chart."""
    points = []
    for number in range(math.ceil(60 * minutes / seconds)):
        predict(Plan([Input(film, film, "video")]), lambda record: None)
        points.append((seconds * (number + 1) / 60, resident()))
    settled = next(value for minute, value in points if minute >= min(1.0, points[-1][0]))
    last = points[-1]
    print(
        f"{last[0]:.1f} minutes read: {last[1]:.0f} MB resident, {last[1] - settled:+.1f} MB since "
        "the first minute"
    )
    if chart is not None:
        write_image(chart, memory_chart(points, f"{last[0]:.0f} minutes of video"))


if __name__ == "__main__":
    main()

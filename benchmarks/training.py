"""Measure the parts of the training time, and its growth with the number of images.

    python benchmarks/training.py
    python benchmarks/training.py --images 800 --rounds 5

One thread, preset ``fast``, both stages, on rendered people with seven expressions in memory.
Prints for each stage: images per second; the share of time for selecting and augmenting images; the
time with 2 and 4 times as many images, relative to 1; the speed-up of ``precision = "bfloat16"``.
All are medians of alternating rounds, with the range of the rounds.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from degan.config import Settings, override, preset
from degan.data.manifest import read_dataset
from degan.labels import EXPRESSIONS
from degan.synthetic.generate import synthesize
from degan.synthetic.plan import SynthesisSettings
from degan.system.progress import silent
from degan.training.augment import augment
from degan.training.classifier import ClassifierTrainer
from degan.training.gan import GanTrainer
from degan.training.loader import TrainingData, batches, load
from degan.training.run_directory import Log

TIMES = (1, 2, 4)
SEVEN = tuple(name for name in EXPRESSIONS if name != "contempt")


def people(folder: Path, images: int, settings: Settings) -> TrainingData:
    """Render people with about eight pictures each, like the peak frames of lab data sets."""
    choice = SynthesisSettings(
        people=images // 8, images=images, size=settings.network.input_size, expressions=SEVEN
    )
    synthesize(choice, folder, workers=1)
    dataset = read_dataset(folder)
    return load(dataset, range(images), settings.network, dataset.expressions)


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def first_stage(data: TrainingData, settings: Settings) -> float:
    """Return the seconds of one epoch of stage 1."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = GanTrainer(data, settings, Path(folder))
        return seconds(lambda: trainer._epoch(0, silent))


def second_stage(data: TrainingData, settings: Settings) -> float:
    """Return the seconds of one epoch of stage 2 in which the encoder is trained too."""
    with tempfile.TemporaryDirectory() as folder:
        moving = override(settings, ["classifier.encoder_rate=1.0"])
        encoder = GanTrainer(data, settings, Path(folder)).networks.encoder
        trainer = ClassifierTrainer(data, encoder, moving, Path(folder))
        return seconds(lambda: trainer.train(Log(Path(folder, "log.jsonl")), silent))


def data_alone(data: TrainingData, settings: Settings) -> float:
    """Return the seconds of selecting and augmenting the images of one epoch."""

    def work() -> None:
        for batch in batches(len(data), settings.gan.batch_size):
            images = data.inputs(batch).contiguous(memory_format=torch.channels_last)
            augment(images, settings.augment)

    return seconds(work)


def text(values: list[float], form: str) -> str:
    """Return the median and the range of values as text."""
    low, middle, high = (
        format(value, form) for value in (min(values), statistics.median(values), max(values))
    )
    return f"{middle} ({low}-{high})"


def main() -> None:
    """Print speed, shares and growth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=480, help="number of images at 1x")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = override(
        preset("fast"),
        ["gan.epochs=1", "gan.min_steps=0", "classifier.epochs=1", "classifier.min_steps=0"],
    )
    short = override(settings, ["precision='bfloat16'"])
    stages = {"stage 1": first_stage, "stage 2": second_stage}
    with tempfile.TemporaryDirectory() as folder:
        sets = {
            times: people(Path(folder, str(times)), times * options.images, settings)
            for times in TIMES
        }
    for stage in stages.values():  # the first call selects kernels and allocates memory
        stage(sets[1], settings)
        stage(sets[1], short)
    rows: dict[str, dict[int, list[float]]] = {
        name: {times: [] for times in TIMES} for name in (*stages, "data")
    }
    quicker: dict[str, list[float]] = {name: [] for name in stages}
    for _ in range(options.rounds):
        for times, data in sets.items():
            for name, stage in (*stages.items(), ("data", data_alone)):
                rows[name][times].append(stage(data, settings))
        for name, stage in stages.items():
            quicker[name].append(rows[name][1][-1] / stage(sets[1], short))
    for name in stages:
        rate = [options.images / value for value in rows[name][1]]
        pairs = zip(rows["data"][1], rows[name][1], strict=True)
        growth = []
        for times in TIMES[1:]:
            both = zip(rows[name][1], rows[name][times], strict=True)
            growth.append(f"{times}x: {text([more / one for one, more in both], '.2f')}")
        print(
            f"{name}: {text(rate, '.0f')} images/s; selection and augmentation "
            f"{text([data / whole for data, whole in pairs], '.1%')} of the time; "
            f"time at {', '.join(growth)}; bfloat16 {text(quicker[name], '.2f')} times as fast"
        )


if __name__ == "__main__":
    main()

"""Measure the speed of rendering synthetic people, on one core and with several processes.

    python benchmarks/synthetic.py
    python benchmarks/synthetic.py --prototype ../shared/synthetic/prototype --rounds 9

A round renders all pictures of some people as `degan synthesize` does (random parameters, mesh, 40
pictures of difficulty "varied"), at every size: once in memory, once with PNG files and the table
of factors on disk. Rounds alternate, so that a slower machine affects all settings. Prints medians
with the range of the rounds. BLAS runs on one thread.

--prototype also measures the earlier prototype of the renderer (it needs OpenCV 5 and SciPy) in the
same rounds: the same number of people and pictures, which are grey.
"""

import os

# Set before NumPy is imported; worker processes inherit it.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import contextlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from degan.synthetic.generate import render_person, synthesize
from degan.synthetic.plan import SynthesisSettings, person_in, shots_of
from degan.synthetic.renderer import prepare_person, render
from degan.system.machine import num_cpus

STATED = {48: "10-13 ms", 96: "21 ms"}  # times of the prototype, from its notes
Work = Callable[[int], None]  # renders the person with this number


def in_memory(settings: SynthesisSettings) -> Work:
    """Return a function that renders the pictures of a person without writing them."""

    def work(number: int) -> None:
        figure = prepare_person(person_in(settings, number))
        for shot in shots_of(settings, number):
            render(figure, shot.expression.actions, shot.scene, settings.size)

    return work


def on_disk(settings: SynthesisSettings, folder: Path) -> Work:
    """Return a function that renders the pictures of a person and writes them with factors."""
    return lambda number: render_person(settings, folder, number)


def prototype(folder: Path, size: int, images: int) -> Work:
    """Return a function that renders ``images`` pictures of a person with the prototype.

    Raises:
        ImportError: the prototype, or a library that it needs, is not installed.
        AttributeError: the version of OpenCV is too old.
    """
    if not hasattr(import_module("cv2"), "triangleRasterize"):
        raise AttributeError("this OpenCV has no triangleRasterize; version 5 is needed")
    sys.path.insert(0, str(folder))
    with contextlib.redirect_stdout(io.StringIO()):  # it prints on import
        module = import_module("syn")

    def work(number: int) -> None:
        rng = np.random.default_rng(number)
        person = module.identity(rng)
        for k in range(images):
            shown = module.expression(rng, module.EMO[k % len(module.EMO)])
            module.render(rng, person, shown, size=size, rgb=False)

    return work


def measure(
    works: dict[str, Work], rounds: int, people: int, images: int
) -> dict[str, list[float]]:
    """Return the pictures per second of each work in each round; all rounds have new people."""
    for work in works.values():
        work(0)  # compiles functions and loads files
    rates: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            for number in range(1 + turn * people, 1 + (turn + 1) * people):
                work(number)
            rates[name].append(people * images / (time.perf_counter() - start))
    return rates


def with_workers(workers: int, size: int, people: int, images: int) -> float:
    """Return the pictures per second of a whole `synthesize`, including process start."""
    settings = SynthesisSettings(people=people, images=people * images, size=size)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        synthesize(settings, Path(folder) / "people", workers=workers)
        return settings.images / (time.perf_counter() - start)


def show(name: str, rates: list[float]) -> None:
    """Print one line of the table."""
    middle = statistics.median(rates)
    print(
        f"{name:34} {middle:7.1f} faces/s ({min(rates):.1f}-{max(rates):.1f})"
        f"  {1000 / middle:6.2f} ms per face",
        flush=True,
    )


def show_ratio(name: str, above: list[float], below: list[float]) -> None:
    """Print the median and the range of the ratios of the rounds."""
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    middle = statistics.median(ratios)
    print(f"{name:34} {middle:7.2f} times ({min(ratios):.2f}-{max(ratios):.2f})", flush=True)


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[48, 96, 128], help="in pixels")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each setting (default 7)")
    parser.add_argument("--people", type=int, default=3, help="people per round (default 3)")
    parser.add_argument("--images", type=int, default=40, help="pictures per person (default 40)")
    parser.add_argument("--workers", type=int, default=num_cpus(), help="default: all processors")
    parser.add_argument("--prototype", type=Path, metavar="DIR", help="folder with syn.py")
    options = parser.parse_args()
    works: dict[str, Work] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            settings = SynthesisSettings(people=1, images=options.images, size=size)
            works[f"{size} px, in memory"] = in_memory(settings)
            works[f"{size} px, on disk"] = on_disk(settings, Path(folder) / f"{size}")
            if options.prototype is not None:
                try:
                    work = prototype(options.prototype, size, options.images)
                except (ImportError, AttributeError) as error:
                    print(f"the prototype cannot run: {error}")
                    options.prototype = None
                else:
                    works[f"{size} px, prototype"] = work
        rates = measure(works, options.rounds, options.people, options.images)
    print(f"One core, {options.rounds} rounds of {options.people} people, {options.images} each:")
    for name, values in rates.items():
        stated = STATED.get(int(name.split()[0])) if name.endswith("memory") else None
        show(name, values)
        if stated:
            print(f"{'  (prototype, from its notes)':34} {stated:>29}")
    for size in options.sizes:
        memory, disk = rates[f"{size} px, in memory"], rates[f"{size} px, on disk"]
        show_ratio(f"{size} px, on disk / in memory", disk, memory)
        if f"{size} px, prototype" in rates:
            show_ratio(f"{size} px, in memory / prototype", memory, rates[f"{size} px, prototype"])
    people = 10 * options.people
    print(f"A whole data set of {people} people, including the start of processes:")
    for workers in sorted({1, options.workers}):
        for size in options.sizes:
            spent = [
                with_workers(workers, size, people, options.images)
                for _ in range(min(3, options.rounds))
            ]
            show(f"{size} px, workers: {workers}", spent)


if __name__ == "__main__":
    main()

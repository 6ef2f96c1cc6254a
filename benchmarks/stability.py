"""Train many seeds and count failures: NaN, or a generator with the same face for all people.

    python benchmarks/stability.py --data data/ --out runs/stability
    python benchmarks/stability.py --data data/ --out runs/st --seeds 5 --set gan.min_steps=200

Every seed is a run of ``degan train`` in its own folder; the same command continues an interrupted
benchmark. Prints the error of each seed that failed. For the others, prints the diversity of the
generated faces (1: as diverse as the photos) and the largest mean gradient norm of an epoch.
"""

import argparse
import json
import math
from pathlib import Path

import torch

from degan.config import Settings, override, preset
from degan.data.manifest import read_dataset
from degan.errors import DeganError
from degan.system.machine import num_cpus
from degan.system.processes import run_in_processes
from degan.training.pipeline import train


def one_thread() -> None:
    """Use one thread per process."""
    torch.set_num_threads(1)


def run(data: Path, folder: Path, settings: Settings) -> None:
    """Train one seed; write an error to ``outcome.json`` instead of raising it."""
    dataset = read_dataset(data)
    outcome = {"failed": ""}
    try:
        train(dataset, range(len(dataset.samples)), settings, folder)
    except DeganError as error:
        outcome["failed"] = str(error)
    (folder / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")


def summary(folder: Path) -> tuple[str, list[float], list[float]]:
    """Return the error of a seed ("" if none), diversity and gradient norm of each epoch."""
    failed = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))["failed"]
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["stage"] == 1]
    gradients = [max(row["generator_gradient"], row["discriminator_gradient"]) for row in rows]
    return failed, [row.get("diversity", math.nan) for row in rows], gradients


def main() -> None:
    """Train all seeds and print the result of each one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--set", dest="changes", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=num_cpus())
    options = parser.parse_args()
    settings = override(preset(options.preset), options.changes)
    folders = {seed: options.out / f"seed-{seed:02d}" for seed in range(options.seeds)}
    tasks = [
        (options.data, folder, settings.model_copy(update={"seed": seed}))
        for seed, folder in folders.items()
        if not (folder / "outcome.json").exists()
    ]
    run_in_processes(run, tasks, options.jobs, option="--jobs", setup=one_thread)
    failures = 0
    for seed, folder in folders.items():
        failed, diverse, gradients = summary(folder)
        failures += bool(failed)
        last = f"diversity at the end {diverse[-1]:.2f}, largest gradient norm {max(gradients):.1f}"
        print(f"seed {seed}: {failed or last}")
    print(f"{failures} of {options.seeds} seeds failed")


if __name__ == "__main__":
    main()

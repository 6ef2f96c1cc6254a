"""Measure degan beside other libraries that read expressions, on the same photos, on one core.

    python benchmarks/peers.py
    python benchmarks/peers.py --photos ../shared/data/london --rounds 3 --out peers.json

Each library is installed by itself below build/peers (about 12 GB; degan as `pip install .` makes
it) and runs in a process of its own, pinned to one core, one thread, one process at a time. Rounds
take turns, so that a machine that slows down slows all alike. The main figure is the processor's
time, so that other work counts little; wall-clock times are in the file of --out.

A photo's time is from the file to the answer: decoding, finding faces, classifying all of them.
"classifier alone" is given faces that were found before, 64 of them, one at a time and at once.
"first s" is the processor's time of a new process up to its first answer, "RAM" the most memory
before batches, "disk" what the installation adds to an empty environment, both in MB.

"right" is the share of photos whose largest face was read as the folder's name says, among all
expressions that the library knows; "shared only" among those that the photos show. A photo without
a face, or with a tie at the top, counts as wrong. Intervals are 95 %, by bootstrap over people.

What is looked for differs: degan finds faces at every angle and down to 40 pixels, the others
upright ones: fer by its cascade from 50 pixels on, by MTCNN from 20, facex from 24, human one face
a photo. TensorFlow.js runs in WebAssembly: its native build downloads a library when installed.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from degan.data.datasets import folder
from degan.data.protocol import Protocol
from degan.errors import DeganError
from degan.system.files import atomic_write
from peers.catalog import NOT_MEASURED, PEERS, ROOT, Peer
from peers.environment import InstallError, prepare
from peers.summary import Photo, figures, parse_result, reason, tables

SCRIPTS = Path(__file__).resolve().parent / "peers"
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    ),
    "1",
)
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def labelled(path: Path) -> list[Photo]:
    """Return the photos of a folder with one folder an expression."""
    sources = [one for found in folder.read(path, Protocol()).recordings for one in found.sources]
    return [Photo(str(one.picture), one.expression, one.subject) for one in sources]


def run(peer: Peer, place: Path, photos: list[Photo], core: int) -> dict[str, Any]:
    """Return the result of one process.

    Raises:
        ValueError: it failed; the message says how in one line.
    """
    program = place / "bin" / "python" if peer.environment.kind == "pip" else "node"
    job = {"photos": [photo.path for photo in photos], "variant": peer.variant}
    done = subprocess.run(
        ["taskset", "-c", str(core), program, SCRIPTS / peer.script],
        input=json.dumps({**job, "started": time.time()}),
        capture_output=True,
        text=True,
        check=False,
        cwd=place,
        env={**os.environ, **ONE_THREAD, **QUIET},
    )
    if done.returncode < 0:
        raise ValueError(f"it crashed ({signal.Signals(-done.returncode).name})")
    if done.returncode:
        raise ValueError(reason(done.stderr, done.returncode))
    return parse_result(done.stdout)


def machine(core: int) -> dict[str, Any]:
    """Return what was measured on."""
    model = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {
        "processor": model[0].partition(":")[2].strip() if model else platform.machine(),
        "cores": os.cpu_count(),
        "core": core,
        "system": platform.platform(),
        "date": time.strftime("%Y-%m-%d %H:%M"),
    }


def chosen(names: list[str] | None) -> list[Peer]:
    """Return the peers of some names, or all; degan is always the first."""
    unknown = set(names or ()) - {peer.name for peer in PEERS}
    if unknown:
        sys.exit(f"no peer is called {', '.join(sorted(unknown))}; see --help")
    return [peer for peer in PEERS if not names or peer.name in names or peer is PEERS[0]]


def install(peers: list[Peer], cache: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return where each peer's environment is and what is known of it, and why others have none."""
    told: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for peer in peers:
        print(f"{peer.name}: environment", file=sys.stderr, flush=True)
        try:
            place, facts = prepare(peer.environment, cache)
            told[peer.name] = {"note": peer.note, "place": str(place), **facts, "rounds": []}
        except InstallError as error:
            failed[peer.name] = str(error)
    return told, failed


def measure(
    told: dict[str, Any], photos: list[Photo], rounds: int, core: int
) -> tuple[dict[str, str], list[float]]:
    """Add the rounds and figures of each peer to what is told of it; those that fail are taken out.

    Returns:
        Why they failed, and the machine's load before each round and after the last.
    """
    failed: dict[str, str] = {}
    loads = [os.getloadavg()[0]]
    for number in range(rounds):
        for peer in [peer for peer in PEERS if peer.name in told]:
            print(f"round {number + 1}: {peer.name}", file=sys.stderr, flush=True)
            try:
                result = run(peer, Path(told[peer.name]["place"]), photos, core)
                told[peer.name]["rounds"].append(result)
                told[peer.name]["figures"] = figures(told[peer.name]["rounds"], photos)
            except (ValueError, DeganError) as error:
                failed[peer.name] = str(error)
                del told[peer.name]
        loads.append(os.getloadavg()[0])
    return failed, loads


def arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    cores = os.sched_getaffinity(0)
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="peers:\n" + "\n".join(f"  {peer.name}: {peer.note}" for peer in PEERS),
    )
    parser.add_argument("--photos", type=Path, default=ROOT / "examples" / "london")
    parser.add_argument("--envs", type=Path, default=ROOT / "build" / "peers", help="cache folder")
    parser.add_argument("--peer", action="append", help="a peer's name; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=max(cores))
    parser.add_argument("--out", type=Path, help="a JSON file with all that was measured")
    options = parser.parse_args()
    if options.rounds < 1 or options.core not in cores:
        parser.error(f"rounds are 1 or more; cores are {', '.join(map(str, sorted(cores)))}")
    if shutil.which("taskset") is None:
        parser.error("taskset is missing; install util-linux")
    return options


def main() -> None:
    """Install what is not there, run the rounds, print the tables."""
    options = arguments()
    root = options.photos.resolve()
    try:
        photos = labelled(root)
    except DeganError as error:
        sys.exit(str(error))
    told, failed = install(chosen(options.peer), options.envs.resolve())
    crashed, loads = measure(told, photos, options.rounds, options.core)
    failed = {**failed, **crashed, **NOT_MEASURED}
    people = len({photo.subject for photo in photos})
    print(f"{len(photos)} photos of {people} people, {options.rounds} rounds")
    print(f"load of the machine {', '.join(f'{load:.1f}' for load in loads)}\n")
    print(tables(told, len(photos)))
    print("\nNot measured:")
    for name, why in failed.items():
        print(f"  {name}: {why}")
    if options.out:
        everything = {
            "machine": machine(options.core),
            "load": loads,
            "photos": [Path(photo.path).relative_to(root).as_posix() for photo in photos],
            "peers": told,
            "not_measured": failed,
        }
        with atomic_write(options.out) as part:
            part.write_text(json.dumps(everything, indent=1), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

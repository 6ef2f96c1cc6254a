"""Compare degan with other libraries for expression recognition, on the same photos and one core.

    python benchmarks/peers.py
    python benchmarks/peers.py --photos ../shared/data/london --rounds 3 --out peers.json

Each library is installed in its own environment below build/peers (about 12 GB; degan with
`pip install .`). It runs in its own process, pinned to one core, one thread, one process at a time.
Rounds alternate between libraries, so that a slower machine affects all of them. The main result is
processor time, which depends little on other work; wall-clock times are in the file of --out.

The time of a photo is from the file to the prediction: decoding, face detection, classification of
all faces. "classifier alone" is for 64 faces detected before, one at a time and in one batch.
"first s" is the processor time of a new process up to its first prediction, "RAM" the peak memory
before batches, "disk" the size added to an empty environment, both in MB.

"right" is the share of photos whose largest face has the expression of the folder name, among all
expressions of the library; "shared only": among the expressions of the photos. A photo without a
face, or with two most probable expressions, counts as wrong. Intervals are 95 %, a bootstrap over
people.

Detection differs: degan finds faces at every angle from 40 pixels on, the others upright faces: fer
from 50 pixels on with its cascade, from 20 with MTCNN, facex from 24, human one face per photo.
TensorFlow.js runs in WebAssembly, because its native build downloads a library during installation.
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
    """Return the photos of a folder with one subfolder per expression."""
    sources = [one for found in folder.read(path, Protocol()).recordings for one in found.sources]
    return [Photo(str(one.picture), one.expression, one.subject) for one in sources]


def run(peer: Peer, place: Path, photos: list[Photo], core: int) -> dict[str, Any]:
    """Run the script of a peer and return its result.

    Raises:
        ValueError: the script failed; the message has the reason in one line.
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
        raise ValueError(f"the process crashed ({signal.Signals(-done.returncode).name})")
    if done.returncode:
        raise ValueError(reason(done.stderr, done.returncode))
    return parse_result(done.stdout)


def machine(core: int) -> dict[str, Any]:
    """Return a description of the machine."""
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
    """Return the peers with these names, or all; degan is always included, as the first."""
    unknown = set(names or ()) - {peer.name for peer in PEERS}
    if unknown:
        sys.exit(f"there is no peer {', '.join(sorted(unknown))}; see --help")
    return [peer for peer in PEERS if not names or peer.name in names or peer is PEERS[0]]


def install(peers: list[Peer], cache: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Install the environments of peers.

    Returns:
        For each installed peer its folder and facts; for each of the others the reason.
    """
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
    """Run the rounds and add results to ``told``; a peer that fails is removed from it.

    Returns:
        The reason for each removed peer, and the load of the machine before each round and after
        the last.
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
    """Parse the command line."""
    cores = os.sched_getaffinity(0)
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="peers:\n" + "\n".join(f"  {peer.name}: {peer.note}" for peer in PEERS),
    )
    parser.add_argument("--photos", type=Path, default=ROOT / "examples" / "london")
    parser.add_argument("--envs", type=Path, default=ROOT / "build" / "peers", help="cache folder")
    parser.add_argument("--peer", action="append", help="name of a peer; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=max(cores))
    parser.add_argument("--out", type=Path, help="JSON file for all measurements")
    options = parser.parse_args()
    if options.rounds < 1 or options.core not in cores:
        parser.error(f"--rounds must be 1 or more; cores are {', '.join(map(str, sorted(cores)))}")
    if shutil.which("taskset") is None:
        parser.error("taskset is not installed; install util-linux")
    return options


def main() -> None:
    """Install missing environments, run the rounds, print the tables."""
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

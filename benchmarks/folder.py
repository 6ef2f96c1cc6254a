"""Measure speed and memory of `degan predict` on a large folder with some broken photos.

    python benchmarks/folder.py --london ../shared/data/london
    python benchmarks/folder.py --london ../shared/data/london --photos 50000 --chart memory.png
    python benchmarks/folder.py --london ../shared/data/london --photos 100000 --done 99000

The folder has links to 200 photos of the London set, scaled to 256 px, and a share of broken files
of four kinds: truncated, empty, text named .jpg, and a PNG with a wrong check sum. `degan predict
FOLDER -o out.csv` runs in its own process. Once a second, the resident memory of this process and
its children is added up, and the records in its journal are counted.

Wall-clock times include other work on the machine; processor time does not.

--done N begins with a journal with N finished photos, like after a killed command. The time until
the first record is then the time to continue.
"""

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from charts import memory_chart
from degan.media.images import write_image
from degan.predict.call_settings import Plan
from degan.predict.inputs import find_inputs
from degan.predict.journal import Journal
from degan.predict.records import Record, printable
from degan.predict.run import predict

SIDE = 256
DISTINCT = 200
FOLDER = 1000  # photos per folder
SETTLED = 2000  # minimum number of photos for a trend, without the start
PAGE = os.sysconf("SC_PAGE_SIZE")


class Sample(NamedTuple):
    """One measurement: seconds from the start, records so far, resident memory in MB."""

    seconds: float
    records: int
    memory: float


def make(london: Path, folder: Path, photos: int, broken: float) -> int:
    """Fill a folder with links to photos, evenly mixed; return the number of broken ones."""
    sources = folder / "sources"
    sources.mkdir(parents=True)
    good: list[Path] = []
    for path in islice(sorted(london.glob("*/*.jpg")), DISTINCT):
        good.append(sources / f"{path.parent.name}-{path.name}")
        with Image.open(path) as image:
            image.convert("RGB").resize((SIDE, SIDE)).save(good[-1], quality=90)
    bad = [sources / name for name in ("cut.jpg", "empty.jpg", "words.jpg", "crc.png")]
    whole = good[0].read_bytes()
    bad[0].write_bytes(whole[: len(whole) // 3])
    bad[1].write_bytes(b"")
    bad[2].write_text("these are words")
    with Image.open(good[0]) as image:
        image.save(bad[3])
    png = bytearray(bad[3].read_bytes())
    png[len(png) // 2] ^= 0xFF
    bad[3].write_bytes(png)
    wanted = round(photos * broken)
    places = {int((number + 0.5) * photos / wanted) for number in range(wanted)}
    goods, bads = cycle(good), cycle(bad)
    for number in range(photos):
        source = next(bads if number in places else goods)
        place = folder / "in" / f"{number // FOLDER:03d}" / f"{number:06d}{source.suffix}"
        if number % FOLDER == 0:
            place.parent.mkdir(parents=True)
        place.hardlink_to(source)
    return len(places)


def pretend(folder: Path, out: Path, done: int) -> None:
    """Write a journal with the first ``done`` photos of a folder as finished."""
    plan = Plan(find_inputs([folder / "in"]))
    records: list[Record] = []
    predict(Plan(plan.inputs[:1]), records.append)
    journal = Journal(out, plan.journal_key)
    for one in plan.inputs[:done]:
        journal.write({**records[0], "path": printable(one.path)})
    journal.close()


def resident(process: int) -> float:
    """Return the resident memory of a process and its children in MB."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        children = [
            int(child)
            for task in Path(f"/proc/{process}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # the process has ended
        return 0.0
    return pages * PAGE / 2**20 + sum(resident(child) for child in children)


def watched(command: list[str], journal: Path) -> tuple[list[Sample], float, str]:
    """Run a command; return the measurements, its duration in seconds, and its output."""
    begin, samples, place, records = time.perf_counter(), [], 0, -1
    if journal.exists():
        place = journal.stat().st_size
        records = journal.read_bytes().count(b"\n") - 1
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT)
        while process.poll() is None:
            if journal.exists():
                with journal.open("rb") as file:
                    file.seek(place)
                    new = file.read()
                place, records = place + len(new), records + new.count(b"\n")
            samples.append(Sample(time.perf_counter() - begin, records, resident(process.pid)))
            time.sleep(1.0 if len(samples) > 50 else 0.1)  # more often at the start
        seconds = time.perf_counter() - begin
        told.seek(0)
        said = told.read()
    if process.returncode:
        sys.exit(f"the command failed:\n{said}")
    return samples, seconds, said


def figures(samples: list[Sample], seconds: float, out: Path, photos: int, before: int) -> None:
    """Print speed, errors and memory."""
    with out.open(encoding="utf-8", newline="") as file:
        errors = [row["error"] for row in csv.DictReader(file) if row["error"]]
    broken = sum(error != "no face found" for error in errors)
    first = next((one.seconds for one in samples if one.records > before), seconds)
    last = next((one.seconds for one in samples if one.records >= photos), seconds)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = 1000 * (spent.ru_utime + spent.ru_stime) / (photos - before)
    print(
        f"{photos} photos, {broken} broken, {len(errors) - broken} without a face, in "
        f"{seconds:.0f} s: {(photos - before) / seconds:.1f} photos per second, {cpu:.1f} ms of "
        "processor time each\n"
        f"first record after {first:.1f} s, table {seconds - last:.1f} s after the last record"
    )
    shares = {
        share: next((one.memory for one in samples if one.records >= share * photos), None)
        for share in (0.1, 0.5)
        if share * photos > before
    } | {1.0: samples[-2].memory if len(samples) > 1 else samples[-1].memory}
    told = [f"{value:.0f} MB at {share:.0%}" for share, value in shares.items() if value]
    print(f"memory: {', '.join(told)}, at most {max(one.memory for one in samples):.0f} MB")
    begin = before + 0.1 * (photos - before)
    settled = [one for one in samples if one.records >= begin and one.seconds <= last]
    if settled and settled[-1].records - settled[0].records >= SETTLED:
        line = statistics.linear_regression(
            [one.records for one in settled], [one.memory for one in settled]
        )
        print(f"trend after the first tenth: {line.slope * 2**20:+.0f} bytes per photo")


def main() -> None:
    """Make the folder, run `degan predict` on it, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--london", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--broken", type=float, default=0.01, help="share of broken photos")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--done", type=int, default=0, help="number of photos already finished")
    parser.add_argument("--chart", type=Path, help="image file for a chart of memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place), Path(place) / "out.csv"
        made = make(options.london, folder, options.photos, options.broken)
        print(f"{options.photos} photos made, {made} of them broken", flush=True)
        if options.done:
            pretend(folder, out, options.done)
        words = ["-o", str(out), "--jobs", str(options.jobs)]
        command = [sys.executable, "-m", "degan", "predict", str(folder / "in"), *words]
        samples, seconds, said = watched(command, out.with_name("out.csv.partial"))
        print(said.strip().splitlines()[-2])
        figures(samples, seconds, out, options.photos, options.done)
    if options.chart is not None:
        points = [(float(one.records), one.memory) for one in samples if one.records > 0]
        write_image(options.chart, memory_chart(points, f"{options.photos} photos"))


if __name__ == "__main__":
    main()

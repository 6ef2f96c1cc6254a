"""Signals: Ctrl-C, SIGTERM and SIGHUP end any verb in a sentence and keep the state."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

STOPS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def begin(*words, wrapper=(), **choices):
    return subprocess.Popen(
        [*wrapper, sys.executable, "-m", "degan", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **choices,
    )


def wait_for(condition, process):
    end = time.monotonic() + 60
    while not condition() and process.poll() is None:
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def many(tmp_path_factory, examples):
    """Folder of 48 photos of two classes."""
    folder = tmp_path_factory.mktemp("many")
    for path in sorted(examples.glob("*/*.jpg")):
        (folder / path.parent.name).mkdir(exist_ok=True)
        for copy in "ab":
            shutil.copy(path, folder / path.parent.name / f"{copy}{path.name}")
    return folder


@pytest.mark.parametrize(("number", "code"), STOPS)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stopped_table_is_continued(many, tmp_path, number, code, jobs):
    out, partial = tmp_path / "t.jsonl", tmp_path / "t.jsonl.partial"
    process = begin("predict", many, "-o", out, "--jobs", jobs)
    wait_for(lambda: partial.exists() and b'"faces"' in partial.read_bytes(), process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert stderr.endswith("degan: stopped; the same command continues the work\n")
    assert "Traceback" not in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["t.jsonl.partial"]
    process = begin("predict", many, "-o", out, "--jobs", jobs)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert "48 photos" in stdout


@pytest.mark.parametrize(("number", "code"), STOPS)
def test_a_stopped_preparation_is_continued(many, tmp_path, number, code):
    out = tmp_path / "data"
    crops = tmp_path / "data.partial/crops"
    process = begin("prepare", "folder", many, out, "--jobs", 1)
    wait_for(lambda: any(crops.rglob("*.png")), process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert stderr.endswith("degan: stopped; the same command continues the work\n")
    assert [path.name for path in tmp_path.iterdir()] == ["data.partial"]
    assert not list(tmp_path.rglob("*.tmp"))
    process = begin("prepare", "folder", many, out)
    stdout, stderr = process.communicate(timeout=60)
    assert "48 faces" in stdout, stderr


@pytest.mark.parametrize(("number", "code"), STOPS)
def test_workers_end_with_the_command(tmp_path, number, code):
    process = begin(
        "synthesize", tmp_path / "out", "--people", 40, "--images", 4000, "--workers", 2
    )
    wait_for(lambda: any((tmp_path / "out.partial").rglob("*.png")), process)
    before = children(process.pid)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert "Traceback" not in stderr
    assert before
    end = time.monotonic() + 20
    while any(map(alive, before)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(alive, before))


def children(parent):
    text = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    ).stdout
    return [int(pid) for pid in text.split()]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text()  # a zombie does nothing any more
    return state.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(("number", "code"), STOPS)
def test_a_signal_to_the_whole_group_is_no_killed_process(tmp_path, number, code):
    """A terminal that closes, and ``timeout``, send the signal to the workers too."""
    process = begin(
        *("synthesize", tmp_path / "out", "--people", 40, "--images", 4000, "--workers", 2),
        start_new_session=True,
    )
    wait_for(lambda: any((tmp_path / "out.partial").rglob("*.png")), process)
    os.killpg(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert stderr.endswith("degan: stopped; the same command continues the work\n")


def test_nohup_goes_on(many, tmp_path):
    out, partial = tmp_path / "t.jsonl", tmp_path / "t.jsonl.partial"
    process = begin("predict", many, "-o", out, wrapper=["nohup"])
    wait_for(lambda: partial.exists() and b'"faces"' in partial.read_bytes(), process)
    process.send_signal(signal.SIGHUP)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert out.exists()


@pytest.mark.parametrize(("number", "code"), STOPS)
def test_a_signal_waits_for_the_end_of_an_import(tmp_path, number, code):
    """An exception inside of an import may abort a library in C++."""
    (tmp_path / "slow_module.py").write_text(
        f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(0.3)\n"
        "print('whole', flush=True)\n"
    )
    command = (
        "import sys\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from degan.cli import app\n"
        "def run(**_):\n"
        "    import slow_module, time\n"
        "    time.sleep(60)\n"
        "app.app = run\n"
        "from degan.__main__ import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == code, done.stderr
    assert done.stdout == "whole\n"
    assert done.stderr.startswith("degan: stopped")


@pytest.mark.slow
@pytest.mark.parametrize(
    "verb", ["predict {many}", "look {data}", "train {out} --data {data}", "report {data}"]
)
def test_ctrl_c_at_any_moment_is_a_sentence(many, faces, tmp_path, verb):
    """Also while torch and other modules are imported; Python itself needs 0.1 s to begin."""
    words = verb.format(many=many, data=faces.folder, out=tmp_path / "out").split()
    for tenths in range(2, 40, 3):
        process = begin(*words)
        time.sleep(tenths / 10)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        assert "Traceback" not in stderr, (tenths, stderr)
        if process.returncode in (0, 2, -signal.SIGINT):  # done, or refused, before the signal
            assert tenths > 2
            break
        assert process.returncode == 130, (tenths, stderr)
        assert "degan: stopped" in stderr, (tenths, stderr)

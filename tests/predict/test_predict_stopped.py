"""``degan predict`` that is stopped: by Ctrl-C, or because nobody reads on."""

import json
import shutil
import signal
import subprocess
import sys

import pytest


@pytest.fixture
def running(examples, tmp_path):
    """Starts the command in a process of its own on a folder of 48 photos."""
    folder = tmp_path / "in"
    folder.mkdir()
    for path in sorted(examples.glob("*/*.jpg")):
        for copy in "ab":
            shutil.copy(path, folder / f"{copy}-{path.parent.name}-{path.name}")
    begun = []

    def run(*words):
        begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "degan", "predict", str(folder), *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return begun[-1]

    yield run
    for process in begun:
        process.kill()
        process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of POSIX")
class TestProcess:
    @pytest.mark.parametrize("jobs", ["1", "2"])
    def test_ctrl_c_says_that_it_continues_and_it_does(self, running, tmp_path, jobs):
        out, partial = tmp_path / "t.jsonl", tmp_path / "t.jsonl.partial"
        process = running("-o", str(out), "--jobs", jobs)
        while process.poll() is None and not (
            partial.exists() and b'"faces"' in partial.read_bytes()
        ):
            pass
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 130, stderr
        assert "stopped; the same command continues the work" in stderr
        assert "Traceback" not in stderr
        assert not out.exists()
        kept = [json.loads(line) for line in partial.read_bytes().splitlines()[1:]]
        assert all(record.pop("stamp") for record in kept)
        assert 0 < len(kept) < 48
        process = running("-o", str(out), "--jobs", jobs)
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
        assert "48 faces in 48 photos" in stdout.replace("\n", "")
        records = [json.loads(line) for line in out.read_bytes().splitlines()]
        assert records[: len(kept)] == kept
        assert [record["path"] for record in records] == sorted(
            record["path"] for record in records
        )
        assert not partial.exists()

    def test_of_two_at_once_the_second_is_refused_and_a_killed_one_is_in_nobodys_way(
        self, running, tmp_path
    ):
        out, partial = tmp_path / "t.jsonl", tmp_path / "t.jsonl.partial"
        first = running("-o", str(out), "--jobs", "1")
        while first.poll() is None and not (
            partial.exists() and b'"faces"' in partial.read_bytes()
        ):
            pass
        first.send_signal(signal.SIGSTOP)  # or it might be done before the second begins
        second = running("-o", str(out), "--jobs", "1")
        _, stderr = second.communicate(timeout=60)
        assert second.returncode == 2
        assert f"another degan command is writing {partial}; wait for it" in stderr
        assert "Traceback" not in stderr
        first.kill()
        first.wait()
        kept = len(partial.read_bytes().splitlines()) - 1
        assert kept > 0
        third = running("-o", str(out), "--jobs", "1")
        stdout, stderr = third.communicate(timeout=60)
        assert third.returncode == 0, stderr
        assert "48 faces in 48 photos" in stdout.replace("\n", "")
        paths = [json.loads(line)["path"] for line in out.read_bytes().splitlines()]
        assert len(paths) == len(set(paths)) == 48

    def test_without_a_file_it_says_that_it_starts_again(self, running):
        process = running("--json", "--jobs", "1")
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "the same command starts again" in stderr

    def test_whoever_reads_may_stop_reading(self, running):
        for form, jobs in (("--json", "1"), ("--csv", "2")):
            process = running(form, "--jobs", jobs)
            assert process.stdout.readline()
            process.stdout.close()
            stderr = process.stderr.read()
            assert process.wait(timeout=60) in (0, 1)
            assert "Traceback" not in stderr
            assert "degan:" not in stderr

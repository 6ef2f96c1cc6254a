"""Standard streams of the command: in any encoding, closed, full, or a pipe that nobody reads."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys

import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")

NAME = "雪é\x1b[31m.jpg"


@pytest.fixture(scope="module")
def photos(tmp_path_factory, examples):
    """Folder with a photo of a name that few encodings have, and one that is no photo."""
    folder = tmp_path_factory.mktemp("in")
    shutil.copy(next(iter(sorted((examples / "smiling").glob("*.jpg")))), folder / NAME)
    (folder / "bad-雪.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture(scope="module")
def shell(photos):
    """Function that runs a line of a shell in the folder of the photos; ``$degan`` is degan."""

    def run(line, **env):
        return subprocess.run(
            ["bash", "-c", line],
            capture_output=True,
            cwd=photos,
            env={**os.environ, "degan": f"{sys.executable} -m degan", **env},
            timeout=120,
            check=False,
        )

    return run


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1:strict", "utf-8"])
class TestEncodings:
    def test_data_is_utf_8(self, shell, encoding):
        done = shell("$degan predict . --csv", PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr
        rows = list(csv.DictReader(io.StringIO(done.stdout.decode("utf-8"))))
        assert {row["path"] for row in rows} == {NAME, "bad-雪.jpg"}
        done = shell("$degan predict . --json", PYTHONIOENCODING=encoding)
        rows = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
        assert {row["path"] for row in rows} == {NAME, "bad-雪.jpg"}

    def test_tables_and_notes_degrade(self, shell, encoding):
        done = shell("$degan predict .", PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr
        text = done.stdout.decode(encoding.partition(":")[0])
        assert "happiness" in text
        assert r"\x1b[31m.jpg" in text
        assert ("雪" in text) == (encoding == "utf-8")
        assert b"Traceback" not in done.stderr

    def test_the_help_is_printed(self, shell, encoding):
        done = shell("$degan predict --help; $degan datasets", PYTHONIOENCODING=encoding)
        assert b"Traceback" not in done.stderr
        assert b"FER2013" in done.stdout


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_any_locale_will_do(shell, locale):
    done = shell(
        "$degan predict .", LC_ALL=locale, PYTHONCOERCECLOCALE="0", PYTHONUTF8="0", LANG=locale
    )
    assert done.returncode == 0, done.stderr
    assert b"happiness" in done.stdout


@pytest.mark.parametrize(
    "verb", ["datasets", "--version", "predict . --csv", "predict .", "--help"]
)
class TestBrokenStreams:
    def test_a_full_disk_is_one_sentence(self, shell, verb):
        done = shell(f"$degan {verb} >/dev/full")
        assert done.returncode == 2
        sentence = done.stderr.decode().splitlines()[-1]
        assert sentence.startswith("degan: cannot write to standard output (No space left")
        assert b"Traceback" not in done.stderr

    def test_a_closed_output_is_one_sentence_before_any_work(self, shell, verb):
        done = shell(f"$degan {verb} >&-")
        assert done.returncode == 2
        assert done.stderr == (
            b"degan: standard output is closed; redirect it to a file or /dev/null\n"
        )

    def test_notes_that_cannot_be_printed_change_nothing(self, shell, verb):
        whole = shell(f"$degan {verb}")
        for stream in ("2>&-", "2>/dev/full", "2>&- <&-"):
            done = shell(f"$degan {verb} {stream}")
            assert (done.returncode, done.stdout) == (whole.returncode, whole.stdout)
            assert not done.stderr

    def test_a_pipe_that_nobody_reads_ends_in_silence(self, shell, verb):
        done = shell(
            f"$degan {verb} 2>err.txt | true; echo ${{PIPESTATUS[0]}}; cat err.txt; rm err.txt"
        )
        code, *said = done.stdout.decode().splitlines()
        assert code in ("0", "1")  # 0: all was in the pipe before its reader ended
        assert not [line for line in said if "Traceback" in line or "Broken" in line]


def test_a_closed_input_is_one_sentence(shell):
    done = shell("$degan predict - <&-")
    assert done.returncode == 2
    assert done.stderr == b"degan: standard input is closed; pipe a photo or a video into it\n"


def test_a_file_never_gets_the_number_of_a_closed_stream(shell, photos):
    """A library that prints to descriptor 2 would print into the file."""
    code = "import os, sys; from degan.cli.streams import open_streams; open_streams();"
    code += "print(os.open('x.txt', os.O_CREAT | os.O_WRONLY) > 2)"
    done = shell(f'{sys.executable} -c "{code}" 2>&- <&-; rm x.txt')
    assert done.stdout == b"True\n"


def test_results_that_were_printed_before_the_disk_was_full_stay(shell, photos, tmp_path):
    Image.new("RGB", (64, 64)).save(photos / "c.jpg")
    done = shell("$degan predict . -o out.csv >/dev/full")
    assert done.returncode == 2
    assert (photos / "out.csv").exists()  # only the last line could not be printed
    (photos / "out.csv").unlink()
    (photos / "c.jpg").unlink()

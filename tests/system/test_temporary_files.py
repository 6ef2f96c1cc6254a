"""Temporary files: none stays, except those of a killed process, which the next call removes."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from degan.errors import DeganError
from degan.system.files import append_line, atomic_write, write_text
from degan.system.folder_lock import locked
from degan.system.temporary_files import remove_abandoned, temporary_file
from degan.system.writable import check_file_writable, check_folder_writable

HOLD = """
import sys, time
from pathlib import Path
from degan.system.files import atomic_write
with atomic_write(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print(temporary, flush=True)
    time.sleep(60)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def writer():
    """Function that starts a process which writes a file and never ends it."""
    begun = []

    def begin(path):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True
        )
        begun.append(process)
        return process, Path(process.stdout.readline().strip())

    yield begin
    for process in begun:
        process.kill()
        process.wait()


def test_a_file_appears_whole_and_nothing_else_stays(tmp_path):
    with atomic_write(tmp_path / "out.txt") as temporary:
        temporary.write_text("whole")
        assert not (tmp_path / "out.txt").exists()
    assert names(tmp_path) == ["out.txt"]
    with pytest.raises(ValueError, match="own"), atomic_write(tmp_path / "out.txt") as temporary:
        temporary.write_text("half")
        raise ValueError("own")
    assert names(tmp_path) == ["out.txt"]
    assert (tmp_path / "out.txt").read_text() == "whole"


@pytest.mark.skipif(os.name != "posix", reason="names may be shorter elsewhere")
@pytest.mark.parametrize("name", ["n" * 255, "é" * 127])
def test_a_name_of_the_maximum_length_can_be_written(tmp_path, name):
    check_file_writable(tmp_path / name)
    write_text(tmp_path / name, "text")
    assert names(tmp_path) == [name]


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
class TestLinks:
    def test_the_file_behind_a_link_is_replaced_not_the_link(self, tmp_path):
        (tmp_path / "disk").mkdir()
        (tmp_path / "disk/real.txt").write_text("old")
        (tmp_path / "link.txt").symlink_to("disk/real.txt")
        write_text(tmp_path / "link.txt", "new")
        assert (tmp_path / "link.txt").is_symlink()
        assert (tmp_path / "disk/real.txt").read_text() == "new"

    def test_a_link_to_a_file_that_does_not_exist_yet_is_followed(self, tmp_path):
        (tmp_path / "link.txt").symlink_to("disk/real.txt")
        check_file_writable(tmp_path / "link.txt")
        write_text(tmp_path / "link.txt", "new")
        assert (tmp_path / "disk/real.txt").read_text() == "new"


class TestAbandoned:
    @pytest.mark.skipif(os.name != "posix", reason="files without locks wait for a day on Windows")
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_a_file_of_a_killed_process_is_removed_by_the_next_call(self, tmp_path, writer, number):
        process, temporary = writer(tmp_path / "a.txt")
        process.send_signal(number)
        process.wait()
        assert temporary.exists()
        check_file_writable(tmp_path / "b.txt")
        assert not names(tmp_path)

    def test_a_file_of_a_running_process_is_left_alone(self, tmp_path, writer):
        _, temporary = writer(tmp_path / "a.txt")
        check_file_writable(tmp_path / "b.txt")
        check_folder_writable(tmp_path)
        with locked(tmp_path):
            pass
        assert temporary.exists()

    def test_a_file_of_this_process_is_left_alone(self, tmp_path):
        with temporary_file(tmp_path) as temporary:
            remove_abandoned(tmp_path)
            assert temporary.exists()

    def test_files_of_other_programs_are_left_alone(self, tmp_path):
        others = [".a.txt.1234abcd.tmp", ".degan-1234abcd.tmp.bak", "x.tmp", ".degan-1.tmp"]
        for name in others:
            (tmp_path / name).touch()
        (tmp_path / ".degan-12345678.tmp").mkdir()
        remove_abandoned(tmp_path)
        assert names(tmp_path) == sorted([*others, ".degan-12345678.tmp"])

    @pytest.mark.skipif(os.name != "posix", reason="files without locks wait for a day on Windows")
    def test_a_lock_of_a_folder_removes_them_too(self, tmp_path):
        (tmp_path / ".degan-1234abcd.tmp").touch()
        with locked(tmp_path):
            assert names(tmp_path) == [".lock.tmp"]

    def test_of_many_writers_and_sweepers_none_loses_a_file(self, tmp_path):
        failed = []

        def work(number):
            for step in range(40):
                try:
                    write_text(tmp_path / f"{number}.txt", str(step))
                except DeganError as error:
                    failed.append(error)

        def sweep():
            for _ in range(200):
                remove_abandoned(tmp_path)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        threads += [threading.Thread(target=sweep) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        assert names(tmp_path) == [f"{number}.txt" for number in range(4)]


class TestWritable:
    def test_nothing_is_left_behind(self, tmp_path):
        check_file_writable(tmp_path / "deep/er/x.csv")
        check_folder_writable(tmp_path / "deep/er")
        assert not names(tmp_path)

    def test_what_cannot_be_written_is_refused(self, tmp_path):
        (tmp_path / "file").touch()
        for path, says in (
            (tmp_path, "is a folder; name the file"),
            (tmp_path / "file/x.csv", "cannot write .*Not a directory"),
            (tmp_path / ("n" * 300), "cannot write .*too long"),
        ):
            with pytest.raises(DeganError, match=says):
                check_file_writable(path)
        with pytest.raises(DeganError, match="is a file; name a folder"):
            check_folder_writable(tmp_path / "file")
        with pytest.raises(DeganError, match=r"cannot write .*Not a directory"):
            check_folder_writable(tmp_path / "file/x")

    @pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
    def test_a_pipe_is_not_replaced_by_a_file(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.csv")
        with pytest.raises(DeganError, match="is a device or a pipe"):
            check_file_writable(tmp_path / "pipe.csv")

    @pytest.mark.skipif(
        sys.platform == "win32" or not os.geteuid(), reason="root may write anywhere"
    )
    def test_a_folder_without_permission_is_refused(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(DeganError, match="Permission denied"):
            check_file_writable(tmp_path / "x")
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_sentence(tmp_path):
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(DeganError, match=r"cannot write .*log\.jsonl: No space left"):
        append_line(tmp_path / "log.jsonl", "{}")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_line_that_does_not_fit_leaves_the_file_as_it_was(tmp_path):
    """A file may have 100 bytes here; as on a full disk, the first bytes of the line still fit."""
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from degan.system.files import append_line, write_text\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "append_line(Path('log.jsonl'), 'a' * 60)\n"
        "for write in (append_line, write_text):\n"
        "    try:\n"
        "        write(Path('log.jsonl'), 'b' * 160)\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.count("DeganError cannot write log.jsonl: File too large") == 2, done.stderr
    assert (tmp_path / "log.jsonl").read_text() == "a" * 60 + "\n"
    assert names(tmp_path) == ["log.jsonl"]

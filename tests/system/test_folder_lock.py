"""Only one command writes a folder at a time; a lock whose owner died is free."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from degan.errors import DeganError
from degan.system.folder_lock import locked

HOLD = """
import sys, time
from pathlib import Path
from degan.system.folder_lock import locked
with locked(Path(sys.argv[1]), beside=True):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=[True, False], ids=["beside", "inside"])
def beside(request):
    return request.param


def test_a_second_call_is_refused_and_a_later_one_is_not(tmp_path, beside):
    folder = tmp_path / "run"
    folder.mkdir()
    with (
        locked(folder, beside=beside),
        pytest.raises(DeganError, match=r"another degan command is writing .*run; wait"),
        locked(folder, beside=beside),
    ):
        pass
    with locked(folder, beside=beside):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["run"]


def test_an_error_in_the_block_frees_the_lock(tmp_path, beside):
    with pytest.raises(ValueError, match="own"), locked(tmp_path, beside=beside):
        raise ValueError("own")
    with locked(tmp_path, beside=beside):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "out"], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "locked\n"
    with (
        pytest.raises(DeganError, match="another degan command"),
        locked(tmp_path / "out", beside=True),
    ):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path / "out", beside=True):
        pass
    assert not list(tmp_path.iterdir())


def test_of_many_calls_one_at_a_time_has_the_lock(tmp_path):
    inside = []

    def work(_):
        try:
            with locked(tmp_path / "out", beside=True):
                inside.append(1)
                assert len(inside) == 1
                inside.pop()
                return True
        except DeganError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert any(pool.map(work, range(400)))


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DeganError, match=r"cannot write in .*file"), locked(tmp_path / "file"):
        pass

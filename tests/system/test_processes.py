"""Work in processes: all of it is done, and nothing goes on after a failure, Ctrl-C or a kill."""

import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from degan.errors import DeganError
from degan.system.processes import CONTEXT, run_in_processes

_shared = None


def set_up(array):
    global _shared  # noqa: PLW0603
    _shared = array


def note(folder, name):
    """Say which process does it; whoever sees the file sees all of it."""
    begun = folder / f".{name}"
    begun.write_text(str(os.getpid()))
    begun.replace(folder / name)


def add(number):
    with _shared.get_lock():
        _shared[number] += 1


def fail(folder, name):
    note(folder, name)
    raise DeganError(f"task {name} is at fault")


def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)


def linger(folder, name):
    """Work that only ends if it is ended; it says that it began."""
    note(folder, name)
    time.sleep(120)
    note(folder, "ended")


def either(function, *arguments):
    """One task of several kinds: ``work`` is one function."""
    function(*arguments)


def run(tasks, jobs, **options):
    run_in_processes(either, tasks, jobs, option="jobs", **options)


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


def fail_after(folder, name):
    """Fail once the other task is at work."""
    wait_for((folder / name).exists)
    fail(folder, "failed")


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")  # a zombie does nothing any more
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("jobs", [1, 2, 30])
def test_every_task_is_done_once_whatever_the_number_of_processes(jobs):
    count = 3 if jobs > 2 else 20  # no more processes than tasks
    array = CONTEXT.Array("i", count)
    tasks = [(number,) for number in range(count)]
    run_in_processes(add, tasks, jobs, option="jobs", setup=set_up, shared=(array,))
    assert list(array) == [1] * count


def test_the_work_is_done_in_other_processes_which_are_gone_afterwards(tmp_path):
    run([(note, tmp_path, f"{k}") for k in range(3)], 2)
    workers = {int((tmp_path / f"{k}").read_text()) for k in range(3)}
    assert os.getpid() not in workers
    assert len(workers) <= 2
    assert not any(is_alive(pid) for pid in workers)


def test_no_tasks_are_no_work():
    told = []
    run([], 2, report=told.append)
    assert not told


def test_the_report_rises_to_the_number_of_tasks(tmp_path):
    told = []
    run([(note, tmp_path, f"{k}") for k in range(9)], 1, report=told.append)
    assert told == sorted(told)
    assert told[-1] == 9


def test_a_failing_task_ends_the_others_and_says_why(tmp_path):
    tasks = [(linger, tmp_path, "other"), (fail_after, tmp_path, "other")]
    tasks += [(note, tmp_path, f"later-{k}") for k in range(20)]
    with pytest.raises(DeganError, match=r"^task failed is at fault$"):
        run(tasks, 2)
    assert not is_alive(int((tmp_path / "other").read_text()))
    assert not (tmp_path / "ended").exists()
    assert not active_children()


@pytest.mark.parametrize(
    ("jobs", "advice"), [(1, "same command again to"), (2, "again with jobs 1 to")]
)
def test_a_killed_process_is_said_in_one_sentence(tmp_path, jobs, advice):
    with pytest.raises(DeganError, match=f"^a process was killed, .*memory ran out; .*{advice}"):
        run([(kill_self,), *[(note, tmp_path, f"{k}") for k in range(30)]], jobs)
    assert not active_children()


def test_ctrl_c_ends_the_work_at_once(tmp_path):
    def interrupt():
        wait_for((tmp_path / "other").exists)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run([(linger, tmp_path, "other")], 1)
    assert not is_alive(int((tmp_path / "other").read_text()))


def test_processes_that_others_started_are_left_alone(tmp_path):
    other = CONTEXT.Process(target=linger, args=(tmp_path, "not ours"))
    other.start()
    try:
        with pytest.raises(DeganError):
            run([(fail, tmp_path, "ours"), (note, tmp_path, "more")], 1)
        assert other.is_alive()
    finally:
        other.kill()
        other.join()


def test_processes_that_others_start_meanwhile_are_left_alone(tmp_path):
    """A host application may start its own from another thread while the work runs."""
    others = []

    def start():
        wait_for((tmp_path / "ours").exists)
        other = CONTEXT.Process(target=linger, args=(tmp_path, "not ours"))
        other.start()
        others.append(other)
        wait_for((tmp_path / "not ours").exists)
        note(tmp_path, "go")

    thread = threading.Thread(target=start)
    thread.start()
    try:
        with pytest.raises(DeganError, match="task failed is at fault"):
            run([(linger, tmp_path, "ours"), (fail_after, tmp_path, "go")], 2)
        assert others[0].is_alive()
        others[0].join(1)
        assert others[0].is_alive()
    finally:
        thread.join()
        others[0].kill()
        others[0].join()


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_workers_end_when_their_parent_was_killed(tmp_path):
    code = (
        "from pathlib import Path\n"
        "import test_processes\n"
        "if __name__ == '__main__':\n"
        f"    test_processes.run([(test_processes.linger, Path({str(tmp_path)!r}), 'worker')], 1)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    parent = subprocess.Popen([sys.executable, script], env={**os.environ, "PYTHONPATH": paths})
    try:
        wait_for((tmp_path / "worker").exists)
    finally:
        parent.kill()
        parent.wait()
    worker = int((tmp_path / "worker").read_text())
    wait_for(lambda: not is_alive(worker))
    assert not (tmp_path / "ended").exists()


def test_a_daemon_process_cannot_start_others():
    """A worker of multiprocessing.Pool is one; Python would end it with an AssertionError."""
    with CONTEXT.Pool(1) as pool:
        with pytest.raises(DeganError, match=r"cannot start processes; make this call elsewhere$"):
            pool.apply(run, ([(add, 0)], 2))
        with pytest.raises(DeganError, match=r"cannot start processes; set the option jobs to 1$"):
            pool.apply(run, ([(add, 0)], 2), {"avoidable": True})


@pytest.mark.parametrize(
    ("avoidable", "end"),
    [(False, "imports the script\n"), (True, "imports the script, or set the option jobs to 1\n")],
)
def test_a_script_without_a_main_guard_is_told_so(tmp_path, avoidable, end):
    script = tmp_path / "script.py"
    script.write_text(
        "from degan.system.processes import run_in_processes\n"
        f"run_in_processes(print, [(1,), (2,)], 2, option='jobs', avoidable={avoidable})\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, timeout=60
    )
    assert "put the call below if __name__ == '__main__':" in done.stderr
    assert end.strip() in done.stderr

"""Run independent tasks in worker processes and stop them cleanly on errors."""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import current_process, parent_process, resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Final, TypeVar

from degan.errors import DeganError
from degan.system.own_process import ignore_warnings

CONTEXT: Final = SpawnContext()
"""Start method of the processes. Objects shared with the parent must come from this context."""

_Result = TypeVar("_Result")

_POLL_SECONDS = 0.5
_AHEAD = 4  # submitted tasks per process; a longer queue would only slow down ``wait``


def run_in_processes(
    work: Callable[..., None],
    tasks: Sequence[tuple[Any, ...]],
    jobs: int,
    *,
    option: str,
    avoidable: bool = False,
    setup: Callable[..., None] | None = None,
    shared: tuple[Any, ...] = (),
    report: Callable[[int], None] = lambda done: None,
) -> None:
    """Call ``work(*task)`` for every task in up to ``jobs`` new Python processes.

    After an error or Ctrl-C all processes end at once; resumable work keeps its state on disk.
    Workers also end if their parent is killed, so they never run in parallel with a later call.

    Args:
        work: function at module level; its return value is ignored.
        tasks: arguments of each call; must be picklable.
        jobs: number of processes.
        option: name of the option that sets ``jobs``, for error messages.
        avoidable: whether the caller starts no process if the option is 1; messages then say so.
        setup: function at module level, called once in every process; must not raise.
        shared: arguments of ``setup``; may hold shared memory of :data:`CONTEXT`.
        report: callback, called with the number of finished tasks at least twice a second.

    Raises:
        DeganError: ``work`` raised it, a process was killed, or processes cannot be started here.
    """
    jobs = max(1, min(jobs, len(tasks)))
    ahead = iter(tasks)
    done, running = 0, set[Future[None]]()
    with _pool(jobs, option, avoidable, setup, shared) as pool:
        while done < len(tasks):
            room = _AHEAD * jobs - len(running)
            running |= {pool.submit(work, *task) for task in islice(ahead, room)}
            finished, running = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
            done += len(finished)
            report(done)


def map_in_processes(
    work: Callable[..., _Result], tasks: Iterable[tuple[Any, ...]], jobs: int, *, option: str
) -> Iterator[_Result]:
    """Yield the result of ``work(*task)`` for every task, in the order of the tasks.

    The calls run in ``jobs`` new Python processes; the caller starts none if the option is 1. All
    processes end at once after an error, Ctrl-C, or if the caller closes the iterator early.

    Args:
        work: function at module level.
        tasks: arguments of each call; must be picklable. The iterable is consumed as needed.
        jobs: number of processes.
        option: name of the option that sets ``jobs``, for error messages.

    Yields:
        The return values of ``work``.

    Raises:
        DeganError: ``work`` raised it, a process was killed, or processes cannot be started here.
    """
    ahead = iter(tasks)
    waiting: deque[Future[_Result]] = deque()
    with _pool(jobs, option, avoidable=True) as pool:
        while True:
            room = _AHEAD * jobs - len(waiting)
            waiting.extend(pool.submit(work, *task) for task in islice(ahead, room))
            if not waiting:
                return
            yield waiting.popleft().result()


@contextmanager
def _pool(
    jobs: int,
    option: str,
    avoidable: bool,
    setup: Callable[..., None] | None = None,
    shared: tuple[Any, ...] = (),
) -> Iterator[ProcessPoolExecutor]:
    """Start new processes; if the block raises or is closed early, terminate them at once."""
    if current_process().daemon:
        advice = f"set the option {option} to 1" if avoidable else "make this call elsewhere"
        raise DeganError(
            "a daemon process, such as a worker of multiprocessing.Pool, cannot start processes; "
            + advice
        )
    _start_tracker()
    begun, own = CONTEXT.Event(), _OwnProcesses()
    pool = ProcessPoolExecutor(
        jobs, mp_context=own, initializer=_start, initargs=(begun, setup, shared)
    )
    whole = False
    try:
        yield pool
        whole = True
    except BrokenProcessPool as error:
        raise DeganError(_why_broken(begun.is_set(), option, jobs, avoidable)) from error
    finally:
        if not whole:
            own.end()
        pool.shutdown(cancel_futures=True)


class _OwnProcesses(SpawnContext):
    """Start method that knows the processes it has started; the host application has others."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[SpawnProcess] = []

    def Process(  # type: ignore[override]  # noqa: N802
        self, *arguments: Any, **choices: Any
    ) -> SpawnProcess:
        """Return a new process, as ProcessPoolExecutor requests it."""
        process = SpawnProcess(*arguments, **choices)
        self._started.append(process)
        return process

    def end(self) -> None:
        """End the processes."""
        for process in self._started:
            if process.pid is not None:  # it was started
                process.terminate()


def shared_doubles(values: Sequence[float]) -> Any:
    """Return an array of floats that this process shares with those it starts later."""
    _start_tracker()
    return CONTEXT.Array("d", values)


def _start_tracker() -> None:
    """Start Python's process that removes shared memory, so that it outlives a SIGHUP.

    A terminal that closes sends the signal to all processes. This one ends by itself, after its
    parent, and would be missed before.
    """
    if sys.platform != "win32":
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            resource_tracker.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _why_broken(begun: bool, option: str, jobs: int, avoidable: bool) -> str:
    """Return the message after a process ended by itself.

    Args:
        begun: whether any process has started its work.
        option: name of the option that sets ``jobs``.
        jobs: number of processes.
        avoidable: whether no process is started if the option is 1.
    """
    if not begun:
        instead = f", or set the option {option} to 1" if avoidable else ""
        return (
            "no process could start; in a script, put the call below if __name__ == '__main__':, "
            f"because each process imports the script{instead}"
        )
    fewer = f" with {option} {jobs - 1}" if jobs > 1 else ""
    return (
        "a process was killed, perhaps because memory ran out; run the same command "
        f"again{fewer} to continue"
    )


def _start(begun: Any, setup: Callable[..., None] | None, shared: tuple[Any, ...]) -> None:
    begun.set()
    ignore_warnings()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Only the parent process handles Ctrl-C and a closed terminal; it ends this one.
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if setup is not None:
        setup(*shared)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

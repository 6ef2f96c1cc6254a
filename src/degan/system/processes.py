"""Independent pieces of work in processes of their own, stopped cleanly whatever happens."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import active_children, get_context, parent_process
from typing import Any, Final, TypeVar

from degan.errors import DeganError

CONTEXT: Final = get_context("spawn")
"""How the processes start; what they share with their parent must be of it."""

_Result = TypeVar("_Result")

_POLL_SECONDS = 0.5
_AHEAD = 4  # tasks handed over for each process; more would only make the waiting slow


def run_in_processes(
    work: Callable[..., None],
    tasks: Sequence[tuple[Any, ...]],
    jobs: int,
    *,
    option: str,
    setup: Callable[..., None] | None = None,
    shared: tuple[Any, ...] = (),
    report: Callable[[int], None] = lambda done: None,
) -> None:
    """Call ``work(*task)`` for every task, ``jobs`` at a time, each in a fresh interpreter.

    A failure, or Ctrl-C, ends the others at once: work that can be continued keeps its state on
    disk. A worker whose parent was killed ends too, so that no two ever do the same work.

    Args:
        work: a module's function; what it returns is dropped.
        tasks: arguments of the calls, each of what can be pickled.
        jobs: how many processes.
        option: what users choose ``jobs`` by, for the message when a process is killed.
        setup: a module's function, called once in every process; it must not fail.
        shared: arguments of ``setup``; may hold shared memory of :data:`CONTEXT`.
        report: told how many tasks are done, twice a second or more often.

    Raises:
        DeganError: as ``work`` raised it, or a process was killed.
    """
    jobs = max(1, min(jobs, len(tasks)))
    ahead = iter(tasks)
    done, running = 0, set[Future[None]]()
    with _pool(jobs, option, setup, shared) as pool:
        while done < len(tasks):
            room = _AHEAD * jobs - len(running)
            running |= {pool.submit(work, *task) for task in islice(ahead, room)}
            finished, running = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
            done += len(finished)
            report(done)


def results_in_processes(
    work: Callable[..., _Result], tasks: Iterable[tuple[Any, ...]], jobs: int, *, option: str
) -> Iterator[_Result]:
    """Yield what ``work(*task)`` returns for every task, in their order, ``jobs`` at a time.

    A failure, Ctrl-C, or that nobody asks for more ends the processes at once.

    Args:
        work: a module's function.
        tasks: arguments of the calls, each of what can be pickled; asked for as they are needed.
        jobs: how many processes.
        option: what users choose ``jobs`` by, for the message when a process is killed.

    Raises:
        DeganError: as ``work`` raised it, or a process was killed.
    """
    ahead = iter(tasks)
    waiting: deque[Future[_Result]] = deque()
    with _pool(jobs, option) as pool:
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
    setup: Callable[..., None] | None = None,
    shared: tuple[Any, ...] = (),
) -> Iterator[ProcessPoolExecutor]:
    """Open fresh processes; unless the block ends by itself they end at once."""
    others = set(active_children())
    pool = ProcessPoolExecutor(
        jobs, mp_context=CONTEXT, initializer=_start, initargs=(setup, shared)
    )
    whole = False
    try:
        yield pool
        whole = True
    except BrokenProcessPool as error:
        fewer = f" with {option} {jobs - 1}" if jobs > 1 else ""
        raise DeganError(
            f"a process was killed, perhaps for want of memory; give the same command{fewer} to "
            "continue"
        ) from error
    finally:
        for process in () if whole else set(active_children()) - others:
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _start(setup: Callable[..., None] | None, shared: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    if setup is not None:
        setup(*shared)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

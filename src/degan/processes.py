"""Independent pieces of work in processes of their own, stopped cleanly whatever happens."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from typing import Any

from degan.errors import DeganError

_POLL_SECONDS = 0.5


def run_in_processes(
    work: Callable[..., None],
    tasks: Sequence[tuple[Any, ...]],
    jobs: int,
    *,
    what: str,
    setup: Callable[..., None],
    setup_arguments: tuple[Any, ...] = (),
    report: Callable[[int], None] = lambda done: None,
) -> None:
    """Call ``work(*task)`` for every task, ``jobs`` at a time, each in a fresh interpreter.

    A failure, or Ctrl-C, ends the others at once: work that can be continued keeps its state on
    disk. A worker whose parent was killed ends too, so that no two ever do the same work.

    Args:
        work: a module's function; what it returns is dropped.
        tasks: arguments of the calls, each of what can be pickled.
        jobs: how many processes.
        what: the work, for the message when a process is killed ("a fold").
        setup: a module's function, called once in every process.
        setup_arguments: of ``setup``; may hold a shared array.
        report: told how many tasks are done, about twice a second.

    Raises:
        DeganError: as ``work`` raised it, or a process was killed.
    """
    jobs = max(1, min(jobs, len(tasks)))
    others = set(active_children())
    pool = ProcessPoolExecutor(
        jobs,
        mp_context=get_context("spawn"),
        initializer=_start,
        initargs=(setup, setup_arguments),
    )
    waiting: set[Future[None]] = {pool.submit(work, *task) for task in tasks}
    try:
        while waiting:
            finished, waiting = wait(waiting, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
            report(len(tasks) - len(waiting))
    except BrokenProcessPool as error:
        raise DeganError(
            f"the process of {what} was killed, perhaps for want of memory; give the same command "
            f"with {max(1, jobs - 1)} at a time to continue"
        ) from error
    finally:
        for process in set(active_children()) - others if waiting else ():
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _start(setup: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    setup(*arguments)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

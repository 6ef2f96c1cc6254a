"""Resources of the machine that are available to this process."""

import os
from typing import Final

MAX_JOBS: Final = 1024
"""Maximum number of processes of a call."""

MAX_THREADS: Final = 1024
"""Maximum number of threads of a network run."""


def num_cpus() -> int:
    """Return the number of processors available to this process.

    Limits set by a container or ``taskset`` count on Linux. Other systems return all processors.
    """
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

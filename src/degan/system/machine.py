"""What the machine gives this process."""

import os


def num_cpus() -> int:
    """Return how many processors this process may use: a container's or taskset's, not all."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

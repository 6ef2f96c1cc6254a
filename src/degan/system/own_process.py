"""Settings of a process that runs nothing but degan."""

import sys
import warnings

__all__ = ["ignore_warnings"]


def ignore_warnings() -> None:
    """Ignore warnings of libraries in this process, unless Python's option ``-W`` is set.

    Only the command line and worker processes call it. The filters are those of all threads, so
    functions of degan never change them: warnings of the caller's program would be lost.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")

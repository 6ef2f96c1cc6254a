"""Lock a file against other processes; the operating system frees the lock of a dead owner."""

import sys
from typing import BinaryIO, Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["lock"]

_LOCKED: Final = 2**31 - 2  # Windows locks byte ranges, not files: position of the locked byte


def lock(file: BinaryIO) -> bool | None:
    """Lock a file that is open for writing, until it is closed.

    The operating system releases the lock when the process ends, even if it is killed.

    Returns:
        True if this process now holds the lock; False if another one does; None if the file system
        does not support locks.
    """
    try:
        if sys.platform == "win32":
            file.seek(_LOCKED)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    finally:
        file.seek(0)
    return True

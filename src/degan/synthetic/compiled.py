"""Compile numerical Python loops to machine code with numba, and keep the code on disk."""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Decorate a function of numbers and arrays so that its first call compiles it.

    The machine code is cached on disk for later processes. Floating-point sums may be reordered and
    divisions are not checked, so results can differ in the last bits between processors. The global
    interpreter lock is released.
    """
    decorated: Any = njit(nogil=True, fastmath=True, error_model="numpy")(function)
    decorated._cache = _PackageCache(function)
    return cast(Function, decorated)


class _PackageCache(FunctionCache):  # type: ignore[misc]  # numba has no types
    """Cache of a function that is valid as long as no module of its package has changed.

    Numba's own cache is valid as long as the file of the function has not changed. It would return
    the old code of a function in another file that is called, and fail to load types that were
    renamed.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__(function)
        stamp = self._cache_file._source_stamp
        self._cache_file._source_stamp = (
            stamp,
            _hash_of(Path(function.__code__.co_filename).parent),
        )

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the machine code for the types of the arguments, or None."""
        try:
            return super().load_overload(signature, target)
        except (AttributeError, ImportError):  # a type in the cache file exists no longer
            self.flush()
            return None


@cache
def _hash_of(folder: Path) -> str:
    """Return the SHA-256 of all modules in a folder."""
    digest = sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()

"""A queue between the thread that decodes a video and its reader, bounded by number and bytes."""

from collections import deque
from threading import Condition
from typing import Generic, TypeVar

__all__ = ["FramesAhead"]

T = TypeVar("T")


class FramesAhead(Generic[T]):
    """A queue that holds few items of few bytes; one item fits always.

    Args:
        most: maximum number of items.
        most_bytes: maximum number of bytes of all items, if there is more than one.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._ended = self._stopped = False
        self._changed = Condition()

    def wait_for_room(self, num_bytes: int) -> bool:
        """Wait until an item fits, so that it need not exist before; False if stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._has_room(num_bytes))
            return not self._stopped

    def put(self, item: T, num_bytes: int = 0) -> None:
        """Append an item; the caller, the only one that appends, waited for room."""
        with self._changed:
            if not self._stopped:
                self._items.append((item, num_bytes))
                self._bytes += num_bytes
                self._changed.notify_all()

    def get(self) -> T | None:
        """Remove and return the next item; wait for it. None after the end, or if stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended or self._stopped)
            if self._stopped or not self._items:
                return None
            item, num_bytes = self._items.popleft()
            self._bytes -= num_bytes
            self._changed.notify_all()
            return item

    def end(self) -> None:
        """Report that no item follows."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Drop all items; wake the thread that fills the queue, and a waiting reader."""
        with self._changed:
            self._stopped = True
            self._items.clear()
            self._changed.notify_all()

    def _has_room(self, num_bytes: int) -> bool:
        if not self._items:
            return True
        return len(self._items) < self._most and self._bytes + num_bytes <= self._most_bytes

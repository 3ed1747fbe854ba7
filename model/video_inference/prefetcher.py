"""Runs an iterator in a separate thread, a limited number of items ahead of its consumer."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Prefetcher(Generic[T]):
    """A context manager that yields a source's items in order while a thread prepares the next ones.

    At most `depth` items wait in the queue, and the thread holds one more. An error of the source is raised in the
    consumer after the items before it. Leaving the context stops the thread and closes the source at any point.

    Parameters
    ----------
    source
        Iterator of items. Only the thread uses and closes it.
    depth
        Maximum number of waiting items, at least 1.
    """

    def __init__(self, source: Iterator[T], depth: int) -> None:
        self._source = source
        self._depth = depth
        self._waiting: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="prefetcher", daemon=True)
        self.busy_seconds = 0.0
        """Seconds spent in the source; complete after the end of the iteration."""
        self.deadline_passed = False
        """True if the deadline ended the iteration before the end of the source."""

    def _run(self) -> None:
        try:
            while True:
                started = time.perf_counter()
                try:
                    item = next(self._source)
                except StopIteration:
                    return
                finally:
                    self.busy_seconds += time.perf_counter() - started
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._depth)
                    if self._closed:
                        return
                    self._waiting.append(item)
                    self._changed.notify_all()
        except BaseException as error:
            self._error = error
        finally:
            close = getattr(self._source, "close", None)
            if close is not None:
                close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def __enter__(self) -> Prefetcher[T]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join()

    def batches(self, size: int, deadline: float | None = None) -> Iterator[list[T]]:
        """Yield lists of the waiting items, 1 to `size` each. A slow source gives shorter lists instead of a wait.

        Parameters
        ----------
        size
            Maximum number of items in a list.
        deadline
            Time of `time.monotonic` in seconds at which the iteration stops, even if items are left. It sets
            `deadline_passed`. None for no deadline.
        """
        while True:
            with self._changed:
                ready = self._changed.wait_for(lambda: self._ended or len(self._waiting) > 0, _seconds_until(deadline))
                passed = not ready or (deadline is not None and time.monotonic() >= deadline)
                if passed and (self._waiting or not self._ended):
                    self.deadline_passed = True
                    return
                batch = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
                self._changed.notify_all()
            if not batch:
                break
            yield batch
        if self._error is not None:
            raise self._error


def _seconds_until(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())

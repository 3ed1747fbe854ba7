"""Finds the display times of frames if the packets have decoding times instead."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush

import av
import av.video

# Maximum number of frames that a decoder holds back, which is that of H.264 and HEVC (ITU-T H.264, A.3.1).
_MAX_DELAY = 16


class TimeSorter:
    """Sorts the times of frames that arrive in display order, each with the time of its packet.

    The sorted times of all packets cannot be assigned one after the other, because frames may be missing: encoders drop
    pictures, and damage loses some.

    Parameters
    ----------
    times
        Times of all packets in ticks, ascending.
    """

    def __init__(self, times: Sequence[int]) -> None:
        self._times = times
        self._next = 0
        self._pictures: deque[av.VideoFrame] = deque()
        self._waiting: list[int] = []

    def take(self, pictures: Iterable[av.VideoFrame]) -> Iterator[tuple[av.VideoFrame, int | None]]:
        """Add the next frames, and yield the frames whose times are certain."""
        for picture in pictures:
            self._pictures.append(picture)
            if picture.pts is not None:
                heappush(self._waiting, picture.pts)
            while self._waiting and (self._is_next(self._waiting[0]) or len(self._waiting) > _MAX_DELAY):
                yield self._first()

    def finish(self) -> Iterator[tuple[av.VideoFrame, int | None]]:
        """Yield the remaining frames, with None for a time that FFmpeg does not know."""
        while self._waiting:
            yield self._first()
        for picture in self._pictures:
            yield picture, None

    def _is_next(self, time: int) -> bool:
        return self._next >= len(self._times) or time <= self._times[self._next]

    def _first(self) -> tuple[av.VideoFrame, int | None]:
        time = heappop(self._waiting)
        self._next = bisect_right(self._times, time)
        return self._pictures.popleft(), time

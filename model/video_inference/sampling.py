"""Chooses from a stream of frames those nearest to evenly spaced times, for any frame rate, in integers only."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Protocol, TypeVar


class Timed(Protocol):
    """Something that is shown at a time."""

    @property
    def ticks(self) -> int:
        """Ticks from the first frame."""


T = TypeVar("T", bound=Timed)


def nearest(times: Iterable[int], tick: Fraction, fps: Fraction) -> Iterator[tuple[int, int]]:
    """Find the times nearest to 0, 1/fps, 2/fps and so on.

    Of two equally near times, the later one is taken. A time that is nearest to several is yielded once. The last time
    counts as lasting as long as the one before it.

    Parameters
    ----------
    times
        In ticks from the first one, strictly rising.
    tick
        Seconds.
    fps
        Target frames per second, above 0.

    Yields
    ------
    tuple of int and int
        The number k of the target k/fps, and the position of the time nearest to it. Both rise strictly.
    """
    # Target k is at k * scale / per_tick ticks. Everything is doubled because half gaps count.
    per_tick, scale = (tick * fps).as_integer_ratio()
    scale *= 2
    number = due = 0
    position, previous, gap = -1, 0, 0
    for now in times:
        if position >= 0:
            gap = now - previous
            middle = (previous + now) * per_tick
            if due < middle:
                yield number, position
                number = -(-middle // scale)
                due = number * scale
        position += 1
        previous = now
    if position >= 0 and due < max((2 * previous + gap) * per_tick, 1):
        yield number, position


def sample_by_time(frames: Iterable[T], tick: Fraction, fps: Fraction) -> Iterator[tuple[int, T]]:
    """Yield the frames that `nearest` chooses, with their targets' numbers; at most two frames are held at a time.

    Parameters
    ----------
    frames
        In order of time, strictly rising.
    tick
        Seconds.
    fps
        Target frames per second, above 0.
    """
    held: deque[T] = deque(maxlen=2)
    count = 0

    def times() -> Iterator[int]:
        nonlocal count
        for frame in frames:
            held.append(frame)
            count += 1
            yield frame.ticks

    for number, position in nearest(times(), tick, fps):
        yield number, held[position - count]

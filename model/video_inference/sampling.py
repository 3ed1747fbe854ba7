"""Chooses the frames nearest to evenly spaced times, for any frame rate, with integer arithmetic only."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Protocol, TypeVar


class Timed(Protocol):
    """An object with a display time."""

    @property
    def ticks(self) -> int:
        """Time from the first frame in ticks."""


T = TypeVar("T", bound=Timed)


def nearest(times: Iterable[int], tick: Fraction, fps: Fraction) -> Iterator[tuple[int, int]]:
    """Find the times nearest to 0, 1/fps, 2/fps and so on.

    If two times are equally near, the later one is chosen. A time that is nearest to several targets is yielded once.
    The last frame is assumed to last as long as the one before it.

    Parameters
    ----------
    times
        Times in ticks from the first one, strictly increasing.
    tick
        Length of a tick in seconds.
    fps
        Sampled frames per second, above 0.

    Yields
    ------
    tuple of int and int
        Number k of the target k/fps, and position of the time nearest to it. Both strictly increase.
    """
    # Target k is at k * scale / per_tick ticks. All numbers are doubled, because the middle of two times counts.
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
    """Yield the frames that `nearest` chooses, with the numbers of their targets. Holds at most two frames at a time.

    Parameters
    ----------
    frames
        Frames with strictly increasing times.
    tick
        Length of a tick in seconds.
    fps
        Sampled frames per second, above 0.
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

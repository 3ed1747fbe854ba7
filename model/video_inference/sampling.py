"""Chooses from a stream of frames those nearest to evenly spaced times, whatever the frame rate is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Protocol, TypeVar


class Timed(Protocol):
    """Something that is shown at a time."""

    @property
    def timestamp(self) -> Fraction:
        """Seconds from the first frame."""


T = TypeVar("T", bound=Timed)


def sample_by_time(frames: Iterable[T], fps: Fraction) -> Iterator[T]:
    """Yield the frames nearest to the times 0, 1/fps, 2/fps and so on, holding one frame at a time.

    Of two frames equally near, the later one is taken. A frame that is nearest to several times is yielded once.
    The last frame counts as shown for as long as the one before it.

    Parameters
    ----------
    frames
        In order of time, strictly rising.
    fps
        Wanted frames per second, above 0.
    """
    asked = 0
    previous: T | None = None
    gap = Fraction(0)
    for frame in frames:
        if previous is not None:
            gap = frame.timestamp - previous.timestamp
            middle = previous.timestamp + gap / 2
            if asked / fps < middle:
                yield previous
                asked = math.ceil(middle * fps)
        previous = frame
    if previous is not None and asked / fps < max(previous.timestamp + gap / 2, Fraction(1, 10**9)):
        yield previous

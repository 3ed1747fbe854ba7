"""Computes the times of frames at constant, changing and irregular rates, in exact seconds."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

NTSC_60 = Fraction(60_000, 1001)
"""Exact frames per second of the rate called 59.94."""


def regular(count: int, rate: Fraction | int) -> list[Fraction]:
    """Return the times of `count` frames at a constant rate in frames per second."""
    return [Fraction(index) / rate for index in range(count)]


def changing(parts: Sequence[tuple[int, Fraction | int]]) -> list[Fraction]:
    """Return the times of consecutive parts, each with a number of frames and a rate in frames per second."""
    times: list[Fraction] = []
    start = Fraction(0)
    for count, rate in parts:
        times += [start + time for time in regular(count, rate)]
        start += Fraction(count) / rate
    return times


def irregular(count: int, seed: int) -> list[Fraction]:
    """Return the times of frames with random gaps of 10 to 200 ms, as phones record them in bad light."""
    gaps = np.random.default_rng(seed).integers(10, 201, count - 1)
    times = [Fraction(0)]
    for gap in gaps:
        times.append(times[-1] + Fraction(int(gap), 1000))
    return times

"""Tests that sampling takes the frame nearest to each target, at any frame rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_inference.sampling import nearest, sample_by_time
from videos.times import regular


@dataclass(frozen=True)
class TimedFrame:
    index: int
    ticks: int


def ticks(times: list[Fraction]) -> tuple[list[int], Fraction]:
    """Convert times in seconds exactly to integer ticks. Returns the ticks, and the length of a tick in seconds."""
    tick = Fraction(1, math.lcm(*(time.denominator for time in times)))
    return [int(time / tick) for time in times], tick


def indices(times: list[Fraction], fps: Fraction) -> list[int]:
    counts, tick = ticks(times)
    return [index for _, index in nearest(counts, tick, fps)]


@pytest.mark.parametrize(
    ("count", "rate", "expected"),
    [
        (1199, Fraction(60_000, 1001), 20),
        (800, Fraction(10), 80),
        (750, Fraction(25), 30),
        (719, Fraction(24_000, 1001), 30),
        (1, Fraction(25), 1),
    ],
)
def test_a_constant_rate_gives_one_frame_per_second(count: int, rate: Fraction, expected: int) -> None:
    times = regular(count, rate)
    chosen = indices(times, Fraction(1))
    assert len(chosen) == expected
    for second, index in enumerate(chosen):
        assert abs(times[index] - second) <= 1 / rate / 2


def test_a_variable_rate_gives_one_frame_per_second() -> None:
    slow = [Fraction(index, 5) for index in range(50)]
    fast = [10 + Fraction(index, 60) for index in range(600)]
    middling = [20 + Fraction(index, 24) for index in range(240)]
    times = slow + fast + middling
    assert [round(times[index]) for index in indices(times, Fraction(1))] == list(range(30))


def test_a_rate_above_the_frame_rate_gives_every_frame_once() -> None:
    assert indices(regular(10, 5), Fraction(100)) == list(range(10))


def test_a_frame_that_is_nearest_to_several_targets_is_taken_once() -> None:
    assert indices([Fraction(0), Fraction(10), Fraction(11)], Fraction(1)) == [0, 1, 2]


def test_frames_are_read_from_the_source_only_as_needed() -> None:
    taken = []

    def source() -> Iterator[TimedFrame]:
        for index in range(1000):
            taken.append(index)
            yield TimedFrame(index, index)

    chosen = sample_by_time(source(), Fraction(1, 25), Fraction(1))
    assert [next(chosen), next(chosen)] == [(0, TimedFrame(0, 0)), (1, TimedFrame(25, 25))]
    assert len(taken) == 27


@given(
    gaps=st.lists(st.fractions(Fraction(1, 200), Fraction(2)), max_size=16),
    fps=st.fractions(Fraction(1, 10), Fraction(20)),
)
def test_each_target_gets_its_nearest_frame_and_no_other_frame_is_taken(gaps: list[Fraction], fps: Fraction) -> None:
    times = [Fraction(0)]
    for gap in gaps:
        times.append(times[-1] + gap)
    end = times[-1] + (gaps[-1] / 2 if gaps else 0)
    expected = set()
    target = Fraction(0)
    while target < end or target == 0:
        # The later one of two frames that are equally near.
        expected.add(min(range(len(times)), key=lambda index: (abs(times[index] - target), -index)))
        target += 1 / fps
    assert indices(times, fps) == sorted(expected)


def test_each_frame_comes_with_the_number_of_the_first_target_it_is_nearest_to() -> None:
    assert list(nearest([0, 10, 14], Fraction(1), Fraction(1))) == [(0, 0), (5, 1), (12, 2)]


def test_the_last_frame_is_yielded() -> None:
    frames = [TimedFrame(index, index) for index in range(3)]
    chosen = sample_by_time(frames, Fraction(1), Fraction(1))
    assert [frame.index for _, frame in chosen] == [0, 1, 2]

"""Tests of the times of frames if packets have decoding times."""

from __future__ import annotations

import av
from hypothesis import given
from hypothesis import strategies as st

from video_inference.ordering import TimeSorter


def pictures(times: list[int | None]) -> list[av.VideoFrame]:
    made = []
    for time in times:
        made.append(av.VideoFrame(16, 16))
        made[-1].pts = time
    return made


@given(
    gaps=st.lists(st.integers(1, 9), min_size=1, max_size=60),
    dropped=st.sets(st.integers(0, 59)),
    row=st.integers(1, 16),
)
def test_times_are_sorted_if_frames_are_missing(gaps: list[int], dropped: set[int], row: int) -> None:
    times = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    # Each run of B-frames is shown before the frame that is decoded before it.
    decoded = [time for at in range(0, len(times), row) for time in (*times[at + 1 : at + row], times[at])]
    came = [time for time in decoded if times.index(time) not in dropped]
    sorter = TimeSorter(times)
    shown = pictures(list(came))
    found = [*sorter.take(shown), *sorter.finish()]
    assert [time for _, time in found] == sorted(came)
    assert [picture for picture, _ in found] == shown


def test_a_frame_is_yielded_as_soon_as_its_time_is_certain() -> None:
    sorter = TimeSorter([0, 1, 2, 3, 4])
    assert [time for _, time in sorter.take(pictures([0, 2]))] == [0]
    assert [time for _, time in sorter.take(pictures([1]))] == [1, 2]


def test_a_frame_without_a_time_comes_last() -> None:
    sorter = TimeSorter([0, 1])
    assert [time for _, time in [*sorter.take(pictures([0, None])), *sorter.finish()]] == [0, None]

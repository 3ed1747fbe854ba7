"""Tests of the plan: the packets that must be decoded for the sampled frames."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_inference.plan import DecodeSegment, NoPlanError, Packets, TargetFrame, Timeline, make_plan
from video_inference.sampling import nearest
from video_inference.segment_verifier import SegmentVerifier

TICK = Fraction(1, 10)


def packets(times: Collection[int], keys: Collection[int], hidden: Collection[int] = ()) -> Packets:
    made = Packets()
    for number, time in enumerate(times):
        made.add(time, 100, key=number in keys, hidden=number in hidden)
    return made


def plan(made: Packets, fps: Fraction = Fraction(1), *, reorders: bool = False) -> list[tuple[int, int, list[int]]]:
    return [
        (segment.first, segment.last, [target.index for target in segment.targets])
        for segment in make_plan(Timeline(made, reorders=reorders), TICK, fps)
    ]


def test_only_groups_with_a_sample_are_decoded_and_only_up_to_it() -> None:
    made = packets(range(40), {0, 8, 16, 24, 32})
    assert plan(made) == [(0, 0, [0]), (8, 10, [10]), (16, 20, [20]), (24, 30, [30])]


def test_samples_of_one_group_share_its_decoding() -> None:
    assert plan(packets(range(40), {0, 25})) == [(0, 20, [0, 10, 20]), (25, 30, [30])]


def test_a_leading_frame_of_an_open_group_needs_the_previous_group() -> None:
    # Decoding order is 0 3 1 2 | 12 10 11, display order 0 1 2 3 10 11 12. The second keyframe is shown last.
    made = packets([0, 3, 1, 2, 12, 10, 11], {0, 4})
    assert plan(made, reorders=True) == [(0, 5, [0, 4])]


def test_packets_that_are_not_shown_are_decoded_but_not_counted() -> None:
    made = packets([-20, -10, 0, 10, 20], {0, 3}, hidden={0, 1})
    assert plan(made) == [(0, 2, [0]), (3, 4, [1, 2])]


@pytest.mark.parametrize(
    ("made", "reorders", "reason"),
    [
        (packets([], []), False, "no packet"),
        (packets([0, 1], {0}, hidden={0, 1}), False, "shown"),
        (packets([0, 1, 2], {1}), False, "first packet"),
        (packets([2, 0, 1, 3], {0}), True, "before the first keyframe"),
        (packets([0, 1, 1, 2], {0}), False, "same time"),
        (packets([0, 1, 2, 3], {0}), True, "reorders"),
        (packets([10, 0, 1], {0}, hidden={0}), True, "before the first keyframe"),
    ],
    ids=["empty", "nothing shown", "no keyframe", "leading", "repeated", "decoding times", "hidden keyframe"],
)
def test_there_is_no_plan_if_the_times_are_not_reliable(made: Packets, reorders: bool, reason: str) -> None:
    with pytest.raises(NoPlanError, match=reason):
        plan(made, reorders=reorders)


def keyframe_plan(made: Packets, fps: Fraction = Fraction(1)) -> list[tuple[int, int, int, str]]:
    """Return first packet, last packet, target and kind of sampling of each frame of a plan with keyframes."""
    return [
        (segment.first, segment.last, target.index, target.sampled)
        for segment in make_plan(Timeline(made, reorders=False), TICK, fps, "keyframe")
        for target in segment.targets
    ]


def test_only_a_keyframe_is_decoded_if_it_is_within_half_an_interval() -> None:
    made = packets(range(40), {0, 7, 15, 20, 34})
    # Targets are 0, 10, 20 and 30. For 10, 7 is nearer than 15. 34 is the only keyframe near 30.
    assert keyframe_plan(made) == [
        (0, 0, 0, "exact"),
        (7, 7, 7, "keyframe"),
        (20, 20, 20, "exact"),
        (34, 34, 34, "keyframe"),
    ]


def test_without_a_keyframe_within_half_an_interval_the_frame_is_exact() -> None:
    assert keyframe_plan(packets(range(30), {0, 4, 16})) == [
        (0, 0, 0, "exact"),
        (4, 10, 10, "exact"),
        (16, 16, 16, "keyframe"),
    ]


@st.composite
def coded(draw: st.DrawFn) -> Packets:
    """Draw groups of pictures. Each starts with its keyframe; its other frames are decoded in any order."""
    times: list[int] = []
    keys: set[int] = set()
    now = 0
    for size in draw(st.lists(st.integers(1, 9), min_size=1, max_size=6)):
        gaps = draw(st.lists(st.integers(1, 12), min_size=size, max_size=size))
        group = [now := now + gap for gap in gaps]
        keys.add(len(times))
        times += [group[0], *draw(st.permutations(group[1:]))]
    return packets(times, keys)


@given(made=coded(), fps=st.fractions(Fraction(1, 5), Fraction(20)))
def test_a_plan_decodes_the_sampled_frames_and_their_groups_up_to_them(made: Packets, fps: Fraction) -> None:
    order = sorted(made.pts)
    segments = make_plan(Timeline(made, reorders=False), TICK, fps)
    targets = [one for segment in segments for one in segment.targets]
    chosen = list(nearest((time - order[0] for time in order), TICK, fps))
    assert [(one.number, one.index) for one in targets] == chosen
    assert [one.pts for one in targets] == [order[index] for _, index in chosen]
    previous = -1
    for segment in segments:
        assert previous < segment.first <= segment.last
        assert made.keys[segment.first]
        segment_times = made.pts[segment.first : segment.last + 1]
        assert all(one.pts in segment_times for one in segment.targets)
        previous = segment.last


@given(made=coded(), fps=st.fractions(Fraction(1, 5), Fraction(20)))
def test_keyframes_are_the_nearest_to_their_targets_and_within_half_an_interval(made: Packets, fps: Fraction) -> None:
    order = sorted(made.pts)
    keys = [made.pts[number] for number in range(len(made)) if made.keys[number]]
    previous = -1
    for segment in make_plan(Timeline(made, reorders=False), TICK, fps, "keyframe"):
        for target in segment.targets:
            due = target.number / (fps * TICK) + order[0]
            nearest_key = min(abs(key - due) for key in keys)
            distance = abs(target.pts - due)
            assert previous < target.index
            previous = target.index
            if target.sampled == "keyframe":
                assert target.pts in keys
                assert distance == nearest_key <= 1 / (2 * fps * TICK)
                assert segment.first <= made.pts.index(target.pts) <= segment.last
            elif target.pts not in keys:
                assert nearest_key >= 1 / (2 * fps * TICK)


def found(times: Iterable[int | None], *, may_skip: bool, hidden: Collection[int] = ()) -> list[int]:
    """Verify frames with these times. Returns the times of the found targets."""
    # Display order is 0 1 2 3 4 5. The targets are 2 and 5.
    targets = [TargetFrame(0, 2, 2), TargetFrame(1, 5, 5)]
    made = packets([0, 3, 1, 2, 5, 4], {0}, hidden)
    verifier = SegmentVerifier(DecodeSegment(0, 5, targets), made, may_skip=may_skip, max_distance=Fraction(1))
    taken = []
    for time in times:
        picture = av.VideoFrame(16, 16)
        picture.pts = time
        taken += [target.pts for target, seen in verifier.take(picture) if seen is picture]
    assert list(verifier.finish()) == []
    return taken


def test_the_expected_targets_are_recognised() -> None:
    assert found(range(6), may_skip=False) == [2, 5]


def test_a_skipping_decoder_may_skip_frames_that_are_not_targets() -> None:
    assert found([0, 2, 5], may_skip=True) == [2, 5]


@pytest.mark.parametrize(
    ("times", "may_skip", "reason"),
    [
        ([0, 2], False, "at 2 that is not"),
        ([2], True, "at 2 that is not"),
        ([0, 3], True, "at 3 that is not"),
        ([0, 1, 1], True, "at 1 that is not"),
        ([0, 7], True, "at 7 that is not"),
        ([None], True, "no time"),
        ([0, 2], True, "does not return the frame at 5"),
    ],
    ids=["one missing", "no keyframe", "a target missing", "repeated", "unknown", "no time", "ends early"],
)
def test_unexpected_frames_end_the_plan(times: list[int | None], may_skip: bool, reason: str) -> None:
    with pytest.raises(NoPlanError, match=reason):
        found(times, may_skip=may_skip)


def test_a_hidden_keyframe_is_not_expected() -> None:
    assert found([1, 2, 5], may_skip=True, hidden={0}) == [2, 5]

"""Chooses from a video's packets the few that must be decoded for the wanted frames, or says why it cannot."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np

from .sampling import nearest

Sampled = Literal["exact", "keyframe"]


class NoPlanError(Exception):
    """The packets do not tell which frame is shown when: only decoding all of them does."""


@dataclass
class Packets:
    """What demuxing a video's track showed, packet by packet in decoding order, in few bytes for each.

    Attributes
    ----------
    pts
        Presentation times, in the track's ticks.
    sizes
        Bytes.
    keys
        1 for a packet that decoding can start with, else 0.
    hidden
        1 for a packet that is decoded but not shown, as an edit list may say, else 0.
    """

    pts: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    keys: bytearray = field(default_factory=bytearray)
    hidden: bytearray = field(default_factory=bytearray)

    def add(self, pts: int, size: int, *, key: bool, hidden: bool) -> None:
        """Append the next packet."""
        self.pts.append(pts)
        self.sizes.append(size)
        self.keys.append(key)
        self.hidden.append(hidden)

    def __len__(self) -> int:
        return len(self.pts)


@dataclass(frozen=True)
class TargetFrame:
    """A frame to decode.

    Attributes
    ----------
    number
        Of the target time k/fps that it is for.
    index
        Its position in display order.
    pts
        Its time in ticks.
    sampled
        Whether it is the frame nearest to the target, or a keyframe taken in its place.
    """

    number: int
    index: int
    pts: int
    sampled: Sampled = "exact"


@dataclass
class DecodeSegment:
    """Packets to decode one after the other, numbered `first` (a keyframe) to `last`, for the wanted frames in them."""

    first: int
    last: int
    targets: list[TargetFrame]


class Timeline:
    """The shown packets in display order.

    Parameters
    ----------
    packets
        Of the whole video.
    reorders
        Whether the codec shows frames in another order than it decodes them.
    times_are_dts
        Whether the packets' times are known not to be those of their frames.

    Raises
    ------
    NoPlanError
        If the packets' times cannot be those of the frames.
    """

    def __init__(self, packets: Packets, *, reorders: bool, times_are_dts: bool = False) -> None:
        if not len(packets):
            raise NoPlanError("there is no packet")
        shown = np.flatnonzero(np.frombuffer(packets.hidden, dtype=np.uint8) == 0)
        if not shown.size:
            raise NoPlanError("no packet is shown")
        times = np.frombuffer(packets.pts, dtype=np.int64)
        order = shown[np.argsort(times[shown], kind="stable")]
        self.packets = packets
        self.packet_numbers: Sequence[int] = order.tolist()
        """Of the packets."""
        self.times: Sequence[int] = times[order].tolist()
        """Of the frames, in ticks."""
        if not packets.keys[0]:
            raise NoPlanError("the first packet is no keyframe")
        if self.start < packets.pts[0]:
            # Whether a decoder shows what leads an open group of pictures at a file's start is its own affair.
            raise NoPlanError("frames are shown before the first keyframe")
        if (np.diff(times[order]) == 0).any():
            raise NoPlanError("two packets have the same time")
        # Some writers put decoding times in the place of presentation times: only the decoder knows the order.
        self.times_are_dts = times_are_dts or bool(reorders and len(order) > 1 and (np.diff(order) > 0).all())
        """Whether a packet's time is not that of its frame; the frames have the same times, but in display order."""

    @property
    def start(self) -> int:
        """Time of the first frame, in ticks."""
        return self.times[0]


def make_plan(timeline: Timeline, tick: Fraction, fps: Fraction, sampling: Sampled = "exact") -> list[DecodeSegment]:
    """Choose the frames nearest to the times 0, 1/fps, 2/fps and so on, and the packets that must be decoded for them.

    A frame needs the packets from the last keyframe that is neither decoded nor shown after it: one that is decoded
    after a keyframe but shown before it leads an open group of pictures and needs the group before as well.

    Parameters
    ----------
    timeline
        Of the video.
    tick
        Seconds.
    fps
        Target frames per second, above 0.
    sampling
        With `keyframe`, a keyframe takes the place of the nearest frame if it is at most half an interval, 1/(2 fps),
        from the target.

    Returns
    -------
    list of DecodeSegment
        In order of decoding and of display, none overlapping another.

    Raises
    ------
    NoPlanError
        If the packets' times are not those of their frames.
    """
    if timeline.times_are_dts:
        raise NoPlanError("the codec reorders frames but their times do not")
    packets, numbers, times = timeline.packets, timeline.packet_numbers, timeline.times
    keys = np.flatnonzero(np.frombuffer(packets.keys, dtype=np.uint8)).tolist()
    replacements = _nearest_keyframes(timeline, tick, fps) if sampling == "keyframe" else {}
    plan: list[DecodeSegment] = []
    previous = -1
    for number, exact in nearest((time - timeline.start for time in times), tick, fps):
        index = replacements.get(number, exact)
        if index == previous:
            continue
        previous = index
        packet = numbers[index]
        first = _first_packet_for(packet, keys, packets.pts)
        target = TargetFrame(number, index, times[index], "exact" if index == exact else "keyframe")
        if plan and first <= plan[-1].last:
            plan[-1].last = max(plan[-1].last, packet)
            plan[-1].targets.append(target)
        else:
            plan.append(DecodeSegment(first, packet, [target]))
    return plan


def _nearest_keyframes(timeline: Timeline, tick: Fraction, fps: Fraction) -> dict[int, int]:
    """Find the keyframe nearest to each target, within half an interval: its index by the target's number."""
    per_tick, scale = (tick * fps).as_integer_ratio()
    found: dict[int, int] = {}
    distances: dict[int, int] = {}
    keys = timeline.packets.keys
    for index, (packet, time) in enumerate(zip(timeline.packet_numbers, timeline.times, strict=True)):
        if keys[packet]:
            position = (time - timeline.start) * per_tick
            number = (2 * position + scale) // (2 * scale)
            distance = abs(position - number * scale)
            if distance < distances.get(number, distance + 1):
                found[number], distances[number] = index, distance
    return found


def _first_packet_for(number: int, keys: Sequence[int], times: Sequence[int]) -> int:
    earlier = range(bisect_right(keys, number) - 1, -1, -1)
    # Nothing is shown before the first keyframe: one is always found.
    return next(keys[position] for position in earlier if times[keys[position]] <= times[number])

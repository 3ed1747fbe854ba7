"""Chooses the packets of a video that must be decoded for the sampled frames."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from operator import add
from typing import Literal

import numpy as np

from .part import WHOLE, Part
from .sampling import nearest

Sampled = Literal["exact", "keyframe"]


class NoPlanError(Exception):
    """The packets do not show the times of the frames, so all frames must be decoded. The message is the reason."""


@dataclass
class Packets:
    """Packets of a video's track in decoding order, stored compactly.

    Attributes
    ----------
    pts
        Presentation times in ticks of the track.
    sizes
        Sizes in bytes.
    keys
        1 for a keyframe, else 0.
    hidden
        1 for a packet that is decoded but not shown, for example because of an edit list, else 0.
    dts
        Decoding times in ticks; equal to `pts` if there are none.
    positions
        Positions of the first bytes in the file; -1 if unknown.
    """

    pts: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    keys: bytearray = field(default_factory=bytearray)
    hidden: bytearray = field(default_factory=bytearray)
    dts: array[int] = field(default_factory=lambda: array("q"))
    positions: array[int] = field(default_factory=lambda: array("q"))

    def add(
        self, pts: int, size: int, *, key: bool, hidden: bool, dts: int | None = None, position: int | None = None
    ) -> None:
        """Append the next packet."""
        self.dts.append(pts if dts is None else dts)
        self.positions.append(-1 if position is None else position)
        self.pts.append(pts)
        self.sizes.append(size)
        self.keys.append(key)
        self.hidden.append(hidden)

    def __len__(self) -> int:
        return len(self.pts)

    def after(self, first: int) -> Packets:
        """Return the packets from a number on."""
        return Packets(
            self.pts[first:],
            self.sizes[first:],
            self.keys[first:],
            self.hidden[first:],
            self.dts[first:],
            self.positions[first:],
        )

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return the first byte in the file of the packets with the numbers from `first` to `last`, and the end."""
        positions = self.positions[first : last + 1]
        return min(positions), max(map(add, positions, self.sizes[first : last + 1]))


@dataclass(frozen=True)
class TargetFrame:
    """A frame to decode.

    Attributes
    ----------
    number
        Number k of the target time k/fps.
    index
        Position of the frame in display order.
    pts
        Presentation time of the frame in ticks.
    sampled
        `exact` for the frame nearest to the target time, `keyframe` for a keyframe that replaces it.
    """

    number: int
    index: int
    pts: int
    sampled: Sampled = "exact"


@dataclass
class DecodeSegment:
    """Consecutive packets to decode, from number `first` (a keyframe) to `last`, and the target frames in them.

    Attributes
    ----------
    first, last
        Numbers of the packets.
    targets
        Target frames in order of time. The first ones may belong to an earlier part of the video.
    counted_from
        Number of the first packet whose damage counts. A target of an earlier part needs the packets before it.
    """

    first: int
    last: int
    targets: list[TargetFrame]
    counted_from: int = 0


class Timeline:
    """Shown packets of a video in display order.

    Parameters
    ----------
    packets
        Packets of the whole video.
    reorders
        True if the display order of the frames differs from their decoding order.
    times_are_dts
        True if the packets are known to have decoding times instead of presentation times.
    origin
        Time in ticks of the video's first frame if the packets are those of a part; None for the whole video.

    Raises
    ------
    NoPlanError
        If the packets cannot have the times of the frames.
    """

    def __init__(
        self, packets: Packets, *, reorders: bool, times_are_dts: bool = False, origin: int | None = None
    ) -> None:
        if not len(packets):
            raise NoPlanError("there is no packet")
        self.packets = packets
        self._origin = origin
        if self.is_inner:
            # The frames that lead the first group of pictures need the group before it.
            for number, time in enumerate(packets.pts):
                packets.hidden[number] |= time < packets.pts[0]
        shown = np.flatnonzero(np.frombuffer(packets.hidden, dtype=np.uint8) == 0)
        if not shown.size:
            raise NoPlanError("no packet is shown")
        times = np.frombuffer(packets.pts, dtype=np.int64)
        order = shown[np.argsort(times[shown], kind="stable")]
        self.packet_numbers: Sequence[int] = order.tolist()
        """Numbers of the packets in decoding order."""
        self.times: Sequence[int] = times[order].tolist()
        """Times of the frames in ticks."""
        if not packets.keys[0]:
            raise NoPlanError("the first packet is not a keyframe")
        if self.times[0] < packets.pts[0]:
            # Decoders differ in whether they show the leading frames of an open group at the start of a file.
            raise NoPlanError("frames are shown before the first keyframe")
        if (np.diff(times[order]) == 0).any():
            raise NoPlanError("two packets have the same time")
        # Some programs write decoding times instead of presentation times. Then only the decoder knows the order.
        self.times_are_dts = times_are_dts or bool(reorders and len(order) > 1 and (np.diff(order) > 0).all())
        """True if the packets have decoding times. The frames then have the same times, sorted in display order."""

    @property
    def start(self) -> int:
        """Time of the video's first frame in ticks."""
        return self.times[0] if self._origin is None else self._origin

    @property
    def is_inner(self) -> bool:
        """True if the packets are those of a part that begins after the first frame."""
        return self._origin is not None and self.packets.pts[0] != self._origin


def make_plan(
    timeline: Timeline, tick: Fraction, fps: Fraction, sampling: Sampled = "exact", part: Part = WHOLE
) -> list[DecodeSegment]:
    """Choose the frames nearest to the times 0, 1/fps, 2/fps and so on, and the packets that must be decoded for them.

    Decoding of a frame starts with the last keyframe that is not later than the frame in both decoding order and
    display order. A frame that is decoded after a keyframe but shown before it leads an open group of pictures, and
    also needs the previous group.

    Parameters
    ----------
    timeline
        Timeline of the video.
    tick
        Length of a tick in seconds.
    fps
        Sampled frames per second, above 0.
    sampling
        With `keyframe`, a keyframe replaces the nearest frame if it is at most half an interval, 1/(2 fps), away from
        the target.
    part
        Part of the video whose targets are needed. They are those of the whole video's plan.

    Returns
    -------
    list of DecodeSegment
        Segments without overlap, in decoding order, which is also their display order.

    Raises
    ------
    NoPlanError
        If the packets do not have the times of their frames.
    """
    if timeline.times_are_dts:
        raise NoPlanError("the codec reorders frames but their times do not")
    packets, numbers, times = timeline.packets, timeline.packet_numbers, timeline.times
    keys = np.flatnonzero(np.frombuffer(packets.keys, dtype=np.uint8)).tolist()
    replacements = _nearest_keyframes(timeline, tick, fps) if sampling == "keyframe" else {}
    own = part.numbers(fps)
    plan: list[DecodeSegment] = []
    # Targets of earlier parts that the current group of pictures may hold, with the numbers of their packets.
    earlier: list[tuple[int, TargetFrame]] = []
    previous = -1
    for number, exact in nearest((time - timeline.start for time in times), tick, fps):
        index = replacements.get(number, exact)
        if index == previous or (timeline.is_inner and exact == 0):
            # The frames before the first one are unknown, so its number is, too. It is before the part.
            continue
        previous = index
        if number >= own.stop:
            break
        packet = numbers[index]
        target = TargetFrame(number, index, times[index], "exact" if index == exact else "keyframe")
        if number < own.start:
            earlier.append((packet, target))
            continue
        first = _first_packet_for(packet, keys, packets.pts)
        if not plan and earlier:
            plan.append(_begin(earlier, first, packets.pts[first], packet, target))
        elif plan and first <= plan[-1].last:
            plan[-1].last = max(plan[-1].last, packet)
            plan[-1].targets.append(target)
        else:
            plan.append(DecodeSegment(first, packet, [target]))
    return plan


def _begin(
    earlier: list[tuple[int, TargetFrame]], first: int, start: int, last: int, target: TargetFrame
) -> DecodeSegment:
    """Return a part's first segment. It decodes the targets of earlier parts in it as these parts do.

    The decoder then also treats damage before the part in the same way. Frames before the time `start` of the keyframe
    lead an open group, so they cannot be decoded.
    """
    needed = [(packet, one) for packet, one in earlier if first <= packet]
    kept = [(packet, one) for packet, one in needed if one.pts >= start]
    # A frame that is shown before the target may be decoded after it.
    last = max([last, *(packet for packet, _ in kept)])
    targets = [*(one for _, one in kept), target]
    return DecodeSegment(first, last, targets, max((packet + 1 for packet, _ in needed), default=0))


def _nearest_keyframes(timeline: Timeline, tick: Fraction, fps: Fraction) -> dict[int, int]:
    """Find the nearest keyframe within half an interval of each target; maps target numbers to display positions."""
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
    # No frame is shown before the first keyframe, so one is always found.
    return next(keys[position] for position in earlier if times[keys[position]] <= times[number])

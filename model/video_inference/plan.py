"""Chooses from a video's packets the few that must be decoded for the wanted frames, or says why it cannot."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from .sampling import sample_by_time


class NoPlanError(Exception):
    """The packets do not tell which frame is shown when: only decoding all of them does."""


@dataclass
class Packets:
    """What demuxing a video's track showed, packet by packet in decoding order, in few bytes for each.

    Attributes
    ----------
    shown_at
        Presentation times, in the track's ticks.
    sizes
        Bytes.
    keys
        1 for a packet that decoding can start with, else 0.
    hidden
        1 for a packet that is decoded but not shown, as an edit list may say, else 0.
    """

    shown_at: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    keys: bytearray = field(default_factory=bytearray)
    hidden: bytearray = field(default_factory=bytearray)

    def add(self, shown_at: int, size: int, *, key: bool, hidden: bool) -> None:
        """Append the next packet."""
        self.shown_at.append(shown_at)
        self.sizes.append(size)
        self.keys.append(key)
        self.hidden.append(hidden)

    def __len__(self) -> int:
        return len(self.shown_at)


@dataclass(frozen=True)
class Wanted:
    """A frame to decode: its number in display order, its time in seconds from the first frame, and in ticks."""

    index: int
    timestamp: Fraction
    shown_at: int


@dataclass
class Stretch:
    """Packets to decode one after the other, numbered `first` (a keyframe) to `last`, for the wanted frames in them."""

    first: int
    last: int
    wanted: list[Wanted]


def _shown(packets: Packets) -> list[int]:
    """Give the numbers of the shown packets in display order."""
    numbers = [number for number in range(len(packets)) if not packets.hidden[number]]
    if not numbers:
        raise NoPlanError("no packet is shown")
    return sorted(numbers, key=packets.shown_at.__getitem__)


def _check(packets: Packets, shown: Sequence[int], *, reorders: bool) -> None:
    times = packets.shown_at
    if not packets.keys[0]:
        raise NoPlanError("the first packet is no keyframe")
    if times[shown[0]] < times[0]:
        # Whether a decoder shows what leads an open group of pictures at a file's start is its own affair.
        raise NoPlanError("frames are shown before the first keyframe")
    if any(times[one] == times[other] for one, other in pairwise(shown)):
        raise NoPlanError("two packets have the same time")
    in_decoding_order = all(one < other for one, other in pairwise(shown))
    if reorders and in_decoding_order and len(shown) > 1:
        # Some writers put decoding times in the place of presentation times: the decoder alone knows the order.
        raise NoPlanError("the codec reorders frames but their times do not")


@dataclass(frozen=True)
class _Timed:
    number: int
    index: int
    timestamp: Fraction


def make_plan(packets: Packets, tick: Fraction, fps: Fraction, *, reorders: bool) -> list[Stretch]:
    """Choose the frames nearest to the times 0, 1/fps, 2/fps and so on, and the packets that must be decoded for them.

    A frame needs the packets from the last keyframe that is neither decoded nor shown after it: one that is decoded
    after a keyframe but shown before it leads an open group of pictures and needs the group before as well.

    Parameters
    ----------
    packets
        Of the whole video.
    tick
        Seconds.
    fps
        Wanted frames per second, above 0.
    reorders
        Whether the codec shows frames in another order than it decodes them.

    Returns
    -------
    list of Stretch
        In order of decoding and of display, none overlapping another.

    Raises
    ------
    NoPlanError
        If the packets' times cannot be those of the frames.
    """
    if not len(packets):
        raise NoPlanError("there is no packet")
    shown = _shown(packets)
    _check(packets, shown, reorders=reorders)
    times = packets.shown_at
    start = times[shown[0]]
    timed = (_Timed(number, index, (times[number] - start) * tick) for index, number in enumerate(shown))
    keys = [number for number in range(len(packets)) if packets.keys[number]]
    plan: list[Stretch] = []
    for chosen in sample_by_time(timed, fps):
        first = _start_for(chosen.number, keys, times)
        wanted = Wanted(chosen.index, chosen.timestamp, times[chosen.number])
        if plan and first <= plan[-1].last:
            plan[-1].last = max(plan[-1].last, chosen.number)
            plan[-1].wanted.append(wanted)
        else:
            plan.append(Stretch(first, chosen.number, [wanted]))
    return plan


def _start_for(number: int, keys: Sequence[int], times: Sequence[int]) -> int:
    earlier = range(bisect_right(keys, number) - 1, -1, -1)
    # Nothing is shown before the first keyframe: one is always found.
    return next(keys[position] for position in earlier if times[keys[position]] <= times[number])


class Expectation:
    """Checks, for one stretch, that the frames which come out of the decoder are the ones that the plan counts on.

    Parameters
    ----------
    stretch
        What is decoded.
    may_skip
        Whether the decoder was told to leave out frames that nobody wants.
    """

    def __init__(self, stretch: Stretch, packets: Packets, *, may_skip: bool) -> None:
        start = packets.shown_at[stretch.first]
        self._start = start
        self._may_skip = may_skip
        due = range(stretch.first, stretch.last + 1)
        self._due: Iterator[int] = iter(
            sorted(packets.shown_at[number] for number in due if not packets.hidden[number])
        )
        self._needed = {wanted.shown_at: wanted for wanted in stretch.wanted}
        if not packets.hidden[stretch.first]:
            # A decoder that cannot start at the keyframe leaves it out: pictures that refresh themselves bit by bit.
            self._never_skipped = {start, *self._needed}
        else:
            self._never_skipped = set(self._needed)

    def take(self, shown_at: int | None) -> Wanted | None:
        """Take a frame that came out, by its time in ticks; tell which wanted one it is, if it is one.

        Raises
        ------
        NoPlanError
            If it is not the frame whose turn it is.
        """
        if shown_at is None:
            raise NoPlanError("a decoded frame has no time")
        if shown_at < self._start:
            return None
        for due in self._due:
            if due < self._start:
                continue
            if due == shown_at:
                return self._needed.pop(shown_at, None)
            if due in self._never_skipped or not self._may_skip:
                break
        raise NoPlanError(f"the decoder shows a frame at {shown_at} that is not the next one")

    def finish(self) -> None:
        """Say that the stretch is over.

        Raises
        ------
        NoPlanError
            If a wanted frame did not come out.
        """
        if self._needed:
            raise NoPlanError(f"the decoder does not show the frame at {min(self._needed)}")

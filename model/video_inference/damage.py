"""Records which part of a video could not be decoded, and why reading it ended early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heappop, heappush
from typing import Literal

TruncationReason = Literal["damage", "end-of-data", "deadline"]

MAX_ERRORS_IN_A_ROW = 1000
"""Undecodable packets in a row after which decoding ends: half a minute at 30 frames per second."""


@dataclass(frozen=True)
class Truncation:
    """Why a video was not read to the end that its container states.

    Attributes
    ----------
    reason
        `damage`: the packets cannot be decoded any more; `end-of-data`: the file ends or cannot be read any more;
        `deadline`: the time for the request was over.
    until
        Seconds from the first frame: the time of the last frame that was reached.
    """

    reason: TruncationReason
    until: Fraction


@dataclass(frozen=True)
class Gap:
    """A span without frames because of damage, in seconds from the first frame."""

    start: Fraction
    end: Fraction


@dataclass(frozen=True)
class Damage:
    """What could not be decoded: the number of packets with damage, and the spans without frames."""

    packets: int = 0
    gaps: Sequence[Gap] = ()


@dataclass
class DamageLog:
    """Counts undecodable packets and finds the spans whose frames never came out of the decoder.

    The decoder reports an error some packets late, but frames come out in display order: a frame that is due before the
    one that came out is lost. A frame that is late without an error is not counted: the two fields of an interlaced
    frame may be two packets.

    Attributes
    ----------
    packets
        Packets so far that the decoder refused or could decode in part only.
    errors_in_a_row
        Packets that it refused since the last frame.
    left
        Packets whose frames had not come out when the decoder was drained the last time.
    earliest
        The smallest time of a packet so far, in ticks.
    """

    packets: int = 0
    errors_in_a_row: int = 0
    undelivered: int = 0
    earliest: int = 0
    _due: list[int] = field(default_factory=list)
    _unexplained: int = 0
    _is_new: bool = True
    _spans: list[tuple[int, int]] = field(default_factory=list)

    def add_repaired(self) -> None:
        """Note that a frame came out that is damaged."""
        self.packets += 1

    def add_packet(self, time: int | None) -> None:
        """Note that a packet with this time, in ticks, is given to the decoder."""
        if time is not None:
            self.earliest = time if self._is_new else min(self.earliest, time)
            self._is_new = False
            heappush(self._due, time)

    def add_error(self) -> None:
        """Note that the decoder refused a packet."""
        self.packets += 1
        self.errors_in_a_row += 1
        self._unexplained += 1

    def add_frame(self, time: int | None) -> int:
        """Note that a frame came out, by its time in ticks, None if it has none; tell how many before it are lost."""
        refused, self.errors_in_a_row = self.errors_in_a_row, 0
        if time is None:
            self._unexplained = 0
            return refused
        lost: list[int] = []
        while self._due and self._due[0] <= time:
            due = heappop(self._due)
            if due < time:
                lost.append(due)
        if not lost or not self._unexplained:
            return 0
        self._unexplained = max(0, self._unexplained - len(lost))
        self.add_gap(lost[0], time)
        return len(lost)

    def drain(self, step: int) -> None:
        """Note that no more frames come out; a frame lasts `step` ticks."""
        self.undelivered = len(self._due)
        if self._due and self._unexplained:
            self.add_gap(self._due[0], max(self._due) + step)
        self._due.clear()
        self._unexplained = 0

    def add_gap(self, start: int, end: int) -> None:
        """Note that the frames of a span, in ticks, are lost."""
        self._spans.append((start, end))

    def summary(self, start: int, tick: Fraction) -> Damage:
        """Give what was found, with times counted from `start`, in ticks of `tick` seconds."""
        spans = [(max(0, first - start), last - start) for first, last in self._spans]
        return Damage(self.packets, [Gap(first * tick, last * tick) for first, last in spans if last > first])

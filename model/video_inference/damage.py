"""Records which parts of a video could not be decoded, and why reading ended early."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heappop, heappush
from typing import Literal

from .part import Part

TruncationReason = Literal["damage", "end-of-data", "deadline"]

MAX_ERRORS_IN_A_ROW = 1000
"""Number of consecutive undecodable packets after which decoding ends: half a minute at 30 frames per second."""


@dataclass(frozen=True)
class Truncation:
    """Reason why a video was not read up to the duration that its container states.

    Attributes
    ----------
    reason
        `damage`: the remaining packets cannot be decoded. `end-of-data`: the file ends or cannot be read any further.
        `deadline`: the request ran out of time.
    until
        Time of the last frame that was reached, in seconds from the first frame.
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
    """Damage in a video: the number of damaged packets, and the spans without frames."""

    packets: int = 0
    gaps: Sequence[Gap] = ()


@dataclass
class DamageLog:
    """Counts undecodable packets and finds the spans whose frames the decoder never returned.

    The decoder reports an error some packets late, but it returns frames in display order. A frame is therefore lost if
    the decoder returns a later one first. Without a reported error, a missing frame is not counted, because the two
    fields of an interlaced frame may be two packets.

    Attributes
    ----------
    packets
        Number of packets that the decoder refused or decoded only in part.
    errors_in_a_row
        Number of packets that the decoder refused since the last frame.
    left
        Number of frames that were missing when the decoder was last drained.
    earliest
        Smallest time of a packet so far, in ticks.
    """

    packets: int = 0
    errors_in_a_row: int = 0
    undelivered: int = 0
    earliest: int = 0
    _damaged: set[int] = field(default_factory=set)
    _due: list[int] = field(default_factory=list)
    _unexplained: int = 0
    _is_new: bool = True
    _spans: list[tuple[int, int]] = field(default_factory=list)

    def add_packet(self, time: int | None) -> None:
        """Note the time in ticks of a packet that is sent to the decoder."""
        if time is not None:
            self.earliest = time if self._is_new else min(self.earliest, time)
            self._is_new = False
            heappush(self._due, time)

    def add_damaged(self, time: int | None) -> None:
        """Count a packet that the decoder refused or decoded only in part, once.

        Parameters
        ----------
        time
            Time of the packet in ticks; None if unknown.
        """
        if time is None or time not in self._damaged:
            self.packets += 1
        if time is not None:
            self._damaged.add(time)

    def add_error(self) -> None:
        """Note that the decoder refused a packet."""
        self.errors_in_a_row += 1
        self._unexplained += 1

    def add_frame(self, time: int | None) -> int:
        """Note a frame that the decoder returned, and return the number of frames lost before it.

        Parameters
        ----------
        time
            Time of the frame in ticks; None if unknown.
        """
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
        """Note that the decoder was drained; a frame lasts `step` ticks."""
        self.undelivered = len(self._due)
        if self._due and self._unexplained:
            self.add_gap(self._due[0], max(self._due) + step)
        self._due.clear()
        self._unexplained = 0

    def add_gap(self, start: int, end: int) -> None:
        """Note a span of lost frames, in ticks."""
        self._spans.append((start, end))

    def summary(self, start: int, tick: Fraction) -> Damage:
        """Return the damage so far.

        Parameters
        ----------
        start
            Time of the first frame in ticks. Gaps count from it.
        tick
            Length of a tick in seconds.
        """
        spans = [(max(0, first - start), last - start) for first, last in self._spans]
        return Damage(self.packets, [Gap(first * tick, last * tick) for first, last in spans if last > first])


def owner_by_time(part: Part, log: DamageLog, tick: Fraction) -> Callable[[int | None], bool]:
    """Return a function that tells whether a part has a packet's time, for a pass that decodes all packets.

    A packet has the greatest time so far, so that each packet has one owner in any order of the packets.

    Parameters
    ----------
    part
        The part.
    log
        Log of the pass. The video starts at the smallest time of its packets.
    tick
        Length of a tick in seconds.
    """
    latest = -sys.maxsize

    def owns(time: int | None) -> bool:
        nonlocal latest
        latest = latest if time is None else max(latest, time)
        seconds = max(Fraction(0), (latest - log.earliest) * tick)
        return part.start <= seconds and not part.ends_by(seconds)

    return owns

"""Reaches the packets of a plan without reading those before them, if the container has tables of them."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from .plan import DecodeSegment, NoPlanError, Packets
from .track import Track

if TYPE_CHECKING:
    from .reader import NumberedPackets

MIN_SKIPPED_BYTES = 1 << 20
"""Minimum number of bytes between two segments that are skipped instead of read."""


class Numbered:
    """Packets of a track with tables, which are read again after a scan, with their numbers.

    Parameters
    ----------
    track
        The track, or another one of the same file.
    packets
        Packets of the scan.
    """

    def __init__(self, track: Track, packets: Packets) -> None:
        self._track = track
        self._packets = packets
        self._read: NumberedPackets | None = None
        self._last = -1

    def of(self, segment: DecodeSegment) -> NumberedPackets:
        """Return the packets from a number that is not above the first of a segment on. A long way to it is skipped."""
        way = sum(self._packets.sizes[self._last + 1 : segment.first])
        self._track.expect(segment.first, segment.last, self._packets)
        if self._read is None or segment.first <= self._last or way >= MIN_SKIPPED_BYTES:
            self._read = self._from(segment.first)
        self._last = segment.last
        return self._read

    def _from(self, first: int) -> NumberedPackets:
        number: int | None = None
        dts = self._packets.dts
        for packet in self._track.packets_again(dts[first]):
            if number is None:
                number = first + 1 if packet.dts is None else bisect_left(dts, packet.dts)
                if number > first:
                    raise NoPlanError("the container does not find a packet")
            yield number, packet
            number += 1

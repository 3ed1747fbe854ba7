"""Reaches the packets of a plan without reading those before them, if the container has an index."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from .part import Part
from .plan import DecodeSegment, NoPlanError, Packets, Sampled, Timeline
from .track import Track

if TYPE_CHECKING:
    from .reader import NumberedPackets

MIN_SKIPPED_BYTES = 1 << 20
"""Minimum number of bytes between two segments that are skipped instead of read."""

# Number of packets after which the frames that lead the first group of pictures have come.
_LEADING_PACKETS = 64
_FIRST_STEP_BACK = Fraction(1)


class Numbered:
    """Packets of a track with their numbers, read again after a scan.

    Parameters
    ----------
    track
        The track, from which no packet was read again yet.
    packets
        Packets of the scan.
    rewinds
        True if the track itself was scanned, False if it is a new one.
    start
        Time in ticks that the scan began at; None for the start of the video.
    """

    def __init__(self, track: Track, packets: Packets, *, rewinds: bool, start: int | None = None) -> None:
        self._track = track
        self._packets = packets
        again = rewinds or start is not None
        self._read: NumberedPackets = enumerate(track.packets_again(start) if again else track.packets())
        self._last = -1
        self._skips = False

    def of(self, segment: DecodeSegment) -> NumberedPackets:
        """Return the packets from a number that is not above the first of a segment on.

        Only in a container with tables is a long way to the segment skipped. The index of another one may be wrong.
        """
        if self._track.has_tables:
            way = sum(self._packets.sizes[self._last + 1 : segment.first])
            self._track.expect(segment.first, segment.last, self._packets)
            if not self._skips or way >= MIN_SKIPPED_BYTES:
                self._read, self._skips = self._from(segment.first), True
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


@dataclass(frozen=True)
class Window:
    """Packets of a Matroska file around a part of the video.

    Attributes
    ----------
    timeline
        Timeline of these packets.
    start
        Time in ticks to seek to for the first of them; None for the start of the video.
    """

    timeline: Timeline
    start: int | None


def read_window(track: Track, part: Part, fps: Fraction, sampling: Sampled) -> Window:
    """Read the packets that tell which frames a part of a Matroska file has.

    They begin with a group of pictures before the part, and end with one after it, so that the nearest frame to each
    target is among them.

    Raises
    ------
    NoPlanError
        If the packets do not show the times of the frames, or the container's index leads elsewhere.
    BrokenVideoError, LateError, EncryptedVideoError
        See `Track.packets`.
    """
    track.check_times()
    origin = _first_time(track)
    # A keyframe may replace the nearest frame within half an interval, and that of the target before.
    around = 2 / fps if sampling == "keyframe" else Fraction(0)
    end = None if part.end is None else origin + (part.end + around) / track.tick
    step = _FIRST_STEP_BACK
    while True:
        seconds = part.start - around - step
        start = None if seconds <= 0 else origin + int(seconds / track.tick)
        packets = _read_until(track, start, end)
        timeline = Timeline(packets, reorders=track.reorders, origin=origin)
        if start is None or _reaches_back(timeline, origin + (part.start - around) / track.tick):
            return Window(timeline, start)
        step *= 4


def _first_time(track: Track) -> int:
    """Return the time of the video's first frame in ticks."""
    first: int | None = None
    for number, packet in enumerate(track.packets(track.stream.start_time or 0)):
        if packet.pts is None or (first is None and not packet.is_keyframe):
            break
        first = packet.pts if first is None else first
        if packet.pts < first:
            break
        if number == _LEADING_PACKETS or (number > 0 and packet.is_keyframe):
            return first
    else:
        if first is not None:
            return first
    raise NoPlanError("the video does not start with a keyframe that is shown first")


def _read_until(track: Track, start: int | None, end: Fraction | None) -> Packets:
    """Read packets from a time on, up to the keyframe that follows the first one at the end or after it."""
    packets = Packets()
    has_end = False
    for packet in track.packets((track.stream.start_time or 0) if start is None else start):
        if not len(packets) and (
            not packet.is_keyframe or packet.pts is None or (start is not None and packet.pts > start)
        ):
            raise NoPlanError("the container's index leads to another packet")
        if packet.is_keyframe:
            if has_end:
                return packets
            has_end = end is not None and packet.pts is not None and packet.pts >= end
        track.note(packet, packets)
    return packets


def _reaches_back(timeline: Timeline, start: Fraction) -> bool:
    """Tell whether a window has two groups of pictures that begin before the part, so that it has all it needs."""
    packets = timeline.packets
    keys = sum(1 for key, pts in zip(packets.keys, packets.pts, strict=True) if key and pts <= start)
    return keys >= 2

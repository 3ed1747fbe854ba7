"""Plans the samples of a video without sample tables from windows of its packets, which are read once and in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .part import Part
from .plan import DecodeSegment, NoPlanError, Packets, Sampled, Timeline
from .track import Track

if TYPE_CHECKING:
    from .reader import NumberedPackets
    from .track import AnyPacket

WINDOW_BYTES = 16 << 20
"""Size in bytes of a window's own packets after which it ends at the next keyframe."""

MAX_WINDOW_BYTES = 256 << 20
"""Maximum size in bytes of the packets in memory: several groups of pictures of 4K video.

With `sampling=keyframe`, these are also the packets of about two sampling intervals.
"""

# Memory of a packet apart from its content.
_PACKET_BYTES = 512
# Number of packets after a time in which all frames before it have come.
_REORDERED_PACKETS = 64
_FIRST_STEP_BACK = Fraction(1)


@dataclass(frozen=True)
class Window:
    """Consecutive packets, with the part of the video whose samples they have.

    Attributes
    ----------
    timeline
        Timeline of the packets.
    part
        The part.
    first_index
        Number in display order of the first frame of the timeline, counted from the first packet that was read.
    packets
        The packets, until the next window is read.
    """

    timeline: Timeline
    part: Part
    first_index: int
    packets: Sequence[AnyPacket]

    def of(self, segment: DecodeSegment) -> NumberedPackets:
        """Return the packets from the first one of a segment on, with their numbers."""
        return ((number, self.packets[number]) for number in range(segment.first, len(self.packets)))


def read_windows(track: Track, part: Part, fps: Fraction, sampling: Sampled, *, seeks: bool) -> Iterator[Window]:
    """Read the packets that tell which frames a part of a video has, and that decode them.

    The first window begins with a group of pictures before the part. A window ends with a group after its samples, so
    that the nearest frame to each target is among its packets.

    Parameters
    ----------
    track
        Track that was not read yet.
    part, fps, sampling
        The part, and the parameters of the plan.
    seeks
        True to begin at the last keyframes before the part by the container's index, False at the start of the file.

    Raises
    ------
    NoPlanError
        If the packets do not show the times of the frames, more than `MAX_WINDOW_BYTES` must be in memory, or the
        container's index leads elsewhere.
    BrokenVideoError, LateError, EncryptedVideoError
        See `Track.packets`.
    """
    track.check_times()
    margin = _Margin()
    if sampling == "keyframe":
        # A keyframe may replace a frame within half an interval of its target. The target before the first one counts,
        # too, because two targets may have the same frame.
        margin = _Margin(before=3 / (2 * fps), after=1 / (2 * fps))
    if not seeks:
        yield from _Windows(track, part, margin).read(track.packets())
        return
    origin = _first_time(track)
    step = _FIRST_STEP_BACK
    while True:
        seconds = part.start - margin.before - step
        start = None if seconds <= 0 else origin + int(seconds / track.tick)
        windows = _Windows(track, part, margin, origin, is_inner=start is not None)
        read = windows.read(_packets_from(track, start))
        first = next(read)
        if start is None or windows.reaches_back(first):
            break
        step *= 4
    yield first
    yield from read


def _first_time(track: Track) -> int:
    """Return the time of the video's first frame in ticks."""
    first: int | None = None
    for number, packet in enumerate(track.packets(track.stream.start_time or 0)):
        if packet.pts is None or (first is None and not packet.is_keyframe):
            break
        first = packet.pts if first is None else first
        if packet.pts < first:
            break
        if number == _REORDERED_PACKETS or (number > 0 and packet.is_keyframe):
            return first
    else:
        if first is not None:
            return first
    raise NoPlanError("the video does not start with a keyframe that is shown first")


def _packets_from(track: Track, start: int | None) -> Iterator[AnyPacket]:
    """Read packets from the last keyframe that is not later than a time, or from the start of the video."""
    is_first = True
    for packet in track.packets((track.stream.start_time or 0) if start is None else start):
        if is_first and (not packet.is_keyframe or packet.pts is None or (start is not None and packet.pts > start)):
            raise NoPlanError("the container's index leads to another packet")
        is_first = False
        yield packet


@dataclass(frozen=True)
class _Margin:
    """Seconds before the start and after the end of a window in which the frames of its targets may be."""

    before: Fraction = Fraction(0)
    after: Fraction = Fraction(0)


class _Windows:
    """Splits packets into windows at keyframes.

    Parameters
    ----------
    track
        Track of the packets.
    part
        Part of the video.
    margin
        Times around the targets of a window in which their frames may be.
    origin
        Time in ticks of the video's first frame; None if the first packet that is read tells it.
    is_inner
        True if the packets begin after the first frame.
    """

    def __init__(
        self, track: Track, part: Part, margin: _Margin, origin: int | None = None, *, is_inner: bool = False
    ) -> None:
        self._track = track
        self._part = part
        self._margin = margin
        self._origin = origin
        self._is_inner = is_inner
        self._held: list[AnyPacket] = []
        self._packets = Packets()
        self._size = 0
        # Size in bytes of the packets that the current window has from the one before.
        self._kept = 0
        # Number of shown packets that were dropped, and the latest time of them.
        self._dropped = 0
        self._latest: int | None = None
        # Start and end of the current window in seconds, and the number of the packet that reaches the end.
        self._start = part.start
        self._end = part.end
        self._reached: int | None = None

    def read(self, packets: Iterator[AnyPacket]) -> Iterator[Window]:
        """Yield a window as soon as all of its packets were read; at least one."""
        for packet in packets:
            self._add(packet)
            while self._origin is not None and self._is_complete(self._origin):
                window = self._window(self._origin, self._end)
                yield window
                if window.part.end == self._part.end:
                    return
                self._start, self._end, self._reached = window.part.end or Fraction(0), self._part.end, None
                self._drop(self._origin)
                self._kept = self._size
        self._find_origin()
        yield self._window(self._origin or 0, self._part.end)

    def reaches_back(self, window: Window) -> bool:
        """Tell whether a window has two groups of pictures that begin before the part, so that it has all it needs."""
        return len(_keys_until(window.timeline.packets, self._ticks(self._part.start - self._margin.before))) >= 2

    def _add(self, packet: AnyPacket) -> None:
        self._track.note(packet, self._packets)
        self._held.append(packet)
        self._size += packet.size + _PACKET_BYTES
        count, is_key = len(self._held), bool(self._packets.keys[-1])
        if self._origin is None and (count > _REORDERED_PACKETS or (is_key and count > 1)):
            self._find_origin()
        if (
            is_key
            and self._origin is not None
            and self._packets.pts[-1] <= self._ticks(self._start - self._margin.before)
        ):
            self._drop(self._origin)
        if self._size > MAX_WINDOW_BYTES:
            raise NoPlanError(f"the packets that must be in memory have more than {MAX_WINDOW_BYTES >> 20} MiB")

    def _find_origin(self) -> None:
        if self._origin is None:
            self._origin = min(_shown_times(self._packets), default=None)

    def _is_complete(self, origin: int) -> bool:
        """Tell whether the window ends with the last packet that was added."""
        number, time = len(self._held) - 1, self._packets.pts[-1]
        is_key = bool(self._packets.keys[-1])
        if is_key and self._reached is None and self._size - self._kept >= WINDOW_BYTES:
            # All targets before this time have their frames before this keyframe, or it is their frame.
            cut = (time - origin) * self._track.tick - self._margin.after
            if cut > self._start and not self._part.ends_by(cut):
                self._end = cut
        if self._end is None:
            return False
        if self._reached is None and time >= self._ticks(self._end + self._margin.after):
            self._reached = number
        if self._reached is None or number == self._reached:
            return False
        return is_key or number - self._reached >= _REORDERED_PACKETS

    def _window(self, origin: int, end: Fraction | None) -> Window:
        # A timeline hides the leading frames of its first group, which the next window may still need to count.
        packets = replace(self._packets, hidden=bytearray(self._packets.hidden))
        is_inner = self._is_inner or self._dropped > 0
        timeline = Timeline(packets, reorders=self._track.reorders, origin=origin if is_inner else None)
        times = _shown_times(self._packets)
        if timeline.start != origin or (self._latest is not None and min(times) <= self._latest):
            raise NoPlanError("a group of pictures has frames before those of the previous group")
        leading = sum(1 for time in times if time < timeline.times[0])
        return Window(timeline, Part(self._start, end), self._dropped + leading, self._held)

    def _drop(self, origin: int) -> None:
        """Drop the packets before the last two groups of pictures that begin before the window."""
        keys = _keys_until(self._packets, self._ticks(self._start - self._margin.before))
        if len(keys) < 2 or keys[-2] == 0:
            return
        first = keys[-2]
        times = _shown_times(self._packets, first)
        self._latest = max([*times, origin if self._latest is None else self._latest])
        self._dropped += len(times)
        self._packets = self._packets.after(first)
        # In place, because the windows before share the list: they must not keep their packets in memory.
        del self._held[:first]
        self._size = sum(self._packets.sizes) + _PACKET_BYTES * len(self._held)

    def _ticks(self, seconds: Fraction) -> Fraction:
        return (self._origin or 0) + seconds / self._track.tick


def _keys_until(packets: Packets, time: Fraction) -> list[int]:
    """Return the numbers of the keyframes that are not later than a time in ticks."""
    keys = np.flatnonzero(np.frombuffer(packets.keys, dtype=np.uint8)).tolist()
    return [number for number in keys if packets.pts[number] <= time]


def _shown_times(packets: Packets, stop: int | None = None) -> list[int]:
    pairs = zip(packets.pts[:stop], packets.hidden[:stop], strict=True)
    return [time for time, is_hidden in pairs if not is_hidden]

"""Decodes a track in one pass, completely or in segments, and skips damaged packets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Protocol

import av
import av.video

from .damage import MAX_ERRORS_IN_A_ROW, DamageLog, TruncationReason
from .frame import Appearance, VideoInfo
from .opening import Body, check_size
from .ordering import TimeSorter
from .plan import DecodeSegment, NoPlanError, Packets, TargetFrame
from .segment_verifier import SegmentVerifier
from .track import Track
from .track_errors import BrokenPacketError, BrokenVideoError

if TYPE_CHECKING:
    from .track import AnyPacket

NumberedPackets = Iterator[tuple[int, "AnyPacket"]]

_log = logging.getLogger(__name__)

# Seconds that may be missing at the end before the video counts as truncated.
_SHORT_END = Fraction(1, 10)


class SegmentPackets(Protocol):
    """Packets of a plan."""

    def of(self, segment: DecodeSegment) -> NumberedPackets:
        """Return the packets from a number that is not above the first of a segment on."""


class Reader:
    """Decodes a track in one pass.

    Parameters
    ----------
    body, threads, max_pixels
        Parameters of `Track`.

    Raises
    ------
    EmptyBodyError, NotAVideoError, NoVideoTrackError, TooLargePictureError
        If the body has no track that can be decoded.
    """

    def __init__(self, body: Body, threads: int, max_pixels: int) -> None:
        self.track = Track(body, threads, max_pixels)
        self.log = DamageLog()
        self.threads = threads
        self.times: Sequence[int] | None = None
        """Times of all packets, ascending, if they are decoding times; else None."""
        self.ended_by: TruncationReason | None = None
        """Reason why the pass ended early; None if it did not."""
        self.decoded = 0
        """Number of frames that the decoder has returned."""
        self.reason = "it has no picture"
        """Reason why the last packet was refused."""
        self.owns_damage: Callable[[int | None], bool] = lambda _time: True
        """Tells whether the damage of a packet counts, by the packet's time in ticks."""
        self._max_pixels = max_pixels
        # True if a damaged packet is an error instead of counted and skipped, and if the decoder looks for damage.
        self._strict = self._refuses_damage = False
        # True if a packet was refused since the last restart of the decoder, and the time of that restart's keyframe.
        self._saw_error = False
        self._restarted_at = -sys.maxsize

    @property
    def tick(self) -> Fraction:
        """Length in seconds of a tick, the unit of the frames' times."""
        return self.track.tick if self._has_times else self.track.frame_seconds

    @property
    def step(self) -> int:
        """Average number of ticks from one frame to the next."""
        return max(1, round(self.track.frame_seconds / self.tick))

    @property
    def _has_times(self) -> bool:
        return self.times is not None or self.track.has_times

    def pictures(self) -> Iterator[tuple[av.VideoFrame, int | None, int]]:
        """Decode all pictures in display order.

        Yields
        ------
        tuple of av.VideoFrame, int or None, and int
            The picture, its time in ticks if known, and the number of frames lost since the previous one.

        Raises
        ------
        EncryptedVideoError, LateError
            See `Track.packets`.
        """
        track, log = self.track, self.log
        packets = track.packets()
        sorter = None if self.times is None else TimeSorter(self.times)
        more = True
        while more and log.errors_in_a_row < MAX_ERRORS_IN_A_ROW:
            packet: AnyPacket | None = None
            try:
                packet = next(packets, None)
            except BrokenVideoError as error:
                self.ended_by, self.reason = "end-of-data", str(error)
            more = packet is not None
            pictures = self._decode(packet)
            if packet is not None and self._has_times and not packet.is_discard:
                log.add_packet(packet.pts)
            if sorter is not None:
                timed = sorter.take(pictures)
            else:
                timed = ((picture, picture.pts if track.has_times else None) for picture in pictures)
            for picture, time in timed:
                yield picture, time, log.add_frame(time)
        for picture, time in () if sorter is None else sorter.finish():
            yield picture, time, log.add_frame(time)
        log.drain(self.step)
        self.end(early=track.ends_early)

    def planned(
        self, plan: Sequence[DecodeSegment], packets: Packets, numbered: SegmentPackets, max_distance: Fraction
    ) -> Iterator[tuple[TargetFrame, av.VideoFrame]]:
        """Decode the target frames of a plan. With several threads, continue with one after damage.

        Parameters
        ----------
        plan
            The plan.
        packets
            Packets that it was made from.
        numbered
            The same packets for each segment, as often as they are needed.
        max_distance
            Maximum distance in ticks between a target frame and the frame that replaces it after damage.

        Raises
        ------
        NoPlanError
            If the decoder returns other frames than planned, without damage.
        BrokenVideoError, LateError
            See `Track.packets`.
        """
        if self.threads > 1:
            # With several threads, the decoder reports a damaged packet too late or not at all.
            times = packets.pts
            closed = all(min(times[one.first : one.last + 1]) >= times[one.first] for one in plan)
            self._set_strict(groups_are_closed=closed)
        done = 0
        while done < len(plan) and self.log.errors_in_a_row < MAX_ERRORS_IN_A_ROW:
            try:
                yield from self._segment(plan[done], packets, numbered.of(plan[done]), max_distance)
                done += 1
            except (NoPlanError, BrokenPacketError) as problem:
                if not self._strict:
                    raise
                _log.info("The decoder continues with one thread: %s.", problem)
                self.threads, self._strict, self.log = 1, False, DamageLog()
                self.track.use_one_thread()

    def _set_strict(self, *, groups_are_closed: bool) -> None:
        """Make any damage an error.

        In an open group at the start of a segment, the leading frames cannot be decoded, which looks like damage.
        """
        if self._strict and groups_are_closed != self._refuses_damage:
            # The options of a decoder cannot be changed once it has a packet.
            self.track.replace_decoder()
        if groups_are_closed and not (self._strict and self._refuses_damage):
            self.track.refuse_damage()
        self._strict, self._refuses_damage = True, groups_are_closed

    def _segment(
        self, segment: DecodeSegment, packets: Packets, numbered: NumberedPackets, max_distance: Fraction
    ) -> Iterator[tuple[TargetFrame, av.VideoFrame]]:
        """Decode the target frames of a segment. After damage, yield the frames nearest to them instead."""
        track, log = self.track, self.log
        verifier = SegmentVerifier(segment, packets, may_skip=track.can_skip, max_distance=max_distance)
        times = {target.pts for target in segment.targets}
        uncounted = set(packets.pts[segment.first : segment.counted_from])
        self.owns_damage = lambda time: time is None or time not in uncounted
        for packet in chain(_packets_of(segment, packets, numbered), (None,)):
            may_skip = track.can_skip and not verifier.is_damaged
            skip = may_skip and packet is not None and packet.pts not in times
            refused = log.errors_in_a_row
            pictures = self._decode(packet, skip_unreferenced=skip)
            if log.errors_in_a_row > refused:
                verifier.is_damaged = True
            if packet is not None and not packet.is_discard and (not skip or verifier.is_damaged):
                log.add_packet(packet.pts)
            for picture in pictures:
                log.add_frame(picture.pts)
                yield from verifier.take(picture)
            if log.errors_in_a_row >= MAX_ERRORS_IN_A_ROW:
                break
        self._restart()
        yield from verifier.finish()
        log.drain(self.step)

    def end(self, *, early: bool) -> None:
        """Note the end of the packets, and why it is early if it is.

        Parameters
        ----------
        early
            True if the packets end before the duration that the container states. The video also counts as truncated if
            the decoder refused the last packets.
        """
        seconds = self.track.frame_seconds
        if self.ended_by is None and self.log.errors_in_a_row * seconds > max(_SHORT_END, 2 * seconds):
            self.ended_by = "damage"
        elif self.ended_by is None and early:
            self.ended_by = "end-of-data"

    def info(self, first: Appearance, start: int) -> VideoInfo:
        """Return the properties of the video, whose first frame has an appearance and a time in ticks."""
        track, tick = self.track, self.tick
        return VideoInfo(
            first.width,
            first.height,
            track.duration,
            first.rotation,
            track.stream.codec.canonical_name,
            track.stream.container.streams.video.index(track.stream),
            start * tick,
            first.transfer,
            tick,
        )

    def _decode(self, packet: AnyPacket | None, *, skip_unreferenced: bool = False) -> list[av.VideoFrame]:
        """Decode a packet, or drain the decoder if it is None."""
        pictures: list[av.VideoFrame] = []
        try:
            if self._saw_error and packet is not None and packet.is_keyframe and packet.pts is not None:
                pictures = self.track.decode(None)
                self._restart()
                self._restarted_at = packet.pts
            elif packet is not None and packet.pts is not None and packet.pts < self._restarted_at:
                # It leads an open group of pictures and needs the previous group.
                return []
            pictures += self.track.decode(packet, skip_unreferenced=skip_unreferenced)
        except BrokenPacketError as error:
            self._refuse(str(error), None if packet is None else packet.pts)
        fitting = []
        for picture in pictures:
            if self.decoded == 0:
                check_size(picture.width, picture.height, self._max_pixels)
            if picture.width * picture.height > self._max_pixels:
                self._refuse(f"its pictures grow to {picture.width}x{picture.height} pixels", picture.pts)
            else:
                self.decoded += 1
                fitting.append(picture)
                if picture.is_corrupt:
                    self._count(picture.pts)
        return fitting

    def _refuse(self, reason: str, time: int | None) -> None:
        if self._strict:
            raise BrokenPacketError(reason)
        self.reason = reason
        self._saw_error = True
        self.log.add_error()
        self._count(time)

    def _count(self, time: int | None) -> None:
        if self.owns_damage(time):
            self.log.add_damaged(time)

    def _restart(self) -> None:
        """Reset the decoder before the next group of pictures."""
        if self._saw_error:
            self.track.replace_decoder()
        else:
            self.track.flush_decoder()
        self._saw_error = False
        self._restarted_at = -sys.maxsize


def _packets_of(segment: DecodeSegment, packets: Packets, numbered: NumberedPackets) -> Iterator[AnyPacket]:
    for number, packet in numbered:
        if number < segment.first:
            continue
        if number >= len(packets) or (packet.pts, packet.size) != (packets.pts[number], packets.sizes[number]):
            raise NoPlanError("the container returns other packets on the second pass")
        yield packet
        if number == segment.last:
            return

"""Decodes a track in one pass, whole or in segments, and passes over what is damaged."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import av
import av.video

from .damage import MAX_ERRORS_IN_A_ROW, DamageLog, TruncationReason
from .opening import Body, check_size
from .ordering import TimeSorter
from .plan import DecodeSegment, NoPlanError, Packets, TargetFrame
from .segment_verifier import SegmentMatcher
from .track import BrokenPacketError, BrokenVideoError, Track

if TYPE_CHECKING:
    from .track import AnyPacket

NumberedPackets = Iterator[tuple[int, "AnyPacket"]]

# Seconds at the end that may be missing.
_SHORT_END = Fraction(1, 10)


class Reader:
    """Decodes a track in one pass.

    Parameters
    ----------
    body, threads, max_pixels
        As `Track` takes them.

    Raises
    ------
    EmptyBodyError, NotAVideoError, NoVideoTrackError, TooLargePictureError
        If there is nothing to decode in it.
    """

    def __init__(self, body: Body, threads: int, max_pixels: int) -> None:
        self.track = Track(body, threads, max_pixels)
        self.log = DamageLog()
        self.threads = threads
        self.strict = False
        """Whether a damaged packet is an error; else it is counted and passed over."""
        self.times: Sequence[int] | None = None
        """The packets' times, ascending, if they are not those of the frames that the packets hold."""
        self.ended_by: TruncationReason | None = None
        """Why the pass ended early, if it did so before the packets that there are."""
        self.decoded = 0
        """Frames that came out of the decoder so far."""
        self.reason = "it holds no picture"
        """Why the last packet was refused."""
        self._max_pixels = max_pixels
        # Whether a packet was refused since the decoder was restarted, and the time of the keyframe of that restart.
        self._saw_error = False
        self._restarted_at = -sys.maxsize

    @property
    def tick(self) -> Fraction:
        """Seconds of the unit of frames' times."""
        return self.track.tick if self._has_times else self.track.frame_seconds

    @property
    def step(self) -> int:
        """Ticks from one frame to the next, on average."""
        return max(1, round(self.track.frame_seconds / self.tick))

    @property
    def _has_times(self) -> bool:
        return self.times is not None or self.track.has_times

    def pictures(self) -> Iterator[tuple[av.VideoFrame, int | None, int]]:
        """Decode all pictures in display order.

        Each comes with its time in ticks, None if it is not known, and with the number of frames lost since the one
        before.

        Raises
        ------
        EncryptedVideoError, LateError
            As `Track.packets`.
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

    def segment(
        self, segment: DecodeSegment, packets: Packets, numbered: NumberedPackets, max_distance: Fraction
    ) -> Iterator[tuple[TargetFrame, av.VideoFrame]]:
        """Decode a segment of a plan; from its first damaged packet on, take the frames nearest to the wanted ones.

        Parameters
        ----------
        packets
            All that the plan was made of.
        numbered
            The same packets as they are read again.
        max_distance
            Ticks by which a frame may differ from the wanted one in whose place it is taken.

        Raises
        ------
        NoPlanError
            If what comes out is not what the plan says although nothing is damaged.
        BrokenPacketError
            If a packet is damaged and the pass is strict.
        BrokenVideoError, LateError
            As `Track.packets`.
        """
        track, log = self.track, self.log
        matcher = SegmentMatcher(segment, packets, may_skip=track.can_skip, max_distance=max_distance)
        times = {target.pts for target in segment.targets}
        for packet in chain(_packets_of(segment, packets, numbered), (None,)):
            may_skip = track.can_skip and not matcher.is_damaged
            skip = may_skip and packet is not None and packet.pts not in times
            refused = log.errors_in_a_row
            pictures = self._decode(packet, skip_unreferenced=skip)
            if log.errors_in_a_row > refused:
                matcher.damage()
            if packet is not None and not packet.is_discard and (not skip or matcher.is_damaged):
                log.add_packet(packet.pts)
            for picture in pictures:
                log.add_frame(picture.pts)
                yield from matcher.take(picture)
            if log.errors_in_a_row >= MAX_ERRORS_IN_A_ROW:
                break
        self._restart()
        yield from matcher.finish()
        log.drain(self.step)

    def set_strict(self, *, groups_are_closed: bool) -> None:
        """Make any damage an error; call it before the first packet is decoded.

        Parameters
        ----------
        groups_are_closed
            Whether no frame needs the group before its own. Those that do cannot be decoded at the start of a segment,
            which looks like damage.
        """
        self.strict = True
        if groups_are_closed:
            self.track.refuse_damage()

    def end(self, *, early: bool) -> None:
        """Note that there are no more packets.

        Parameters
        ----------
        early
            Whether they end before the container promised. The video is truncated, too, if the last ones were refused.
        """
        seconds = self.track.frame_seconds
        if self.ended_by is None and self.log.errors_in_a_row * seconds > max(_SHORT_END, 2 * seconds):
            self.ended_by = "damage"
        elif self.ended_by is None and early:
            self.ended_by = "end-of-data"

    def _decode(self, packet: AnyPacket | None, *, skip_unreferenced: bool = False) -> list[av.VideoFrame]:
        """Decode a packet or drain the decoder."""
        pictures: list[av.VideoFrame] = []
        try:
            if self._saw_error and packet is not None and packet.is_keyframe and packet.pts is not None:
                pictures = self.track.decode(None)
                self._restart()
                self._restarted_at = packet.pts
            elif packet is not None and packet.pts is not None and packet.pts < self._restarted_at:
                # It leads an open group and needs the one before.
                return []
            pictures += self.track.decode(packet, skip_unreferenced=skip_unreferenced)
        except BrokenPacketError as error:
            self._refuse(str(error))
        fitting = []
        for picture in pictures:
            if self.decoded == 0:
                check_size(picture.width, picture.height, self._max_pixels)
            if picture.width * picture.height > self._max_pixels:
                self._refuse(f"its pictures grow to {picture.width}x{picture.height} pixels")
            else:
                self.decoded += 1
                fitting.append(picture)
                if picture.is_corrupt:
                    self.log.add_repaired()
        return fitting

    def _refuse(self, reason: str) -> None:
        if self.strict:
            raise BrokenPacketError(reason)
        self.reason = reason
        self._saw_error = True
        self.log.add_error()

    def _restart(self) -> None:
        """Begin a group of pictures without what is left of the ones before it."""
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
        if (packet.pts, packet.size) != (packets.pts[number], packets.sizes[number]):
            raise NoPlanError("the container gives other packets when it is read again")
        yield packet
        if number == segment.last:
            return

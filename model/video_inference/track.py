"""Reads the packets of a video track from its container, and decodes them to frames."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
import av.packet
import av.stream
import av.video
from av.video.codeccontext import VideoCodecContext

from .codecs import PACKED, PLANNED_CODECS, SKIPPING_CODECS, UNKNOWN_OR_PROGRESSIVE, has_one_layer, side_data
from .containers import DURATION_IS_END_TIME, MATROSKA
from .errors import EncryptedVideoError
from .mp4_limits import movie_of
from .opening import Body, choose_track, decoder_options, open_body, open_container, reason_of
from .plan import NoPlanError, Packets
from .source import SourceFile
from .track_errors import BrokenPacketError, LateError, reading

if TYPE_CHECKING:
    AnyPacket = av.packet.Packet[Any]

_MICROSECONDS = 1_000_000
_DURATION_TOLERANCE = Fraction(1, 10)


class Track:
    """Main video track of a container.

    Parameters
    ----------
    body
        Content of the file. It must not change until the track is closed.
    threads
        Number of processor threads of the decoder. With one thread, an error belongs to the packet just sent, and the
        decoder returns its last frames even if one of them is damaged.
    max_pixels
        Maximum number of pixels of a picture.

    Raises
    ------
    EmptyBodyError, NotAVideoError, NoVideoTrackError, TooLargePictureError
        If the body has no track that can be decoded.
    """

    def __init__(self, body: Body, threads: int, max_pixels: int) -> None:
        with ExitStack() as opened:
            file = open_body(body)
            opened.callback(file.close)
            self._file = file
            self._container = opened.enter_context(open_container(file, max_pixels))
            self._movie = movie_of(file.view) if "mp4" in self._container.format.name else None
            self.stream = choose_track(self._container, max_pixels)
            """FFmpeg's properties of the track."""
            self._entries = self.stream.index_entries
            self.close = opened.pop_all().close
            """Close the container and the decoder, and release the body."""
        self._threads = threads
        self._max_pixels = max_pixels
        self._decoder = self._configured(self.stream.codec_context)
        self._ends: dict[int, int] = {}
        self._first_decoded = Fraction(0)
        self.deadline = float("inf")
        """Time of `time.monotonic` in seconds at which reading stops."""

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of a stored pixel divided by its height; 0 if unknown."""
        return self.stream.sample_aspect_ratio or self._decoder.sample_aspect_ratio or Fraction(0)

    @property
    def tick(self) -> Fraction:
        """Length in seconds of a tick, the unit of the packets' and frames' times."""
        return self.stream.time_base or Fraction(1, _MICROSECONDS)

    @property
    def reorders(self) -> bool:
        """True if the display order of the frames differs from their decoding order."""
        return bool(self._decoder.has_b_frames)

    @property
    def has_times(self) -> bool:
        """True if the container stores a time for each frame. In an AVI, FFmpeg counts them in decoding order."""
        return not (self.is_avi and self.reorders)

    @property
    def counts_times(self) -> bool:
        """True if the times are counted, so that only the decoder knows the order, as in DivX's packed bitstreams."""
        is_packed = self._decoder.name == "mpeg4" and PACKED.search(self._decoder.extradata or b"") is not None
        return is_packed or not self.has_times

    @property
    def can_skip(self) -> bool:
        """True if the decoder can skip frames that no other frame refers to, without changing other frames."""
        name = self._decoder.name
        return name in SKIPPING_CODECS and (name != "hevc" or has_one_layer(self._decoder.extradata))

    @property
    def can_rewind(self) -> bool:
        """True if `packets_again` yields all bytes of the packets."""
        # FFmpeg's buffer may still have zeros in place of blank bytes.
        return not (isinstance(self._file, SourceFile) and self._file.blank)

    @property
    def has_tables(self) -> bool:
        """True if the container has tables with the position of every packet, so that any packet can be reached."""
        return self._movie is not None

    @property
    def is_matroska(self) -> bool:
        """True if the container is Matroska or WebM, which has an index of keyframes."""
        return self._container.format.name == MATROSKA

    @property
    def duration(self) -> float | None:
        """Duration in seconds that the container states; None if it states none."""
        if self.stream.duration is not None:
            return float(self.stream.duration * self.tick)
        if self._container.duration is not None:
            return self._container.duration / _MICROSECONDS
        return None

    @property
    def frame_seconds(self) -> Fraction:
        """Average number of seconds from one frame to the next."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return 1 / rate if rate else Fraction(1, 25)

    @property
    def ends_early(self) -> bool:
        """True if the packets that were read end before the duration that the container states."""
        declared = Fraction(self._container.duration or 0, _MICROSECONDS)
        if self.is_avi:
            # FFmpeg corrects the duration of an AVI by the size of the file, but leaves the header's number of frames.
            declared = max(declared, self.stream.frames * self.frame_seconds)
        return declared - self._end_of_packets > max(_DURATION_TOLERANCE, 2 * self.frame_seconds)

    @property
    def _end_of_packets(self) -> Fraction:
        """End of the packets that were read, in seconds from the time that the stated duration counts from."""
        # Every track counts, because sound may last longer than pictures, and the duration is that of both.
        streams = self._container.streams
        ends = [end * (streams[index].time_base or Fraction(0)) for index, end in self._ends.items()]
        duration_is_end_time = self._container.format.name in DURATION_IS_END_TIME
        start = Fraction(0 if duration_is_end_time else self._container.start_time or 0, _MICROSECONDS)
        if self._container.format.name == "flv":
            # In FLV, the duration counts from the first decoding time.
            start = min(start, self._first_decoded)
        return max([end - start for end in ends], default=Fraction(0))

    @property
    def is_avi(self) -> bool:
        """True if the container is an AVI, which stores no times and starts at 0 s."""
        return self._container.format.name == "avi"

    def packets(self, time_stamp: int | None = None) -> Iterator[AnyPacket]:
        """Read the packets of the track in decoding order, without the empty one at the end.

        Parameters
        ----------
        time_stamp
            Time in ticks. The first packet is the last keyframe of the index that is not later. None for the start.

        Raises
        ------
        BrokenVideoError
            If the container cannot be read any further.
        LateError
            If the deadline has passed.
        EncryptedVideoError
            If a packet is encrypted.
        """
        ends, index, deadline = self._ends, self.stream.index, self.deadline
        self._ends.clear()
        with reading():
            if time_stamp is not None:
                self._container.seek(time_stamp, stream=self.stream)
            # This loop runs 100,000 times for an hour of video, so it avoids fractions and calls.
            for packet in self._container.demux():
                if not packet.size:
                    continue
                if time.monotonic() >= deadline:
                    raise LateError
                track, end = packet.stream_index, packet.pts
                if end is not None:
                    if not ends:
                        self._first_decoded = (end if packet.dts is None else packet.dts) * packet.time_base
                    end += packet.duration or 0
                    if end > ends.get(track, end - 1):
                        ends[track] = end
                if track == index:
                    if "encryption_info" in side_data(packet):
                        raise EncryptedVideoError("The video is encrypted: send it without digital rights management.")
                    yield packet

    def scan(self) -> Packets:
        """Read all packets without decoding them, and return their times and sizes for a plan.

        Raises
        ------
        NoPlanError
            If the packets do not show the times of the frames.
        BrokenVideoError, LateError, EncryptedVideoError
            See `packets`.
        """
        self.check_times()
        if self._movie is not None and isinstance(self._file, SourceFile):
            # The tables have everything that a plan needs.
            self._file.blank = self._movie.data
        noted = Packets()
        for packet in self.packets():
            self.note(packet, noted)
        return noted

    def check_times(self) -> None:
        """Check that the container and the codec can have the time of each frame.

        Raises
        ------
        NoPlanError
            If they cannot.
        """
        if self._decoder.name not in PLANNED_CODECS or (self.is_avi and not self.reorders):
            raise NoPlanError("the container or the codec does not store a time for every frame")
        if self._decoder.field_order not in UNKNOWN_OR_PROGRESSIVE:
            raise NoPlanError("two packets may make one frame of an interlaced video")

    def note(self, packet: AnyPacket, noted: Packets) -> None:
        """Append a packet to those of a plan.

        Raises
        ------
        NoPlanError
            If the packet does not show the time of its frame.
        """
        pts = packet.pts
        if pts is None:
            raise NoPlanError("a packet has no time")
        if packet.is_corrupt:
            raise NoPlanError("a packet is damaged")
        if "new_extradata" in side_data(packet):
            raise NoPlanError("the codec's parameters change within the video")
        key = self._is_keyframe(packet, len(noted))
        noted.add(pts, packet.size, key=key, hidden=packet.is_discard, dts=packet.dts, position=packet.pos)

    def _is_keyframe(self, packet: AnyPacket, number: int) -> bool:
        """Tell whether a packet is a keyframe, by the container's tables if there are any.

        FFmpeg also looks for keyframes in the packets, which parts of a video do not read.
        """
        if self._movie is None:
            return packet.is_keyframe
        entry = self._entries[number] if number < len(self._entries) else None
        if entry is None or (entry.timestamp, entry.size) != (packet.dts, packet.size):
            raise NoPlanError("the container's tables list other packets")
        return entry.is_keyframe

    def packets_again(self, time_stamp: int) -> Iterator[AnyPacket]:
        """Read the packets of a track with tables again, from the last keyframe on that is not later than a time.

        Parameters
        ----------
        time_stamp
            Decoding time in ticks.

        Raises
        ------
        BrokenVideoError, LateError
            See `Track.packets`.
        """
        for stream in self._container.streams:
            if stream.index != self.stream.index:
                # FFmpeg then does not read the packets of the other tracks.
                stream.discard = av.stream.Discard.all
        with reading():
            self._container.seek(time_stamp, stream=self.stream)
            for packet in self._container.demux(self.stream):
                if time.monotonic() >= self.deadline:
                    raise LateError
                if packet.size:
                    yield packet

    def expect(self, first: int, last: int, packets: Packets) -> None:
        """Note that only the packets with the numbers from `first` to `last` will be read from now on."""
        if isinstance(self._file, SourceFile):
            self._file.expect(*packets.span(first, last))

    def expect_all(self) -> None:
        """Note that all packets will be read from now on."""
        if isinstance(self._file, SourceFile):
            self._file.expect(0, len(self._file.view))

    def decode(self, packet: AnyPacket | None, *, skip_unreferenced: bool = False) -> list[av.VideoFrame]:
        """Decode a packet, or drain the decoder if it is None.

        Returns
        -------
        list of av.VideoFrame
            Frames in display order. The decoder returns a frame some packets after its packet.

        Raises
        ------
        BrokenPacketError
            If the decoder refuses this packet or, with several threads, an earlier one.
        """
        self._decoder.skip_frame = "NONREF" if skip_unreferenced else "DEFAULT"
        try:
            return self._decoder.decode(packet)
        except av.ArgumentError as error:
            # FFmpeg reports an invalid argument if a picture exceeds its limit of pixels.
            reason = f"its pictures are damaged or have more than {self._max_pixels} pixels"
            raise BrokenPacketError(reason) from error
        except (av.FFmpegError, ValueError) as error:
            raise BrokenPacketError(reason_of(error)) from error

    def replace_decoder(self) -> None:
        """Create a new decoder, without state from damaged packets. The next packet must be a keyframe."""
        # PyAV's type annotation names only the base class.
        new = cast("VideoCodecContext", av.CodecContext.create(self._decoder.codec, "r"))
        new.extradata, new.codec_tag = self._decoder.extradata, self._decoder.codec_tag
        new.width, new.height = self.stream.width, self.stream.height
        self._decoder = self._configured(new)

    def use_one_thread(self) -> None:
        """Create a new decoder with one thread. The next packet must be a keyframe."""
        self._threads = 1
        self.replace_decoder()

    def _configured(self, decoder: VideoCodecContext) -> VideoCodecContext:
        decoder.thread_type = "AUTO"
        decoder.thread_count = self._threads
        decoder.options = decoder_options(self._max_pixels)
        return decoder

    def refuse_damage(self) -> None:
        """Make the decoder refuse packets that it would decode only in part. Call this before the first one is decoded.

        This is needed with several threads, because FFmpeg then does not mark every repaired frame.
        """
        self._decoder.options = decoder_options(self._max_pixels) | {"err_detect": "explode"}

    def flush_decoder(self) -> None:
        """Discard the reference frames of the decoder. The next packet must be a keyframe."""
        self._decoder.flush_buffers()

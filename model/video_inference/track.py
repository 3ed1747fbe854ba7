"""A video's track of pictures: its packets as they lie in the container, and the decoder that makes frames of them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
import av.packet
import av.video
from av.video.codeccontext import VideoCodecContext

from .errors import EncryptedVideoError
from .opening import Body, MemoryFile, choose_track, decoder_options, open_container, reason_of
from .plan import NoPlanError, Packets

if TYPE_CHECKING:
    AnyPacket = av.packet.Packet[Any]

_MICROSECONDS = 1_000_000
_DURATION_TOLERANCE = Fraction(1, 10)
# Of these every packet is one shown frame, with its time. (PyAV calls decoders by their own names.)
_PLANNED_CODECS = {"h264", "hevc", "vp9", "libvpx-vp9", "av1", "libdav1d", "mpeg4"}
# Whether a frame serves as a reference is written so that these decoders can pass over those that do not; VP9 and AV1
# learn from every frame.
_SKIPPING_CODECS = {"h264", "hevc", "mpeg4"}
_UNKNOWN_OR_PROGRESSIVE = {0, 1}
# DivX 5 and Xvid put a B-frame into the packet of the frame before. FFmpeg, too, knows such streams by this user data
# (decode_user_data in libavcodec/mpeg4videodec.c); its start code is in ISO/IEC 14496-2, 6.2.1.
_PACKED = re.compile(rb"\x00\x00\x01\xb2DivX[0-9]+(Build|b)[0-9]+p")
# These promise the time of the end, the others the time from the first picture or sound to the end.
_DURATION_IS_END_TIME = {"matroska,webm", "asf"}
# Without an index of all packets, FFmpeg cannot seek to the very first one in these.
_WITHOUT_INDEX = {"mpegts", "mpeg"}


class BrokenVideoError(Exception):
    """Reading cannot continue; the message is FFmpeg's reason, without a full stop."""


class LateError(Exception):
    """The deadline is reached."""


class BrokenPacketError(Exception):
    """A packet cannot be decoded; the message is FFmpeg's reason, without a full stop."""


class Track:
    """The main track of moving pictures in a container that lies in memory.

    Parameters
    ----------
    body
        The file's bytes; they must stay as they are until the track is closed.
    threads
        Processor threads for the decoder. With one, an error is that of the packet just given, and frames that the
        decoder still holds at the end come out even if one of them is damaged.
    max_pixels
        Pictures of more are refused.

    Raises
    ------
    EmptyBodyError, NotAVideoError, NoVideoTrackError, TooLargePictureError
        If there is nothing to decode in it.
    """

    def __init__(self, body: Body, threads: int, max_pixels: int) -> None:
        with ExitStack() as opened:
            file = opened.enter_context(MemoryFile(body))
            self._container = opened.enter_context(open_container(file, max_pixels))
            self._stream = choose_track(self._container, max_pixels)
            self.close = opened.pop_all().close
            """Free the container and the decoder, and let go of the body."""
        self._body = body
        self._threads = threads
        self._max_pixels = max_pixels
        self._decoder = self._configured(self._stream.codec_context)
        self._ends: dict[int, int] = {}
        self._first_decoded = Fraction(0)
        self.deadline = float("inf")
        """When reading stops, in seconds of `time.monotonic`."""

    @property
    def number(self) -> int:
        """The track's position among the container's video streams, from 0."""
        return self._container.streams.video.index(self._stream)

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec, such as "h264"."""
        return self._stream.codec.canonical_name

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of a stored picture, as the container says; 0 if it does not."""
        return self._stream.width, self._stream.height

    @property
    def pixel_aspect(self) -> Fraction:
        """A stored pixel's width by its height; 0 if unknown."""
        return self._stream.sample_aspect_ratio or self._decoder.sample_aspect_ratio or Fraction(0)

    @property
    def tick(self) -> Fraction:
        """Seconds of one unit of the packets' and frames' times."""
        return self._stream.time_base or Fraction(1, _MICROSECONDS)

    @property
    def reorders(self) -> bool:
        """Whether frames are shown in another order than they are decoded."""
        return bool(self._decoder.has_b_frames)

    @property
    def has_times(self) -> bool:
        """Whether the container keeps a time for each frame: an AVI keeps the rate alone.

        FFmpeg counts an AVI's packets, which gives the frames' times only if they are shown in the order of decoding.
        """
        return not (self.is_avi and self.reorders)

    @property
    def is_packed(self) -> bool:
        """Whether a packet may hold two pictures, and the one behind it none."""
        return self._decoder.name == "mpeg4" and _PACKED.search(self._decoder.extradata or b"") is not None

    @property
    def can_skip(self) -> bool:
        """Whether the decoder passes over frames that nothing refers to without harm to the others."""
        name = self._decoder.name
        return name in _SKIPPING_CODECS and (name != "hevc" or _has_one_layer(self._decoder.extradata))

    @property
    def can_rewind(self) -> bool:
        """Whether `packets_again` gives all packets."""
        return self._container.format.name not in _WITHOUT_INDEX

    @property
    def duration(self) -> float | None:
        """Seconds, as the container promises; None when it promises none."""
        if self._stream.duration is not None:
            return float(self._stream.duration * self.tick)
        if self._container.duration is not None:
            return self._container.duration / _MICROSECONDS
        return None

    @property
    def frame_seconds(self) -> Fraction:
        """Seconds from one frame to the next, on average."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return 1 / rate if rate else Fraction(1, 25)

    @property
    def ends_early(self) -> bool:
        """Whether the packets that were read end before the container declared."""
        declared = Fraction(self._container.duration or 0, _MICROSECONDS)
        if self.is_avi:
            # FFmpeg corrects an AVI's duration by the file's size; the count of frames stays as the header has it.
            declared = max(declared, self._stream.frames * self.frame_seconds)
        return declared - self._end_of_packets > max(_DURATION_TOLERANCE, 2 * self.frame_seconds)

    @property
    def _end_of_packets(self) -> Fraction:
        """Seconds from the start that the promise counts from to the end of the packets that were read."""
        # Any track counts: sound may last longer than pictures, and the container promises for both.
        streams = self._container.streams
        ends = [end * (streams[index].time_base or Fraction(0)) for index, end in self._ends.items()]
        duration_is_end_time = self._container.format.name in _DURATION_IS_END_TIME
        start = Fraction(0 if duration_is_end_time else self._container.start_time or 0, _MICROSECONDS)
        if self._container.format.name == "flv":
            # Its writers count from the first time of decoding.
            start = min(start, self._first_decoded)
        return max([end - start for end in ends], default=Fraction(0))

    @property
    def is_avi(self) -> bool:
        """Whether the container is an AVI, which keeps no times: it begins at 0 s."""
        return self._container.format.name == "avi"

    def packets(self) -> Iterator[AnyPacket]:
        """Read the track's packets in decoding order, without the empty one at the end.

        Raises
        ------
        BrokenVideoError
            If the container cannot be read on.
        LateError
            At the deadline.
        EncryptedVideoError
            If a packet is encrypted.
        """
        ends, index, deadline = self._ends, self._stream.index, self.deadline
        self._ends.clear()
        with _reading():
            # This runs for each of the 100,000 packets of an hour: no fractions, and as few calls as possible.
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
                    if "encryption_info" in _side_data(packet):
                        raise EncryptedVideoError("The video is encrypted: send it without digital rights management.")
                    yield packet

    def scan(self) -> Packets:
        """Read all packets, without decoding any, and note what a plan needs to know.

        Raises
        ------
        NoPlanError
            If the packets do not tell which frame is shown when.
        BrokenVideoError, LateError, EncryptedVideoError
            As `packets`.
        """
        if self._decoder.name not in _PLANNED_CODECS or (self.is_avi and not self.reorders):
            raise NoPlanError("the container or the codec keeps no time for every frame")
        if self._decoder.field_order not in _UNKNOWN_OR_PROGRESSIVE:
            raise NoPlanError("two packets may make one frame of an interlaced video")
        noted = Packets()
        for packet in self.packets():
            pts = packet.pts
            if pts is None:
                raise NoPlanError("a packet has no time")
            if packet.is_corrupt:
                raise NoPlanError("a packet is damaged")
            if "new_extradata" in _side_data(packet):
                raise NoPlanError("the codec's parameters change on the way")
            noted.add(pts, packet.size, key=packet.is_keyframe, hidden=packet.is_discard)
        return noted

    def packets_again(self) -> Iterator[AnyPacket]:
        """Read the track's packets from the start once more.

        Raises
        ------
        BrokenVideoError, LateError
            As `packets`.
        """
        with _reading():
            self._container.seek(self._stream.start_time or 0, stream=self._stream)
            for packet in self._container.demux(self._stream):
                if time.monotonic() >= self.deadline:
                    raise LateError
                if packet.size:
                    yield packet

    def decode(self, packet: AnyPacket | None, *, skip_unreferenced: bool = False) -> list[av.VideoFrame]:
        """Decode a packet, or drain the decoder; frames come out as they are shown, some packets later.

        Raises
        ------
        BrokenPacketError
            If the decoder refuses this packet, or one before it if there are several threads.
        """
        self._decoder.skip_frame = "NONREF" if skip_unreferenced else "DEFAULT"
        try:
            return self._decoder.decode(packet)
        except av.ArgumentError as error:
            # What FFmpeg says if its limit of pixels is exceeded.
            reason = f"its pictures are damaged or have more than {self._max_pixels} pixels"
            raise BrokenPacketError(reason) from error
        except (av.FFmpegError, ValueError) as error:
            raise BrokenPacketError(reason_of(error)) from error

    def replace_decoder(self) -> None:
        """Continue with a new decoder, to forget what the old one read from damage: the next packet is a keyframe."""
        # PyAV's types promise less than it gives.
        new = cast("VideoCodecContext", av.CodecContext.create(self._decoder.codec, "r"))
        new.extradata, new.codec_tag = self._decoder.extradata, self._decoder.codec_tag
        new.width, new.height = self._stream.width, self._stream.height
        self._decoder = self._configured(new)

    def _configured(self, decoder: VideoCodecContext) -> VideoCodecContext:
        decoder.thread_type = "AUTO"
        decoder.thread_count = self._threads
        decoder.options = decoder_options(self._max_pixels)
        return decoder

    def refuse_damage(self) -> None:
        """Have the decoder refuse packets that it would decode in part; call it before the first one is decoded.

        With several threads, FFmpeg does not mark every frame that it has repaired.
        """
        self._decoder.options = decoder_options(self._max_pixels) | {"err_detect": "explode"}

    def flush_decoder(self) -> None:
        """Forget the frames that the decoder refers to: the next packet is a keyframe."""
        self._decoder.flush_buffers()


@contextmanager
def _reading() -> Iterator[None]:
    """Raise BrokenVideoError for what PyAV raises when packets cannot be read on."""
    try:
        yield
    except IndexError:
        # PyAV 18.1 fails so behind the last packet if a track has begun midway (`InputContainer.demux`).
        return
    except (av.FFmpegError, ValueError) as error:
        raise BrokenVideoError(reason_of(error)) from error


def _side_data(packet: AnyPacket) -> list[str]:
    """List what else a packet carries; `has_sidedata` takes ten times as long."""
    return [one.data_type for one in packet.iter_sidedata()]


def _has_one_layer(configuration: bytes | None) -> bool:
    """Read from HEVC's configuration record that no temporal layers stand upon each other.

    A frame that its own layer does not refer to may be referred to by the next layer, and FFmpeg would skip it.
    """
    # ISO/IEC 14496-15, 8.3.2.1.2: a record, unlike a bare bit stream, starts with 1; numTemporalLayers are bits 3 to 5
    # of byte 21.
    if configuration is None or len(configuration) < 23 or configuration[0] != 1:
        return False
    return configuration[21] >> 3 & 7 == 1

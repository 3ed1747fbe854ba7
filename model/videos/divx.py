"""Writes packed bitstreams of MPEG-4 part 2, as DivX 5 and Xvid did for AVI.

In a packed bitstream, the packet of a frame also holds the B-frame that is decoded after it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from .writer import MPEG4_TICKS

# Start codes of ISO/IEC 14496-2, 6.2.1.
_PICTURE = b"\x00\x00\x01\xb6"
_USER_DATA = b"\x00\x00\x01\xb2"
# The "p" at the end tells decoders that packets may hold two pictures.
_PACKED = _USER_DATA + b"DivX503b1393p"
_P, _B = 0b01, 0b10


def packed(source: bytes, path: Path, rate: int) -> bytes:
    """Copy a video with B-frames into another container as a packed bitstream with decoding times.

    Parameters
    ----------
    source
        MPEG-4 part 2 in MP4 as `write` encodes it, with headers outside the packets.
    path
        Path of the copy. The suffix chooses the container.
    rate
        Frames per second.
    """
    with av.open(io.BytesIO(source), "r") as read, av.open(path, "w") as written:
        track = read.streams.video[0]
        header = track.codec_context.extradata or b""
        header = header[: header.index(_USER_DATA)] + _PACKED
        copy = written.add_stream_from_template(track)
        if not isinstance(copy, VideoStream):
            raise TypeError("PyAV's copy of a video track is not a video track.")
        tick = Fraction(1, rate)
        copy.time_base = tick
        # An AVI repeats the headers in each keyframe. Other containers store them once.
        in_band = path.suffix == ".avi"
        copy.codec_context.extradata = None if in_band else header
        packets = [packet for packet in read.demux(track) if packet.size > 0]
        keys = {bytes(packet) for packet in packets if packet.is_keyframe}
        for number, data in enumerate(_pack([bytes(packet) for packet in packets])):
            is_key = data in keys
            packet = av.Packet(header + data if is_key and in_band else data)
            packet.pts = packet.dts = number
            packet.time_base = tick
            packet.duration = 1
            packet.is_keyframe = is_key
            packet.stream = copy
            written.mux(packet)
    return path.read_bytes()


def _pack(packets: Sequence[bytes]) -> Iterator[bytes]:
    """Move the first B-frame of each run into the previous packet, and end the run with a picture that is not coded."""
    at = 0
    while at < len(packets):
        end = at + 1
        while end < len(packets) and _kind(packets[end]) == _B:
            end += 1
        if end == at + 1:
            yield packets[at]
        else:
            yield packets[at] + packets[at + 1]
            yield from packets[at + 2 : end]
            yield _not_coded(packets[at])
        at = end


def _kind(packet: bytes) -> int:
    return packet[packet.index(_PICTURE) + len(_PICTURE)] >> 6


def _not_coded(packet: bytes) -> bytes:
    """Return a picture that is not coded, with the time of a packet's first picture (ISO/IEC 14496-2, 6.2.5)."""
    start = packet.index(_PICTURE) + len(_PICTURE)
    bits = "".join(f"{byte:08b}" for byte in packet[start : start + 16])
    # The type is followed by a one for each second, a zero, a marker, the ticks within the second and a marker.
    time = bits[2 : bits.index("0", 2) + 2 + (MPEG4_TICKS - 1).bit_length() + 1]
    bits = f"{_P:02b}{time}0" + "0"
    bits += "1" * (-len(bits) % 8)
    return _PICTURE + int(bits, 2).to_bytes(len(bits) // 8, "big")

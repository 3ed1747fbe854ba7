"""Copies packets into other files without encoding them again: several tracks, joined tracks, damaged packets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av


def with_tracks(target: Path, sources: Sequence[Path], default: int | None = None) -> bytes:
    """Write the video tracks of several files into one file, in this order.

    Parameters
    ----------
    target
        Path of the file.
    sources
        Paths of the files with the tracks.
    default
        Position of the track that is marked as default. Without a mark, an MP4 enables only its first track.
    """
    with av.open(target, "w") as container:
        for position, source in enumerate(sources):
            with av.open(source) as opened:
                container.add_stream_from_template(opened.streams.video[0])
                if position == default:
                    container.streams.video[position].disposition = av.stream.Disposition.default
        for position, source in enumerate(sources):
            with av.open(source) as opened:
                for packet in opened.demux(opened.streams.video[0]):
                    if packet.size > 0:
                        packet.stream = container.streams.video[position]
                        container.mux(packet)
    return target.read_bytes()


def spliced(target: Path, first: Path, second: Path, *, milliseconds: int) -> bytes:
    """Write two videos of the same codec, of any size, into one track of a Matroska or WebM file.

    Parameters
    ----------
    target
        Path of the file.
    first, second
        Paths of the videos.
    milliseconds
        Start time of the second video in milliseconds.
    """
    with av.open(first) as one, av.open(second) as other, av.open(target, "w") as container:
        track = container.add_stream_from_template(one.streams.video[0])
        for offset, source in ((0, one), (milliseconds, other)):
            for packet in source.demux(source.streams.video[0]):
                if packet.pts is not None and packet.dts is not None:
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = track
                    container.mux(packet)
    return target.read_bytes()


@dataclass(frozen=True)
class PacketPosition:
    """Position of a packet in a file: first byte, size in bytes, time in seconds, and whether it is a keyframe."""

    start: int
    size: int
    time: Fraction
    is_key: bool


def packets_of(path: Path) -> list[PacketPosition]:
    """List a file's video packets in decoding order."""
    with av.open(path) as container:
        return [
            PacketPosition(packet.pos, packet.size, packet.pts * packet.time_base, packet.is_keyframe)
            for packet in container.demux(container.streams.video[0])
            if packet.pos is not None and packet.pts is not None and packet.size > 0
        ]


def group_of(packets: Sequence[PacketPosition], number: int) -> tuple[Fraction, Fraction]:
    """Return the time span of the frames that need a packet's group of pictures, in seconds from the first frame.

    In an open group, this includes frames before its keyframe, and frames of the next group before the next keyframe.
    """
    first = max(position for position in range(number + 1) if packets[position].is_key)
    later = (position for position in range(number + 1, len(packets)) if packets[position].is_key)
    last = next(later, len(packets))
    end = packets[last].time if last < len(packets) else max(packet.time for packet in packets) + 1
    shown = min(packet.time for packet in packets)
    return min(packet.time for packet in packets[first:last]) - shown, end - shown


def overwritten(body: bytes, packet: PacketPosition, skip: int = 0) -> bytes:
    """Overwrite a packet with invalid bytes, except its first `skip` bytes, or its first half if that is less."""
    kept = min(skip, packet.size // 2)
    start, size = packet.start + kept, packet.size - kept
    return body[:start] + b"\xff" * size + body[start + size :]

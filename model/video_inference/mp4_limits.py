"""Counts what an MP4's tables claim, before FFmpeg believes them: a few bytes may promise more than memory holds."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

MAX_DECLARED_SAMPLES = 5_000_000
"""In one track: a day of 57 frames per second. FFmpeg takes 70 bytes and most of a microsecond for each."""

_CONTAINER_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
_PER_SAMPLE_FIELDS = 0xF00
# Files made to keep a reader busy have more; what stands behind or below is not counted.
_MAX_BOXES, _MAX_DEPTH = 2_000_000, 10
_LONG_SIZE, _TO_THE_END = 1, 0


@dataclass
class _Track:
    """What stands in one track's boxes."""

    is_sound: bool = False
    equal_size_samples: int = 0
    one_tick_per_sample: bool = False


def max_declared_samples(body: memoryview) -> int:
    """Count the longest track's samples, or all fragments', as far as they are claimed without bytes of their own.

    A table that lists its samples cannot be longer than the file. One that gives a size for all of them, or a fragment
    whose samples take the defaults, can. (Of plain sound, whose samples last a tick each, FFmpeg makes larger pieces.)

    Parameters
    ----------
    body
        A file; what is no MP4 claims nothing.
    """
    in_tracks = in_fragments = 0
    tracks: list[_Track] = []
    for kind, start, end in islice(_boxes(body, 0, len(body), _MAX_DEPTH), _MAX_BOXES):
        payload = body[start : min(end, start + 24)]
        if kind == b"trak":
            tracks.append(_Track())
        elif kind == b"trun" and len(payload) >= 8:
            flags, count = struct.unpack_from(">II", payload)
            in_fragments += 0 if flags & _PER_SAMPLE_FIELDS else count
        elif tracks:
            _read_table(kind, payload, tracks[-1])
    for track in tracks:
        if not (track.is_sound and track.one_tick_per_sample):
            in_tracks = max(in_tracks, track.equal_size_samples)
    return max(in_tracks, in_fragments)


def _read_table(kind: bytes, payload: memoryview, track: _Track) -> None:
    # ISO/IEC 14496-12, 8.4.3, 8.7.3.2 and 8.6.1.2; each starts with a version and flags.
    if kind == b"hdlr" and len(payload) >= 12:
        track.is_sound = bytes(payload[8:12]) == b"soun"
    elif kind == b"stsz" and len(payload) >= 12:
        size, count = struct.unpack_from(">II", payload, 4)
        track.equal_size_samples = count if size else 0
    elif kind == b"stts" and len(payload) >= 16:
        entries, _, ticks = struct.unpack_from(">III", payload, 4)
        track.one_tick_per_sample = entries == 1 and ticks == 1


def _boxes(body: memoryview, start: int, end: int, levels: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box's type and where its content starts and ends, each before those in it."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", body, start)
        content = start + 8
        if size == _LONG_SIZE and content + 8 <= end:
            (size,) = struct.unpack_from(">Q", body, content)
            content += 8
        stop = end if size == _TO_THE_END else start + size
        if stop < content:
            return
        yield kind, content, min(stop, end)
        if kind in _CONTAINER_BOXES and levels > 1:
            yield from _boxes(body, content, min(stop, end), levels - 1)
        start = stop

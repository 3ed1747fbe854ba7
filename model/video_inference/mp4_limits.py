"""Counts the samples that an MP4's tables declare, because FFmpeg allocates memory for them when it opens the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

MAX_DECLARED_SAMPLES = 5_000_000
"""Maximum number of samples in a track: a day at 57 frames per second. FFmpeg needs 70 bytes for each."""

_CONTAINER_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
# Types of the boxes that an MP4 or a QuickTime file may start with.
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid"}
_MAX_TOP_BOXES = 1000
_PER_SAMPLE_FIELDS = 0xF00
# Only malicious files have more. Boxes after or below these limits are not counted.
_MAX_BOXES, _MAX_DEPTH = 2_000_000, 10
_LONG_SIZE, _TO_THE_END = 1, 0


@dataclass
class _Track:
    """Properties that the boxes of a track declare."""

    is_sound: bool = False
    equal_size_samples: int = 0
    one_tick_per_sample: bool = False


@dataclass(frozen=True)
class Movie:
    """Layout of an MP4 that has the tables of all samples in one place.

    Attributes
    ----------
    tables
        First byte of the tables, and the one after the last.
    data
        The same for each box of pictures and sound.
    """

    tables: tuple[int, int]
    data: Sequence[tuple[int, int]]


class Bytes(Protocol):
    """Bytes that can be sliced, in memory or elsewhere."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes | memoryview: ...


def max_declared_samples(body: Bytes) -> int:
    """Count the samples that an MP4 declares without an entry for each of them.

    A table with an entry for each sample cannot be longer than the file. A table with one size for all samples can
    declare any number of them, and so can a fragment with default sizes. PCM sound does not count, because FFmpeg joins
    its samples, which last one tick each, into larger packets.

    Parameters
    ----------
    body
        Content of a file.

    Returns
    -------
    int
        Number of samples of the longest track, or of all fragments if that is more. 0 if the file is not an MP4.
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


def movie_of(body: Bytes) -> Movie | None:
    """Return the layout of an MP4; None if the file is another one or has fragments, which have tables each."""
    tables: tuple[int, int] | None = None
    data: list[tuple[int, int]] = []
    for kind, start, end in islice(_boxes(body, 0, len(body), 1), _MAX_TOP_BOXES):
        if kind == b"moof" or (not data and tables is None and kind not in _FIRST_BOXES):
            return None
        if kind == b"moov" and tables is None:
            tables = start, end
        elif kind == b"mdat":
            data.append((start, end))
    return None if tables is None else Movie(tables, data)


def _read_table(kind: bytes, payload: bytes | memoryview, track: _Track) -> None:
    # ISO/IEC 14496-12, 8.4.3, 8.7.3.2 and 8.6.1.2. Each box starts with a version and flags.
    if kind == b"hdlr" and len(payload) >= 12:
        track.is_sound = bytes(payload[8:12]) == b"soun"
    elif kind == b"stsz" and len(payload) >= 12:
        size, count = struct.unpack_from(">II", payload, 4)
        track.equal_size_samples = count if size else 0
    elif kind == b"stts" and len(payload) >= 16:
        entries, _, ticks = struct.unpack_from(">III", payload, 4)
        track.one_tick_per_sample = entries == 1 and ticks == 1


def _boxes(body: Bytes, start: int, end: int, levels: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of each box and the start and end of its content; outer boxes come before inner ones."""
    while start + 8 <= end:
        head = body[start : min(start + 16, end)]
        size, kind = struct.unpack_from(">I4s", head)
        content = start + 8
        if size == _LONG_SIZE and len(head) == 16:
            (size,) = struct.unpack_from(">Q", head, 8)
            content += 8
        stop = end if size == _TO_THE_END else start + size
        if stop < content:
            return
        yield kind, content, min(stop, end)
        if kind in _CONTAINER_BOXES and levels > 1:
            yield from _boxes(body, content, min(stop, end), levels - 1)
        start = stop

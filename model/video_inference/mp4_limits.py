"""Counts the samples that an MP4's tables declare, because FFmpeg allocates memory for them when it opens the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

MAX_DECLARED_SAMPLES = 5_000_000
"""Maximum number of samples in a track: a day at 57 frames per second. FFmpeg needs 70 bytes for each."""
MAX_TABLE_BYTES = 1 << 30
"""Maximum size in bytes of a box with tables: several times the tables of tracks with the most samples."""

_CONTAINER_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
# Types of the boxes that an MP4 or a QuickTime file may start with.
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid"}
_MAX_TOP_BOXES = 1000
_TABLES = (b"stts", b"ctts", b"stsz", b"stz2", b"stsc", b"stco", b"co64", b"stss", b"trun")
# Only malicious files have more. Boxes after or below these limits are not counted.
_MAX_BOXES, _MAX_DEPTH = 2_000_000, 10
_LONG_SIZE, _TO_THE_END = 1, 0


@dataclass
class _Track:
    """Properties that the boxes of a track declare."""

    is_sound: bool = False
    listed_samples: int = 0
    equal_size_samples: int = 0
    one_tick_per_sample: bool = False

    @property
    def samples(self) -> int:
        """Number of samples that FFmpeg needs memory for."""
        is_pcm = self.is_sound and self.one_tick_per_sample
        return self.listed_samples if is_pcm else max(self.listed_samples, self.equal_size_samples)


@dataclass(frozen=True)
class Declared:
    """Numbers that the boxes of an MP4 declare; 0 if the file is not an MP4.

    Attributes
    ----------
    samples
        Number of samples of the track with the most, in its tables or in its fragments.
    table_bytes
        Size in bytes of the largest box with tables.
    """

    samples: int
    table_bytes: int


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


def declared_by(body: Bytes) -> Declared:
    """Count the samples that an MP4 declares, and the bytes of its tables: see `Declarations`."""
    return Declarations(body).before(len(body))


class Declarations:
    """Counts the samples that an MP4 declares, and the bytes of its tables, from its start on.

    A table with one size for all samples can declare any number of them, and so can a fragment with default sizes. Also
    a table with an entry for each sample may be too long, because a file in S3 has up to 48 TiB. PCM sound of one size
    does not count, because FFmpeg joins its samples, which last one tick each, into larger packets.

    Parameters
    ----------
    body
        Content of a file.
    """

    def __init__(self, body: Bytes) -> None:
        self._body = body
        self._boxes = islice(_boxes(body, 0, len(body), _MAX_DEPTH), _MAX_BOXES)
        # Position of the next box. The boxes before it were counted.
        self._next = 0
        self._tracks: list[_Track] = []
        # Number of samples in fragments by number of the track, and the number of the current one.
        self._in_fragments: dict[int, int] = {}
        self._fragment_of = 0
        self._declared = Declared(0, 0)

    def before(self, stop: int) -> Declared:
        """Return the numbers of the boxes that start before a position. The next one may not be smaller."""
        if self._next >= stop:
            return self._declared
        table_bytes = self._declared.table_bytes
        while self._next < stop:
            kind, start, end = next(self._boxes, (b"", len(self._body), len(self._body)))
            if kind == b"moov":
                # Several boxes tell how many samples of a track count.
                stop = max(stop, end)
            self._next = start if kind in _CONTAINER_BOXES else end
            if kind in _CONTAINER_BOXES or kind in _TABLES:
                table_bytes = max(table_bytes, end - start)
            self._count(kind, self._body[start : min(end, start + 24)])
        samples = [track.samples for track in self._tracks] + list(self._in_fragments.values())
        self._declared = Declared(max(samples, default=0), table_bytes)
        return self._declared

    def _count(self, kind: bytes, payload: bytes | memoryview) -> None:
        if kind == b"trak":
            self._tracks.append(_Track())
        elif kind == b"tfhd" and len(payload) >= 8:
            (self._fragment_of,) = struct.unpack_from(">I", payload, 4)
        elif kind == b"trun" and len(payload) >= 8:
            (count,) = struct.unpack_from(">I", payload, 4)
            self._in_fragments[self._fragment_of] = self._in_fragments.get(self._fragment_of, 0) + count
        elif self._tracks:
            _read_table(kind, payload, self._tracks[-1])


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
    # ISO/IEC 14496-12, 8.4.3, 8.7.3.2, 8.7.3.3 and 8.6.1.2. Each box starts with a version and flags.
    if kind == b"hdlr" and len(payload) >= 12:
        track.is_sound = bytes(payload[8:12]) == b"soun"
    elif kind == b"stsz" and len(payload) >= 12:
        size, count = struct.unpack_from(">II", payload, 4)
        if size:
            track.equal_size_samples = max(track.equal_size_samples, count)
        else:
            track.listed_samples = max(track.listed_samples, count)
    elif kind == b"stz2" and len(payload) >= 12:
        (count,) = struct.unpack_from(">I", payload, 8)
        track.listed_samples = max(track.listed_samples, count)
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

"""Edits the boxes of MP4 files: turns, trims, and takes the index away, as cameras, phones and crashes do."""

from __future__ import annotations

import struct
from fractions import Fraction

# Positions of fields, from behind a box's type, are those of version-0 boxes in ISO/IEC 14496-12.
_MATRIX = 40
_TIMESCALE = 12
_FIRST_EDIT = 8


def _position_after(mp4: bytes, box: bytes) -> int:
    return mp4.index(box) + len(box)


def _put(mp4: bytes, start: int, field: bytes) -> bytes:
    return mp4[:start] + field + mp4[start + len(field) :]


def turned(mp4: bytes, clockwise: int, *, mirrored: bool = False) -> bytes:
    """Ask, in the track header of an MP4, that players turn the pictures clockwise by quarters.

    Parameters
    ----------
    clockwise
        Degrees: 0, 90, 180 or 270.
    mirrored
        Whether players mirror the pictures left to right before they turn them.
    """
    a, b, c, d = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[clockwise]
    if mirrored:
        a, b = -a, -b
    one, unit = 1 << 16, 1 << 30
    return _put(
        mp4,
        _position_after(mp4, b"tkhd") + _MATRIX,
        struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, unit),
    )


def trimmed(mp4: bytes, seconds: Fraction) -> bytes:
    """Have the only track of an MP4 begin `seconds` later, by its edit list, as a phone's editor trims a film."""
    (per_second,) = struct.unpack_from(">I", mp4, _position_after(mp4, b"mdhd") + _TIMESCALE)
    (edits_per_second,) = struct.unpack_from(">I", mp4, _position_after(mp4, b"mvhd") + _TIMESCALE)
    start = _position_after(mp4, b"elst") + _FIRST_EDIT
    duration, media_time = struct.unpack_from(">Ii", mp4, start)
    edit = struct.pack(">Ii", duration - round(seconds * edits_per_second), media_time + round(seconds * per_second))
    return _put(mp4, start, edit)


def without_index(mp4: bytes) -> bytes:
    """Cut off the index of an MP4 that has it behind the pictures, as a recorder does that loses power."""
    return mp4[: mp4.index(b"moov") - 4]


def without_pictures(mp4: bytes) -> bytes:
    """Overwrite every picture of an MP4 whose index comes first."""
    start = _position_after(mp4, b"mdat")
    return mp4[:start] + b"\xaa" * (len(mp4) - start)


def without_fragments(mp4: bytes) -> bytes:
    """Cut off all fragments of a fragmented MP4: a track of no frames remains."""
    return mp4[: mp4.index(b"moof") - 4]


def of_unknown_codec(mp4: bytes) -> bytes:
    """Rename the codec of an MP4 with H.264 to one that nobody knows."""
    return mp4.replace(b"avc1", b"none").replace(b"avcC", b"none")

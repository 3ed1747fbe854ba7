"""Edits the boxes of MP4 files: rotates, trims, and removes the index, as cameras, phones and crashes do."""

from __future__ import annotations

import struct
from fractions import Fraction

# Offsets of fields from the end of a box's type, for version-0 boxes (ISO/IEC 14496-12).
_MATRIX = 40
_TIMESCALE = 12
_FIRST_EDIT = 8


def _position_after(mp4: bytes, box: bytes) -> int:
    return mp4.index(box) + len(box)


def _put(mp4: bytes, start: int, field: bytes) -> bytes:
    return mp4[:start] + field + mp4[start + len(field) :]


def turned(mp4: bytes, clockwise: int, *, mirrored: bool = False) -> bytes:
    """Set the display matrix in the track header of an MP4.

    Parameters
    ----------
    mp4
        Content of the file.
    clockwise
        Clockwise rotation in degrees: 0, 90, 180 or 270.
    mirrored
        True if players mirror the pictures left to right before the rotation.
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
    """Trim the start of an MP4 with one track by `seconds`, with its edit list, as a phone's editor does."""
    (per_second,) = struct.unpack_from(">I", mp4, _position_after(mp4, b"mdhd") + _TIMESCALE)
    (edits_per_second,) = struct.unpack_from(">I", mp4, _position_after(mp4, b"mvhd") + _TIMESCALE)
    start = _position_after(mp4, b"elst") + _FIRST_EDIT
    duration, media_time = struct.unpack_from(">Ii", mp4, start)
    edit = struct.pack(">Ii", duration - round(seconds * edits_per_second), media_time + round(seconds * per_second))
    return _put(mp4, start, edit)


def without_index(mp4: bytes) -> bytes:
    """Remove the index of an MP4 that has it after the pictures, as if the recorder had lost power."""
    return mp4[: mp4.index(b"moov") - 4]


def without_pictures(mp4: bytes) -> bytes:
    """Overwrite every picture of an MP4 whose index comes first."""
    start = _position_after(mp4, b"mdat")
    return mp4[:start] + b"\xaa" * (len(mp4) - start)


def without_fragments(mp4: bytes) -> bytes:
    """Remove all fragments of a fragmented MP4, so that its track has no frames."""
    return mp4[: mp4.index(b"moof") - 4]


def of_unknown_codec(mp4: bytes) -> bytes:
    """Rename the codec of an MP4 with H.264 to an unknown one."""
    return mp4.replace(b"avc1", b"none").replace(b"avcC", b"none")

"""Changes the frame size in VP9 streams, for tests with small files that declare huge pictures."""

from __future__ import annotations

_SYNC_CODE = b"\x49\x83\x42"
# In a keyframe of profile 0: a byte of flags, the sync code, then 3 bits of colour space and 1 of range
# (VP9 Bitstream & Decoding Process Specification, 6.2 and 7.2).
_SIZE_AFTER_BITS = 4


def with_frame_size(webm: bytes, width: int, height: int) -> bytes:
    """Replace the frame size in every keyframe of a WebM with VP9. The size in the container does not change.

    Parameters
    ----------
    webm
        Content of the file.
    width, height
        Size in pixels, 1 to 65536.
    """
    found = webm.find(_SYNC_CODE)
    while found >= 0:
        start = found + len(_SYNC_CODE)
        size = (width - 1) << 16 | (height - 1)
        shift = 8 - _SIZE_AFTER_BITS
        field = int.from_bytes(webm[start : start + 5])
        field = field & ~(0xFFFFFFFF << shift) | size << shift
        webm = webm[:start] + field.to_bytes(5) + webm[start + 5 :]
        found = webm.find(_SYNC_CODE, start)
    return webm

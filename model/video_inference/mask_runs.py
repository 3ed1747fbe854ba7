"""Encodes and decodes masks as COCO's compressed run lengths; does not import torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

_BITS = 5
_MORE = 1 << _BITS
_FIRST_CHARACTER = 48


@dataclass(frozen=True)
class RleMask:
    """Mask of a part of the picture, in the encoding of pycocotools.

    Attributes
    ----------
    origin
        (x, y) of the part's upper left pixel in the picture.
    size
        (height, width) of the part in pixels.
    counts
        Compressed run lengths of the columns: see `encode`.
    """

    origin: tuple[int, int]
    size: tuple[int, int]
    counts: str


def encode(mask: Mask) -> str:
    """Encode a mask as COCO's compressed run lengths.

    The run lengths of 0 and 1 alternate and start with 0. They go down each column, and through the columns from left
    to right. From the fourth on, a length is stored as the difference to the one two before. A number is split into
    groups of five bits, the lowest first. A sixth bit tells whether another group follows. Each group becomes the
    character with the code 48 plus its value.

    Parameters
    ----------
    mask
        Array of shape (height, width).
    """
    pixels = mask.ravel(order="F")
    starts = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    first = [0] if pixels.size > 0 and pixels[0] else []
    runs = np.diff(np.concatenate([[0], first, starts, [pixels.size]])).astype(np.int64)
    rest = runs.copy()
    rest[3:] -= runs[1:-2]
    groups = []
    unfinished = np.ones(rest.shape, dtype=np.bool_)
    while unfinished.any():
        group = rest & (_MORE - 1)
        rest >>= _BITS
        # The last group's highest bit is the sign, so the number ends if the rest repeats that sign.
        more = unfinished & (rest != np.where(group & (_MORE >> 1), -1, 0))
        groups.append(np.where(unfinished, (group | more * _MORE) + _FIRST_CHARACTER, 0).astype(np.uint8))
        unfinished = more
    characters = np.stack(groups, axis=1).ravel()
    return characters[characters > 0].tobytes().decode("ascii")


def decode(mask: RleMask, picture_size: tuple[int, int]) -> Mask:
    """Decode a mask to an array of shape `mask.size`.

    Parameters
    ----------
    mask
        Untrusted input: origin, size and counts are checked before memory is allocated for them.
    picture_size
        (height, width) of the whole picture in pixels.

    Raises
    ------
    ValueError
        If the mask exceeds the picture, or the counts do not match the size.
    """
    (x, y), (height, width) = mask.origin, mask.size
    if min(x, y, height, width) < 0 or y + height > picture_size[0] or x + width > picture_size[1]:
        raise ValueError(
            f"a part of {width} x {height} pixels at ({x}, {y}) does not lie within "
            f"a picture of {picture_size[1]} x {picture_size[0]}"
        )
    pixels = height * width
    runs = _runs(mask.counts, pixels)
    if runs is None or sum(runs) != pixels or min(runs, default=0) < 0:
        raise ValueError(f"the counts do not describe a mask of {height} x {width} pixels")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape((height, width), order="F")


def _runs(counts: str, pixels: int) -> list[int] | None:
    """Decode the run lengths of a mask; None if they are malformed, or too many or too large for the pixels."""
    runs: list[int] = []
    value = shift = 0
    for character in counts.encode("ascii"):
        group = character - _FIRST_CHARACTER
        value |= (group & (_MORE - 1)) << shift
        shift += _BITS
        if shift > pixels.bit_length() + 2 * _BITS:
            return None
        if group & _MORE:
            continue
        if group & (_MORE >> 1):
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        # Only the first run may be empty.
        if len(runs) > pixels + 1:
            return None
        value = shift = 0
    return None if shift else runs

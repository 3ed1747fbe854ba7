"""Writes and reads masks as COCO's compressed run lengths; needs no torch."""

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
    """A mask of a part of the picture, as pycocotools writes it.

    Attributes
    ----------
    origin
        (x, y) in the picture of the part's upper left pixel.
    size
        (height, width) of the part in pixels.
    counts
        Run lengths down its columns, compressed: see `encode`.
    """

    origin: tuple[int, int]
    size: tuple[int, int]
    counts: str


def encode(mask: Mask) -> str:
    """Write a mask as COCO's compressed run lengths.

    The lengths are those of the runs of 0 and 1 in turn, from 0 on, down each column, the columns from left to right.
    From the fourth on, each is written as its difference to the one two before. A number is written in groups of five
    bits, the lowest first, with a sixth bit that says whether another follows, as the character that far behind "0".

    Parameters
    ----------
    mask
        Of shape (height, width).
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
        # The last group's highest bit is the sign of what is left of the number: nothing.
        more = unfinished & (rest != np.where(group & (_MORE >> 1), -1, 0))
        groups.append(np.where(unfinished, (group | more * _MORE) + _FIRST_CHARACTER, 0).astype(np.uint8))
        unfinished = more
    characters = np.stack(groups, axis=1).ravel()
    return characters[characters > 0].tobytes().decode("ascii")


def decode(mask: RleMask, picture_size: tuple[int, int]) -> Mask:
    """Read a mask of shape `mask.size`.

    Parameters
    ----------
    mask
        It may be hostile: its origin, size and counts are checked before memory is allocated for them.
    picture_size
        (height, width) in pixels of the picture that the mask is part of.

    Raises
    ------
    ValueError
        If the mask does not lie within the picture, or its counts are not those of a mask of its size.
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
        raise ValueError(f"these are not the counts of a mask of {height} x {width} pixels")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape((height, width), order="F")


def _runs(counts: str, pixels: int) -> list[int] | None:
    """Read the lengths of a mask's runs; None if these are not numbers, or more or larger ones than pixels allow."""
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

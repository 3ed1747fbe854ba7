"""Paints pictures that show their number, so that decoded frames can be identified."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

Rgb = npt.NDArray[np.uint8]
Rgb16 = npt.NDArray[np.uint16]

WIDTH, HEIGHT = 160, 96

_BITS = 10
_BRIGHT, _DARK = 230, 20


def _mark(picture: Rgb, number: int) -> Rgb:
    height, width, _ = picture.shape
    block = width // _BITS
    for bit in range(_BITS):
        colour = _BRIGHT if number >> bit & 1 else _DARK
        picture[height // 6 : height * 5 // 6, bit * block : (bit + 1) * block] = colour
    return picture


def numbered(number: int) -> Rgb:
    """Paint a picture of 160 x 96 pixels with its number as bright and dark blocks, which compression preserves."""
    return _mark(np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8), number)


def number_of(picture: Rgb) -> int:
    """Read the number in a picture of any size."""
    height, width, _ = picture.shape
    block = width // _BITS
    margin = block // 4
    rows = picture[height // 3 : height * 2 // 3]
    return sum(
        1 << bit for bit in range(_BITS) if rows[:, bit * block + margin : (bit + 1) * block - margin].mean() > 125
    )


@cache
def _landscape(width: int, height: int) -> Rgb:
    """Paint soft clouds of colour, twice as wide as a picture."""
    coarse = np.random.default_rng(5).integers(0, 256, (6, 20, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((2 * width, height), Image.Resampling.BICUBIC))


def moving(number: int, width: int = WIDTH, height: int = HEIGHT) -> Rgb:
    """Paint a numbered picture in front of a landscape that moves by one pixel per picture, as in a real video."""
    left = number % width
    return _mark(_landscape(width, height)[:, left : left + width].copy(), number)

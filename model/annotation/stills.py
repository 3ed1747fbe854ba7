"""Writes sampled frames as an animated GIF, or side by side on a contact sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from annotation.drawing import DRAWN_COLOURS

_GIF_WIDTHS = (480, 320, 200)
_GIF_BYTES = 3_000_000
_GIF_FRAME_MILLISECONDS = 700
# Maximum number of colours of a GIF.
_GIF_COLOURS = 256
_SHEET_WIDTH = 1920
_SHEET_GAP = 8
# Maximum number of frames on a GIF or a sheet.
_MAX_STILLS = 24
# Maximum ratio of height to width. Without it, a picture of a few columns would not get smaller.
_MAX_RATIO = 4


def choose_evenly(count: int) -> set[int]:
    """Choose evenly spaced numbers from 0 to `count - 1`, at most `_MAX_STILLS`, including the first and the last."""
    if count <= _MAX_STILLS:
        return set(range(count))
    return {position * (count - 1) // (_MAX_STILLS - 1) for position in range(_MAX_STILLS)}


def make_still(picture: Image.Image, count: int, *, sheet: bool) -> Image.Image:
    """Scale a picture down to the size of a still, so that the stills of a video need little memory.

    Parameters
    ----------
    picture
        Frame of the video, which may have tens of millions of pixels.
    count
        Number of stills of the video.
    sheet
        True if the still is also for a contact sheet, whose cells may be wider than the GIF.
    """
    return _scaled(picture, max(_GIF_WIDTHS[0], _cell_width(count)) if sheet else _GIF_WIDTHS[0])


def write_animation(stills: Sequence[Image.Image], path: Path) -> None:
    """Write a GIF, with the largest width that fits into `_GIF_BYTES`."""
    for width in _GIF_WIDTHS:
        scaled = [_scaled(still, width) for still in stills]
        palette = _palette_of(scaled)
        first, *rest = [still.quantize(palette=palette, dither=Image.Dither.NONE) for still in scaled]
        first.save(path, "GIF", save_all=True, append_images=rest, duration=_GIF_FRAME_MILLISECONDS, loop=0)
        if path.stat().st_size <= _GIF_BYTES:
            return


def _palette_of(stills: Sequence[Image.Image]) -> Image.Image:
    """Compute a common palette for stills of one size, so that colours do not change from frame to frame.

    Returns
    -------
    Image.Image
        Picture of mode P with the palette, which has the exact colours of labels.
    """
    drawn = [channel for colour in DRAWN_COLOURS for channel in ImageColor.getrgb(colour)]
    strip = Image.fromarray(np.concatenate([np.asarray(still) for still in stills]))
    # The octree keeps the colours of small objects. The median cut would use most of the palette for skies.
    found = strip.quantize(_GIF_COLOURS - len(DRAWN_COLOURS), Image.Quantize.FASTOCTREE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(drawn + found)
    return palette


def write_sheet(stills: Sequence[Image.Image], path: Path) -> None:
    """Write a JPEG with all stills in rows, in order of time."""
    columns = _columns(len(stills))
    cells = [_scaled(still, _cell_width(len(stills))) for still in stills]
    width, height = cells[0].width + _SHEET_GAP, cells[0].height + _SHEET_GAP
    rows = math.ceil(len(cells) / columns)
    sheet = Image.new("RGB", (columns * width + _SHEET_GAP, rows * height + _SHEET_GAP), "#ffffff")
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        sheet.paste(cell, (_SHEET_GAP + column * width, _SHEET_GAP + row * height))
    sheet.save(path, "JPEG", quality=85)


def _columns(count: int) -> int:
    return math.ceil(math.sqrt(count))


def _cell_width(count: int) -> int:
    return (_SHEET_WIDTH - _SHEET_GAP) // _columns(count) - _SHEET_GAP


def _scaled(still: Image.Image, width: int) -> Image.Image:
    scale = min(1.0, width / still.width, _MAX_RATIO * width / still.height)
    size = (max(1, round(still.width * scale)), max(1, round(still.height * scale)))
    return still.resize(size, Image.Resampling.LANCZOS)

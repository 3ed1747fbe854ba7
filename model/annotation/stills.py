"""Shows sampled frames without a film: as an animated GIF, or side by side on a contact sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageColor

from annotation.drawing import DRAWN_COLOURS

_GIF_WIDTHS = (480, 320, 200)
_GIF_BYTES = 3_000_000
_GIF_FRAME_MILLISECONDS = 700
# A GIF's most.
_GIF_COLOURS = 256
_SHEET_WIDTH = 1920
_SHEET_GAP = 8
# Frames that a GIF or a sheet shows.
_MAX_STILLS = 24
# Times its width that a still may be high: a picture of a few columns would not get smaller.
_MAX_RATIO = 4


def choose_evenly(count: int) -> set[int]:
    """Choose as many of the numbers below `count` as are shown, evenly, the first and the last among them."""
    if count <= _MAX_STILLS:
        return set(range(count))
    return {position * (count - 1) // (_MAX_STILLS - 1) for position in range(_MAX_STILLS)}


def make_still(picture: Image.Image, count: int, *, sheet: bool) -> Image.Image:
    """Scale a picture down to what is shown of it, so that a video's stills take little memory.

    Parameters
    ----------
    picture
        A frame of the video, of up to tens of millions of pixels.
    count
        Number of stills that are made of the video.
    sheet
        Whether a contact sheet is made too, whose cells may be wider than the GIF.
    """
    return _scaled(picture, max(_GIF_WIDTHS[0], _cell_width(count)) if sheet else _GIF_WIDTHS[0])


def write_animation(stills: Sequence[Image.Image], path: Path) -> None:
    """Write a GIF, as wide as fits into a few megabytes."""
    for width in _GIF_WIDTHS:
        scaled = [_scaled(still, width) for still in stills]
        palette = _palette_of(scaled)
        first, *rest = [still.quantize(palette=palette, dither=Image.Dither.NONE) for still in scaled]
        first.save(path, "GIF", save_all=True, append_images=rest, duration=_GIF_FRAME_MILLISECONDS, loop=0)
        if path.stat().st_size <= _GIF_BYTES:
            return


def _palette_of(stills: Sequence[Image.Image]) -> Image.Image:
    """Make one palette for all stills, so that colours stay from frame to frame; labels keep their exact colours.

    Returns
    -------
    Image.Image
        A picture of mode P with the palette.
    """
    drawn = [channel for colour in DRAWN_COLOURS for channel in ImageColor.getrgb(colour)]
    strip = Image.new("RGB", (max(still.width for still in stills), sum(still.height for still in stills)))
    top = 0
    for still in stills:
        strip.paste(still, (0, top))
        top += still.height
    # With it, small objects keep their colours; the median cut would spend most of the palette on skies.
    found = strip.quantize(_GIF_COLOURS - len(DRAWN_COLOURS), Image.Quantize.FASTOCTREE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(drawn + found)
    return palette


def write_sheet(stills: Sequence[Image.Image], path: Path) -> None:
    """Write a JPEG of all stills in rows, in order of time."""
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

"""Draws detections on a frame: boxes, masks, labels, scores, the time and the notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from annotation.errors import AnnotateError
from video_inference.mask_runs import RleMask, decode

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_COLOURS = ("#ff5470", "#ffd23f", "#3ddc97", "#4cc9f0", "#c77dff", "#ff9f1c", "#f15bb5", "#9ef01a")
_CAPTION_COLOUR = "#ffffff"
_TEXT_COLOUR = "#101418"
_MASK_OPACITY = 115

DRAWN_COLOURS = (*_COLOURS, _CAPTION_COLOUR, _TEXT_COLOUR)
"""All colours of boxes, labels and captions, as #rrggbb."""


def draw_detections(picture: Image.Image, detections: Sequence[Mapping[str, Any]]) -> None:
    """Draw the detections of a frame on it, in place. Masks are below boxes, and boxes below labels.

    Raises
    ------
    AnnotateError
        If a mask exceeds the picture, or its counts do not match its size.
    """
    for detection in detections:
        if "mask" in detection:
            _draw_mask(picture, detection["mask"], _colour(detection))
    pen, font = ImageDraw.Draw(picture), _font(picture)
    for detection in detections:
        pen.rectangle(detection["box"], outline=_colour(detection), width=max(2, picture.height // 180))
    for detection in detections:
        text = f"{detection['label']} {detection['score']:.2f}"
        _draw_label(picture, (detection["box"][0], detection["box"][1]), text, font, _colour(detection))


def draw_captions(picture: Image.Image, time: str, notice: str | None) -> None:
    """Draw captions on a picture, in place: the time on the lower left, the notice on the lower right."""
    font = _font(picture)
    _draw_label(picture, (0, picture.height), time, font, _CAPTION_COLOUR)
    if notice is not None:
        _draw_label(picture, (picture.width, picture.height), notice, font, _CAPTION_COLOUR)


def _colour(detection: Mapping[str, Any]) -> str:
    return _COLOURS[detection["label_id"] * 7 % len(_COLOURS)]


def _font(picture: Image.Image) -> _Font:
    return ImageFont.load_default(max(11, picture.height // 26))


def _draw_mask(picture: Image.Image, mask: Mapping[str, Any], colour: str) -> None:
    x, y = mask["origin"]
    height, width = mask["size"]
    try:
        pixels = decode(RleMask((x, y), (height, width), mask["counts"]), (picture.height, picture.width))
    except ValueError as error:
        raise AnnotateError(f"A mask of the result is invalid: {error}.") from error
    opacity = Image.fromarray(pixels.astype(np.uint8) * np.uint8(_MASK_OPACITY))
    picture.paste(colour, (x, y, x + width, y + height), opacity)


def _draw_label(picture: Image.Image, corner: tuple[float, float], text: str, font: _Font, colour: str) -> None:
    """Draw a text on a filled rectangle at a lower left corner, moved so that it lies within the picture."""
    pen = ImageDraw.Draw(picture)
    left, top, right, bottom = pen.textbbox((0, 0), text, font)
    width, height = right - left + 6, bottom - top + 6
    x = max(0.0, min(corner[0], picture.width - width))
    y = max(0.0, corner[1] - height)
    pen.rectangle((x, y, x + width, y + height), fill=colour)
    pen.text((x + 3 - left, y + 3 - top), text, fill=_TEXT_COLOUR, font=font)

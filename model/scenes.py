"""Generates pictures of streets with cars, balls, persons and birds, and their ground truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from shapes import BALL, BIRD, CAR, KINDS, PERSON, Appearance, Colour, Kind, draw, random_appearance

Mask = npt.NDArray[np.bool_]
Box = tuple[float, float, float, float]

_EQUAL_SHARES = {kind: 1 / len(KINDS) for kind in KINDS}
_VISIBLE_SHARE = 0.4
_OPAQUE = 128


@dataclass(frozen=True)
class PlacedObject:
    """An object in a scene: upper left corner and height in pixels, and phase of its movement in cycles."""

    kind: Kind
    appearance: Appearance
    left: float
    top: float
    height: int
    phase: float


@dataclass(frozen=True)
class GroundTruth:
    """Visible part of an object: COCO category id, box (x1, y1, x2, y2) in pixels, and mask of shape (H, W)."""

    label_id: int
    box: Box
    mask: Mask


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    return tuple(round(p * (1 - share) + q * share) for p, q in zip(a, b, strict=True))


def _tint(rng: np.random.Generator, base: Colour, spread: int) -> Colour:
    return tuple(int(np.clip(channel + rng.integers(-spread, spread + 1), 0, 255)) for channel in base)


def _draw_house(pen: ImageDraw.ImageDraw, rng: np.random.Generator, left: int, foot: int, unit: int) -> None:
    width, height = int(rng.integers(unit // 6, unit // 2)), int(rng.integers(unit // 6, unit // 2))
    wall = _tint(rng, (150, 130, 120), 60)
    pen.rectangle((left, foot - height, left + width, foot), fill=wall)
    pane, step = _tint(rng, (90, 105, 120), 50), max(4, unit // 16)
    for x in range(left + step // 2, left + width - step // 2, step):
        for y in range(foot - height + step // 2, foot - step // 2, step):
            pen.rectangle((x, y, x + step // 2, y + step // 2), fill=pane)


def _draw_tree(pen: ImageDraw.ImageDraw, rng: np.random.Generator, left: int, foot: int, unit: int) -> None:
    height = int(rng.integers(unit // 6, unit // 2))
    trunk = max(1, height // 12)
    pen.rectangle((left - trunk, foot - height // 2, left + trunk, foot), fill=_tint(rng, (95, 70, 45), 20))
    green = _tint(rng, (60, 115, 55), 35)
    for _ in range(6):
        x, y = left + int(rng.normal(0, height / 8)), foot - int(height * rng.uniform(0.5, 0.9))
        r = height // 6 + 1
        pen.ellipse((x - r, y - r, x + r, y + r), fill=_tint(rng, green, 12))


def background(width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """Paint sky, ground, houses, trees and other distractors, as an RGB picture."""
    horizon = int(height * rng.uniform(0.35, 0.65))
    sky_top = _tint(rng, (110, 165, 220), 55)
    sky_low = _mix(sky_top, (235, 235, 235), float(rng.uniform(0.2, 0.8)))
    grounds: tuple[Colour, ...] = ((105, 105, 110), (95, 130, 75), (165, 150, 120), (130, 120, 115))
    ground = _tint(rng, grounds[rng.integers(len(grounds))], 25)
    image = Image.new("RGB", (width, height), ground)
    pen = ImageDraw.Draw(image)
    for y in range(horizon):
        pen.line((0, y, width, y), fill=_mix(sky_top, sky_low, y / horizon))
    for y in range(horizon, height):
        pen.line((0, y, width, y), fill=_mix(ground, (20, 20, 20), 0.35 * (y - horizon) / height))
    for _ in range(rng.integers(0, 4)):
        x, y = int(rng.integers(width)), int(rng.uniform(0.05, 0.8) * horizon)
        for _ in range(5):
            cx, cy = x + int(rng.normal(0, height / 14)), y + int(rng.normal(0, height / 60))
            rx, ry = int(height * rng.uniform(0.04, 0.1)), int(height * rng.uniform(0.015, 0.04))
            pen.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=_tint(rng, (238, 238, 240), 12))
    for _ in range(rng.integers(0, 4)):
        _draw_house(pen, rng, int(rng.integers(width)), horizon, height)
    for _ in range(rng.integers(0, 4)):
        _draw_tree(pen, rng, int(rng.integers(width)), horizon + int(height * 0.02), height)
    if rng.random() < 0.5:
        y, stripe = int(rng.uniform(horizon, height)), max(1, height // 60)
        for x in range(0, width, height // 5):
            pen.rectangle((x, y, x + height // 9, y + stripe), fill=(225, 220, 205))
    if rng.random() < 0.4:
        x, thickness = int(rng.integers(width)), max(1, height // 70)
        pen.rectangle((x, int(height * 0.1), x + thickness, horizon), fill=_tint(rng, (80, 80, 85), 25))
    return image


def compose(backdrop: Image.Image, objects: Sequence[PlacedObject]) -> tuple[Image.Image, list[GroundTruth]]:
    """Draw objects on a background. Later objects are in front of earlier ones.

    Returns
    -------
    tuple
        The RGB picture, and the ground truth of each object that is not mostly hidden or outside.
    """
    image = backdrop.copy()
    masks: list[Mask] = []
    sizes: list[int] = []
    for placed in objects:
        sprite = draw(placed.kind, placed.appearance, placed.height, placed.phase)
        layer = Image.new("L", image.size, 0)
        corner = (round(placed.left), round(placed.top))
        layer.paste(sprite.getchannel("A"), corner)
        image.paste(sprite.convert("RGB"), corner, sprite.getchannel("A"))
        mask = np.asarray(layer) >= _OPAQUE
        masks = [below & ~mask for below in masks]
        masks.append(mask)
        sizes.append(int((np.asarray(sprite.getchannel("A")) >= _OPAQUE).sum()))
    truths = []
    for placed, mask, size in zip(objects, masks, sizes, strict=True):
        if mask.sum() < max(12, _VISIBLE_SHARE * size):
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
        truths.append(GroundTruth(placed.kind.label_id, box, mask))
    return image, truths


_HEIGHTS: dict[int, tuple[float, float]] = {
    PERSON.label_id: (0.14, 0.6),
    CAR.label_id: (0.09, 0.34),
    BIRD.label_id: (0.07, 0.26),
    BALL.label_id: (0.06, 0.26),
}


def _place(kind: Kind, width: int, height: int, rng: np.random.Generator) -> PlacedObject:
    low, high = _HEIGHTS[kind.label_id]
    tall = max(6, round(height * float(np.exp(rng.uniform(np.log(low), np.log(high))))))
    wide = tall * kind.aspect
    if kind is BIRD:
        top = rng.uniform(-0.1 * tall, height * 0.75)
    elif kind is BALL:
        top = rng.uniform(0, height - tall)
    else:
        top = rng.uniform(0.45, 1.05) * height - tall
    left = rng.uniform(-0.3 * wide, width - 0.7 * wide)
    return PlacedObject(kind, random_appearance(kind, rng), left, top, tall, float(rng.random()))


def _simulate_camera(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Add the effects of focus, exposure and noise to a picture."""
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.006 * image.height))))
    pixels = np.asarray(image).astype(np.float32)
    pixels = (pixels - 128) * rng.uniform(0.75, 1.2) + 128 + rng.uniform(-25, 25)
    pixels += rng.normal(0, rng.uniform(0, 7), pixels.shape).astype(np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def scene(
    rng: np.random.Generator, shares: Mapping[Kind, float] = _EQUAL_SHARES
) -> tuple[Image.Image, list[GroundTruth]]:
    """Generate a picture with one to six objects, of 128 to 384 rows and with an aspect ratio from 1:1 to 16:9.

    Parameters
    ----------
    rng
        Random number generator.
    shares
        Probability of each kind of object.
    """
    height = int(rng.integers(128, 385))
    width = round(height * float(rng.choice((1.0, 4 / 3, 16 / 9))))
    chosen = rng.choice(len(shares), size=int(rng.integers(1, 7)), p=list(shares.values()))
    kinds = [list(shares)[index] for index in chosen]
    objects = [_place(kind, width, height, rng) for kind in kinds]
    image, truths = compose(background(width, height, rng), objects)
    return _simulate_camera(image, rng), truths

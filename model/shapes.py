"""Draws the four kinds of objects in generated scenes, on a transparent background."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, ...]
"""Red, green and blue, 0 to 255 each."""
Point = tuple[float, float]

_OVERSAMPLING = 4


@dataclass(frozen=True)
class Kind:
    """A kind of object: COCO category id and label, width divided by height, and drawing function."""

    label_id: int
    label: str
    aspect: float
    draw: Callable[[Pen, Appearance, float], None]


@dataclass(frozen=True)
class Appearance:
    """Appearance of an object, which does not change while it moves: colours, variant, and whether it is mirrored."""

    colours: tuple[Colour, ...]
    variant: int
    mirrored: bool


class Pen:
    """Draws in units of the object's height, from (0, 0) at the upper left to (aspect, 1) at the lower right."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)
        self._scale = height

    def _to_pixels(self, points: list[Point]) -> list[Point]:
        return [(x * self._scale, y * self._scale) for x, y in points]

    def polygon(self, points: list[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon(self._to_pixels(points), fill=colour)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """Fill an ellipse around (x, y)."""
        self._draw.ellipse(self._to_pixels([(x - rx, y - ry), (x + rx, y + ry)]), fill=colour)

    def box(self, x1: float, y1: float, x2: float, y2: float, *, radius: float, colour: Colour) -> None:
        """Fill a rectangle with rounded corners."""
        self._draw.rounded_rectangle(self._to_pixels([(x1, y1), (x2, y2)]), radius * self._scale, fill=colour)

    def limb(self, points: list[Point], thickness: float, colour: Colour) -> None:
        """Draw a thick line with round ends."""
        pixels = self._to_pixels(points)
        self._draw.line(pixels, fill=colour, width=max(1, round(thickness * self._scale)), joint="curve")
        for x, y in points:
            self.ellipse(x, y, thickness / 2, thickness / 2, colour)

    def arc(self, x: float, y: float, r: float, *, start: float, end: float, colour: Colour) -> None:
        """Draw an arc of a circle around (x, y); angles in degrees."""
        self._draw.arc(
            self._to_pixels([(x - r, y - r), (x + r, y + r)]),
            start,
            end,
            fill=colour,
            width=max(1, round(0.05 * self._scale)),
        )


def _shade(colour: Colour, factor: float) -> Colour:
    return tuple(min(255, max(0, round(channel * factor))) for channel in colour)


def _draw_car(pen: Pen, appearance: Appearance, phase: float) -> None:
    body, glass, rim = appearance.colours[0], (165, 200, 220), (190, 190, 195)
    roof_front, roof_back = (0.62, 1.45) if appearance.variant % 2 == 0 else (0.75, 1.95)
    pen.polygon([(0.3, 0.45), (roof_front, 0.0), (roof_back, 0.0), (roof_back + 0.35, 0.45)], body)
    middle = (roof_front + roof_back) / 2
    pen.polygon([(0.47, 0.42), (roof_front + 0.06, 0.08), (middle - 0.04, 0.08), (middle - 0.04, 0.42)], glass)
    pen.polygon(
        [
            (middle + 0.04, 0.42),
            (middle + 0.04, 0.08),
            (roof_back - 0.06, 0.08),
            (roof_back + 0.17, 0.42),
        ],
        glass,
    )
    pen.box(0.0, 0.4, 2.4, 0.8, radius=0.12, colour=body)
    pen.box(0.02, 0.66, 2.38, 0.8, radius=0.06, colour=_shade(body, 0.7))
    pen.box(0.0, 0.48, 0.1, 0.58, radius=0.03, colour=(250, 235, 150))
    pen.box(2.3, 0.48, 2.4, 0.58, radius=0.03, colour=(200, 30, 30))
    for x in (0.5, 1.9):
        pen.ellipse(x, 0.78, 0.22, 0.22, (25, 25, 28))
        pen.ellipse(x, 0.78, 0.11, 0.11, rim)
        for spoke in range(3):
            angle = phase * math.tau + spoke * math.tau / 3
            pen.limb(
                [(x, 0.78), (x + 0.1 * math.cos(angle), 0.78 + 0.1 * math.sin(angle))],
                0.03,
                (90, 90, 95),
            )


def _draw_ball(pen: Pen, appearance: Appearance, phase: float) -> None:
    base, pattern = appearance.colours[0], appearance.colours[1]
    pen.ellipse(0.5, 0.5, 0.5, 0.5, base)
    turn = phase * math.tau
    if appearance.variant == 0:
        pen.ellipse(0.5, 0.5, 0.15, 0.15, pattern)
        for patch in range(5):
            angle = turn + patch * math.tau / 5
            pen.ellipse(0.5 + 0.36 * math.cos(angle), 0.5 + 0.36 * math.sin(angle), 0.1, 0.1, pattern)
        return
    if appearance.variant == 1:
        dx, dy = 0.48 * math.cos(turn), 0.48 * math.sin(turn)
        pen.limb([(0.5 - dx, 0.5 - dy), (0.5 + dx, 0.5 + dy)], 0.05, pattern)
        pen.limb([(0.5 - dy, 0.5 + dx), (0.5 + dy, 0.5 - dx)], 0.05, pattern)
        return
    for stripe in range(3):
        start = math.degrees(turn) + stripe * 120
        pen.arc(
            0.5 + 0.2 * math.cos(turn), 0.5 + 0.2 * math.sin(turn), 0.28, start=start, end=start + 80, colour=pattern
        )


def _draw_person(pen: Pen, appearance: Appearance, phase: float) -> None:
    skin, shirt, trousers, hair = appearance.colours[:4]
    swing = math.sin(phase * math.tau)
    x = 0.21
    for side in (-1, 1):
        knee = (x + 0.05 * side * swing, 0.75)
        foot = (x + 0.14 * side * swing, 0.96)
        pen.limb([(x, 0.52), knee, foot], 0.085, trousers if side == 1 else _shade(trousers, 0.8))
    pen.limb([(x, 0.25), (x + 0.09 * swing, 0.38), (x + 0.13 * swing, 0.5)], 0.06, _shade(shirt, 0.8))
    pen.box(x - 0.11, 0.2, x + 0.11, 0.56, radius=0.06, colour=shirt)
    pen.limb([(x, 0.25), (x - 0.09 * swing, 0.38), (x - 0.13 * swing, 0.5)], 0.06, _shade(shirt, 0.9))
    pen.ellipse(x - 0.13 * swing, 0.51, 0.03, 0.03, skin)
    pen.box(x - 0.03, 0.14, x + 0.03, 0.22, radius=0.01, colour=skin)
    pen.ellipse(x, 0.1, 0.085, 0.1, hair)
    pen.ellipse(x + 0.015, 0.115, 0.07, 0.08, skin)


def _draw_bird(pen: Pen, appearance: Appearance, phase: float) -> None:
    body, wing, beak = appearance.colours[:3]
    lift = math.sin(phase * math.tau)
    pen.polygon([(1.25, 0.52), (1.65, 0.42), (1.62, 0.6), (1.2, 0.66)], _shade(wing, 0.85))
    pen.polygon([(0.7, 0.5), (1.2, 0.52), (1.25, 0.5 - 0.38 * lift)], _shade(wing, 0.75))
    pen.ellipse(0.8, 0.58, 0.52, 0.17, body)
    pen.ellipse(0.33, 0.5, 0.16, 0.14, body)
    pen.polygon([(0.2, 0.44), (0.0, 0.54), (0.2, 0.57)], beak)
    pen.ellipse(0.29, 0.47, 0.03, 0.03, (15, 15, 15))
    pen.polygon([(0.55, 0.52), (1.05, 0.56), (1.05, 0.5 - 0.5 * lift)], wing)


PERSON = Kind(1, "person", 0.42, _draw_person)
CAR = Kind(3, "car", 2.4, _draw_car)
BIRD = Kind(16, "bird", 1.65, _draw_bird)
BALL = Kind(37, "sports ball", 1.0, _draw_ball)
KINDS = (PERSON, CAR, BIRD, BALL)

_SKINS: tuple[Colour, ...] = ((245, 210, 185), (222, 175, 140), (165, 115, 80), (95, 65, 48))
_BALLS: tuple[tuple[Colour, Colour], ...] = (
    ((240, 240, 240), (25, 25, 30)),
    ((225, 120, 40), (50, 25, 15)),
    ((215, 230, 60), (245, 250, 220)),
    ((205, 45, 45), (245, 235, 210)),
    ((60, 110, 215), (245, 220, 60)),
)
_PLUMAGES: tuple[tuple[Colour, Colour], ...] = (
    ((40, 42, 50), (25, 26, 32)),
    ((235, 235, 238), (170, 175, 185)),
    ((130, 95, 65), (95, 68, 45)),
    ((60, 105, 185), (35, 70, 140)),
    ((200, 60, 50), (140, 40, 40)),
)


def _any_colour(rng: np.random.Generator) -> Colour:
    return tuple(rng.integers(20, 246, 3).tolist())


def random_appearance(kind: Kind, rng: np.random.Generator) -> Appearance:
    """Choose the colours and the variant of one object."""
    variant, mirrored = int(rng.integers(3)), bool(rng.integers(2))
    colours: tuple[Colour, ...]
    if kind is PERSON:
        colours = (
            _SKINS[rng.integers(len(_SKINS))],
            _any_colour(rng),
            _any_colour(rng),
            _shade(_any_colour(rng), 0.5),
        )
    elif kind is BALL:
        colours = _BALLS[rng.integers(len(_BALLS))]
    elif kind is BIRD:
        colours = (*_PLUMAGES[rng.integers(len(_PLUMAGES))], (235, 165, 45))
    else:
        colours = (_any_colour(rng),)
    return Appearance(colours, variant, mirrored)


def draw(kind: Kind, appearance: Appearance, height: int, phase: float) -> Image.Image:
    """Draw one object.

    Parameters
    ----------
    kind, appearance
        Object to draw.
    height
        Height in pixels. The width follows from the kind.
    phase
        Phase of the movement (steps, wing beats or turns) in cycles.

    Returns
    -------
    Image.Image
        RGBA picture, transparent outside the object.
    """
    width = max(2, round(height * kind.aspect))
    pen = Pen(width * _OVERSAMPLING, height * _OVERSAMPLING)
    kind.draw(pen, appearance, phase)
    image = pen.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if appearance.mirrored else pen.image
    return image.reduce(_OVERSAMPLING)

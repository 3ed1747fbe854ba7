"""Generates the sample video, a street with objects that the small model knows, and its ground truth."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from scenes import GroundTruth, PlacedObject, background, compose
from shapes import BALL, BIRD, CAR, PERSON, Appearance
from videos.times import regular
from videos.writer import Encoding
from videos.writer import write as write_video

WIDTH, HEIGHT = 640, 360
FPS = 25
SECONDS = 12
_SEED = 11


def backdrop() -> Image.Image:
    """Paint the street without objects, as an RGB picture."""
    return background(WIDTH, HEIGHT, np.random.default_rng(_SEED))


def objects_at(time: float) -> list[PlacedObject]:
    """Return the objects at a time in seconds, from back to front."""
    bounce = abs(math.sin(time * 0.9))
    return [
        PlacedObject(
            BIRD,
            Appearance(((40, 42, 50), (25, 26, 32), (235, 165, 45)), 0, mirrored=True),
            left=-20 + 40 * time,
            top=40 + 18 * math.sin(time * 1.3),
            height=74,
            phase=time * 1.7,
        ),
        PlacedObject(
            CAR,
            Appearance(((190, 35, 40),), 0, mirrored=True),
            left=140 + 24 * time,
            top=178,
            height=62,
            phase=time * 0.9,
        ),
        PlacedObject(
            PERSON,
            Appearance(((222, 175, 140), (45, 90, 170), (60, 60, 70), (50, 35, 25)), 0, mirrored=False),
            left=30 + 11 * time,
            top=208,
            height=128,
            phase=time * 0.8,
        ),
        PlacedObject(
            CAR,
            Appearance(((45, 140, 90),), 1, mirrored=False),
            left=600 - 34 * time,
            top=262,
            height=76,
            phase=-time * 0.9,
        ),
        PlacedObject(
            BALL,
            Appearance(((240, 240, 240), (25, 25, 30)), 0, mirrored=False),
            left=520 + 4 * time,
            top=200 - 60 * bounce,
            height=52,
            phase=-time * 0.5,
        ),
    ]


def ground_truth(time: float) -> list[GroundTruth]:
    """Return the ground truth of each visible object at a time in seconds."""
    return compose(backdrop(), objects_at(time))[1]


def write(path: Path) -> None:
    """Encode the sample video as H.264 in an MP4 whose index comes first."""
    street = backdrop()
    times = regular(SECONDS * FPS, FPS)
    write_video(
        path,
        (np.asarray(compose(street, objects_at(float(time)))[0]) for time in times),
        times,
        encoding=Encoding(options={"crf": "26", "preset": "slow", "g": str(2 * FPS)}, ticks=FPS),
    )


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "samples" / "street.mp4", help="file to write"
    )
    write(parser.parse_args().out)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Makes the benchmark's videos: streets as a camera films them, at the blog's bit rate, with few keyframes or many."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

import sample
from scenes import compose
from videos import regular
from videos.pictures import Rgb
from videos.writer import Encoding, write

FOLDER = Path(__file__).resolve().parent.parent.parent / ".local" / "bench"

_GRAIN_PICTURES = 8


@dataclass(frozen=True)
class Footage:
    """One of the benchmark's videos: H.264 in MP4.

    Attributes
    ----------
    seconds
        How long it is.
    keyframe_every
        Frames from a keyframe to the next.
    width, height
        Pixels.
    fps
        Frames per second.
    megabits
        Per second: the blog's video has 71 MB, of about a minute.
    """

    seconds: int
    keyframe_every: int
    width: int = 1920
    height: int = 1080
    fps: int = 30
    megabits: float = 9.3

    @property
    def name(self) -> str:
        """Of its file, which is made anew when anything about it changes."""
        digest = hashlib.sha256(repr(asdict(self)).encode()).hexdigest()[:8]
        return f"{self.height}p-{self.seconds}s-keyframe-every-{self.keyframe_every}-{digest}.mp4"

    def pictures(self) -> Iterator[Rgb]:
        """Paint its frames: the sample video's street, larger, with a sensor's noise."""
        rng = np.random.default_rng(1)
        shape = (self.height, self.width, 3)
        brighter, darker = (
            [np.abs(rng.normal(0, 4, shape)).astype(np.uint8) for _ in range(_GRAIN_PICTURES)] for _ in range(2)
        )
        street = sample.scenery()
        for index in range(self.seconds * self.fps):
            time = index / self.fps % sample.SECONDS
            picture = np.asarray(compose(street, sample.things(time))[0])
            large = cv2.resize(picture, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
            # These two stop at black and white.
            grain = index % _GRAIN_PICTURES
            noisy = cv2.subtract(cv2.add(large, brighter[grain]), darker[grain])
            yield np.asarray(noisy, dtype=np.uint8)

    def file(self) -> Path:
        """Give its file, which is made where it is not there yet."""
        path = FOLDER / self.name
        if not path.exists():
            FOLDER.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial.mp4")
            rate = {"b": f"{self.megabits}M", "maxrate": f"{2 * self.megabits}M", "bufsize": f"{2 * self.megabits}M"}
            encoding = Encoding(self.keyframe_every, rate, threads=0)
            write(partial, self.pictures(), regular(self.seconds * self.fps, self.fps), encoding=encoding)
            partial.replace(path)
        return path

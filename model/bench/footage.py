"""Generates the benchmark's videos, one for each common kind of encoding."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np

import sample
from scenes import compose
from videos.pictures import Rgb
from videos.times import changing, regular
from videos.writer import Codec, Encoding, write

FOLDER = Path(__file__).resolve().parent.parent.parent / ".local" / "bench"

Content = Literal["street", "shots", "screen"]

FPS = 30
NTSC = Fraction(30_000, 1001)

_GRAIN_PICTURES = 8
_SHOT_SECONDS = 3.7
_SCROLL_SECONDS = 2.3
_SEED = 1


@dataclass(frozen=True)
class Footage:
    """A video of the benchmark, in MP4.

    Attributes
    ----------
    name
        Name of the kind of encoding.
    seconds
        Length in seconds, at least 1.
    encoding
        Options of the encoding.
    codec
        Codec of the encoding.
    content
        A street filmed by a camera, the same street in shots of a few seconds, or a screen with scrolling text.
    rate
        Frames per second. None for the variable rate of a screen capture: 50 and 10 frames per second alternate.
    width, height
        Size in pixels.
    """

    name: str
    seconds: int
    encoding: Encoding = field(default_factory=Encoding)
    codec: Codec = "libx264"
    content: Content = "street"
    rate: Fraction | int | None = FPS
    width: int = 1920
    height: int = 1080

    @property
    def file_name(self) -> str:
        """Name of the file. It includes a hash of all attributes."""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:8]
        return f"{self.name}-{self.height}p-{self.seconds}s-{digest}.mp4"

    def times(self) -> list[Fraction]:
        """Return the times of the frames in seconds: 30 frames per second on average.

        The blog's design processes every thirtieth frame, and so as many as the handler at one frame per second.
        """
        if self.rate is None:
            return changing([(50, 50), (10, 10)] * self.seconds)[: FPS * self.seconds]
        return regular(int(self.seconds * self.rate), self.rate)

    def pictures(self) -> Iterator[Rgb]:
        """Paint the frames."""
        times = [float(time) for time in self.times()]
        painters: dict[Content, Callable[[Sequence[float], int, int], Iterator[Rgb]]] = {
            "street": _street,
            "shots": _shots,
            "screen": _screen,
        }
        return painters[self.content](times, self.width, self.height)

    def file(self) -> Path:
        """Return the path of the file, which is generated if it does not exist."""
        path = FOLDER / self.file_name
        if not path.exists():
            FOLDER.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial.mp4")
            write(partial, self.pictures(), self.times(), self.codec, encoding=replace(self.encoding, threads=0))
            partial.replace(path)
        return path


def repeat(clip: Path, path: Path, seconds: int, times: int) -> None:
    """Write a video that shows an MP4 several times, without encoding it again.

    Parameters
    ----------
    clip
        Path of the MP4.
    path
        Path of the video, whose suffix chooses the container.
    seconds
        Length of the clip in seconds.
    times
        Number of repetitions.
    """
    partial = path.with_suffix(f".partial{path.suffix}")
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(clip, "r") as source, av.open(partial, "w", options=options) as target:
        track = target.add_stream_from_template(source.streams.video[0])
        tick = source.streams.video[0].time_base
        if tick is None:
            raise RuntimeError(f"{clip} has no time base.")
        for start in range(0, times * seconds, seconds):
            source.seek(0)
            for packet in source.demux(video=0):
                if packet.size and packet.pts is not None and packet.dts is not None:
                    offset = round(start / tick)
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = track
                    target.mux(packet)
    partial.replace(path)


def _street(times: Sequence[float], width: int, height: int) -> Iterator[Rgb]:
    """Paint the sample video's street in a larger size, with the noise of a sensor."""
    rng = np.random.default_rng(_SEED)
    shape = (height, width, 3)
    brighter, darker = (
        [np.abs(rng.normal(0, 4, shape)).astype(np.uint8) for _ in range(_GRAIN_PICTURES)] for _ in range(2)
    )
    street = sample.backdrop()
    for index, time in enumerate(times):
        picture = np.asarray(compose(street, sample.objects_at(time % sample.SECONDS))[0])
        large = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        # These functions saturate at black and white.
        grain = index % _GRAIN_PICTURES
        noisy = cv2.subtract(cv2.add(large, brighter[grain]), darker[grain])
        yield np.asarray(noisy, dtype=np.uint8)


def _shots(times: Sequence[float], width: int, height: int) -> Iterator[Rgb]:
    """Paint the street in different shots: unchanged, mirrored, upside down, and both."""
    for time, picture in zip(times, _street(times, width, height), strict=True):
        shot = int(time / _SHOT_SECONDS) % 4
        yield np.ascontiguousarray(picture[:: 1 - 2 * (shot // 2), :: 1 - 2 * (shot % 2)])


def _screen(times: Sequence[float], width: int, height: int) -> Iterator[Rgb]:
    """Paint a page of text that scrolls by a line every few seconds, and a moving pointer."""
    rng = np.random.default_rng(_SEED)
    line = 24
    page = np.full((4 * height, width, 3), 245, dtype=np.uint8)
    for top in range(line, len(page) - line, line):
        marks = rng.integers(0, 2, (12, width // 16)).astype(np.uint8)
        ink = np.repeat(np.repeat(marks, 1, axis=0), 8, axis=1) * 190
        page[top : top + 12, 60 : 60 + ink.shape[1]] -= ink[:, :, None][:, : width - 60]
    for time in times:
        top = line * int(time / _SCROLL_SECONDS) % (3 * height)
        picture = page[top : top + height].copy()
        x, y = int(abs(np.sin(time)) * (width - 40)), int(abs(np.cos(time / 2)) * (height - 40))
        picture[y : y + 24, x : x + 16] = (20, 20, 200)
        yield picture

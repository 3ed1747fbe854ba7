"""Writes the videos that tests are about: numbered pictures at any times, in any container, turned, or sound alone."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.video.stream import VideoStream

from video_inference.video import Rgb

Codec = Literal["libx264", "libx265", "libvpx-vp9", "mpeg4"]

WIDTH, HEIGHT = 160, 96

_FAST: dict[Codec, dict[str, str]] = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "mpeg4": {},
}
_BITS = 10
_TICKS = 90_000


def numbered(number: int) -> Rgb:
    """Paint a picture that carries its number as bright and dark blocks, which survive compression."""
    picture = np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)
    for bit in range(_BITS):
        picture[16:80, bit * 16 : bit * 16 + 16] = 230 if number >> bit & 1 else 20
    return picture


def number_of(picture: Rgb) -> int:
    """Read the number that a picture carries."""
    return sum(1 << bit for bit in range(_BITS) if picture[32:64, bit * 16 + 4 : bit * 16 + 12].mean() > 125)


def regular(count: int, rate: Fraction | int) -> list[Fraction]:
    """Give the times of `count` frames at a constant rate."""
    return [Fraction(index) / rate for index in range(count)]


def write(
    path: Path,
    pictures: Sequence[Rgb],
    times: Sequence[Fraction],
    codec: Codec = "libx264",
    *,
    sound: float = 0,
) -> bytes:
    """Encode pictures at times in seconds; the container follows from the path's name.

    Parameters
    ----------
    sound
        Seconds of silence to put beside the pictures.
    """
    with av.open(path, "w", options={"movflags": "faststart"} if path.suffix in (".mp4", ".mov") else {}) as container:
        rate = round(1 / (times[1] - times[0])) if len(times) > 1 else 25
        track = container.add_stream(codec, rate=rate, options=_FAST[codec])
        assert isinstance(track, VideoStream)
        track.height, track.width = pictures[0].shape[:2]
        track.pix_fmt = "yuv420p"
        # An AVI has no times: its frames follow each other at the rate.
        time_base = Fraction(1, rate if path.suffix == ".avi" else _TICKS)
        track.codec_context.time_base = time_base
        tone = container.add_stream("aac", rate=48_000, layout="mono") if sound else None
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.time_base = time_base
            frame.pts = round(time / time_base)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
        if tone is not None:
            for start in range(0, round(sound * 48_000), 1024):
                silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
                silence.sample_rate, silence.pts = 48_000, start
                container.mux(tone.encode(silence))
            container.mux(tone.encode(None))
    return path.read_bytes()


def write_numbered(path: Path, times: Sequence[Fraction], codec: Codec = "libx264") -> bytes:
    """Encode a numbered picture for each time."""
    return write(path, [numbered(index) for index in range(len(times))], times, codec)


def write_sound(path: Path) -> bytes:
    """Encode a second of silence without a picture."""
    with av.open(path, "w") as container:
        tone = container.add_stream("aac", rate=48_000, layout="mono")
        for start in range(0, 48_000, 1024):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            silence.sample_rate, silence.pts = 48_000, start
            container.mux(tone.encode(silence))
        container.mux(tone.encode(None))
    return path.read_bytes()


def turned(mp4: bytes, clockwise: int) -> bytes:
    """Ask, in the track header of an MP4, that players turn the pictures clockwise by a quarter, a half or three."""
    matrices = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    a, b, c, d = matrices[clockwise]
    one, unit = 1 << 16, 1 << 30
    matrix = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, unit)
    # In a version-0 header the matrix stands 40 bytes behind the box's type (ISO/IEC 14496-12, 8.3.2).
    start = mp4.index(b"tkhd") + 4 + 40
    return mp4[:start] + matrix + mp4[start + len(matrix) :]

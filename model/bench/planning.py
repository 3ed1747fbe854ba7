"""Measures planning an hour of video against only reading its packets."""

from __future__ import annotations

import io
import time
from fractions import Fraction
from pathlib import Path
from statistics import median

import av

from video_inference.video import Video
from videos.pictures import moving
from videos.times import regular
from videos.writer import Encoding, write

from . import footage
from .footage import repeat
from .processes import ProcessLimits, in_new_process

MAX_RATIOS = {"planning_ratio": 2.5}
"""Maximum ratio that the project aims for."""

FPS = 25
"""Frames per second of the video."""

_CLIP_SECONDS = 10
_SECONDS = 3600
_SIZE = (64, 36)


def make_video(seconds: int = _SECONDS) -> Path:
    """Return the path of a video of a length in seconds, with tiny pictures, whose decoding costs almost nothing.

    The video is generated if it does not exist.
    """
    path = footage.FOLDER / f"planning-{seconds}s.mp4"
    if path.exists():
        return path
    footage.FOLDER.mkdir(parents=True, exist_ok=True)
    clip = path.with_suffix(".clip.mp4")
    count = _CLIP_SECONDS * FPS
    write(
        clip,
        (moving(number, *_SIZE) for number in range(count)),
        regular(count, FPS),
        encoding=Encoding(50, ticks=FPS),
    )
    repeat(clip, path, _CLIP_SECONDS, seconds // _CLIP_SECONDS)
    clip.unlink()
    return path


def demux_seconds(path: Path) -> float:
    """Measure the processor time in seconds of only reading every packet."""
    body = path.read_bytes()
    started = time.process_time()
    with av.open(io.BytesIO(body), "r") as container:
        for _packet in container.demux(video=0):
            pass
    return time.process_time() - started


def planning_seconds(path: Path) -> float:
    """Measure the processor time in seconds from opening a video to its first frame, which follows the planning."""
    body = path.read_bytes()
    started = time.process_time()
    with Video(body) as video:
        next(video.samples(Fraction(1)))
        return time.process_time() - started


def measure(runs: int, seconds: int = _SECONDS) -> dict[str, float]:
    """Measure both in turn, each time in a new process, and compare the medians."""
    path, limits = make_video(seconds), ProcessLimits(one_thread=True)
    demux: list[float] = []
    planning: list[float] = []
    for _ in range(runs):
        demux.append(in_new_process(limits, demux_seconds, path))
        planning.append(in_new_process(limits, planning_seconds, path))
    return {
        "planning_ratio": round(median(planning) / median(demux), 2),
        "demux_cpu_seconds": round(median(demux), 3),
        "planning_cpu_seconds": round(median(planning), 3),
    }

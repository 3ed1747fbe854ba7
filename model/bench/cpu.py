"""Compares the designs on the CPU, with a row for each encoding: decoding, inference, memory, COCO-size model."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import geometric_mean

import av

from . import blog, networks
from .compare import Comparison, Design, compare
from .footage import FPS, Footage
from .processes import ProcessLimits
from .rows import ALIGNED
from .usage import Usage

MIN_RATIOS = {
    "decode_ratio_geomean": 4.0,
    "decode_ratio_lowest": 1.7,
    "keyframe_decode_ratio_geomean": 8.0,
    "end_to_end_ratio_geomean": 2.0,
    "memory_ratio": 4.0,
}
"""Minimum ratios that the project aims for."""

_LIMITS = ProcessLimits(one_thread=True)
_KEYFRAME_SHARE = 0.9

_MEASURES: dict[str, Callable[[Usage], float]] = {
    "cpu_seconds": lambda usage: usage.cpu_seconds,
    "seconds": lambda usage: usage.seconds,
    "peak_memory": lambda usage: usage.peak_memory,
    "frames": lambda usage: usage.frames,
}


@dataclass(frozen=True)
class Row:
    """Measurements of a video.

    Attributes
    ----------
    footage
        The video.
    keyframe_share
        Share of the samples, 0 to 1, that have a keyframe within half a sampling interval.
    decode
        Comparison of sampling the video, without a network.
    end_to_end
        Comparison of processing the video with the small network.
    """

    footage: Footage
    keyframe_share: float
    decode: Comparison
    end_to_end: Comparison

    @property
    def has_keyframes(self) -> bool:
        """True if at least 90 % of the samples have a keyframe near them."""
        return self.keyframe_share >= _KEYFRAME_SHARE

    def report(self) -> dict[str, object]:
        """Return the row for the report."""
        cpu_seconds = _MEASURES["cpu_seconds"]
        path = self.footage.file()
        return {
            "name": self.footage.name,
            "video": f"{self.footage.width}x{self.footage.height}, {self.footage.codec}, {self.footage.seconds} s",
            "bytes": path.stat().st_size,
            "keyframe_share": round(self.keyframe_share, 3),
            "decode_ratio": round(self.decode.ratio(cpu_seconds), 2),
            "keyframe_decode_ratio": round(self.decode.ratio(cpu_seconds, "keyframe"), 2),
            "end_to_end_ratio": round(self.end_to_end.ratio(cpu_seconds), 2),
            "medians": {"decode": medians(self.decode), "end_to_end": medians(self.end_to_end)},
        }


def medians(comparison: Comparison) -> dict[Design, dict[str, float]]:
    """Return the median of each measure for each design."""
    return {
        design: {name: round(comparison.median(design, measure), 3) for name, measure in _MEASURES.items()}
        for design in comparison.runs
    }


def keyframe_share(path: Path, seconds: int) -> float:
    """Compute the share of the times 0, 1, 2 s and so on that have a keyframe within half a second."""
    with av.open(path) as container:
        times = [
            Fraction(packet.pts) * packet.time_base
            for packet in container.demux(video=0)
            if packet.is_keyframe and packet.pts is not None and packet.time_base is not None
        ]
    near = sum(any(abs(time - times[0] - target) <= Fraction(1, 2) for time in times) for target in range(seconds))
    return near / seconds


def _measure_row(footage: Footage, model_dir: Path, runs: int, log: Callable[[str], None]) -> Row:
    log(f"{footage.name}: generating {footage.file_name}, or using the existing file")
    path = footage.file()
    log(f"{footage.name}: decoding")
    decode = compare("decode", path, model_dir, runs, _LIMITS, designs=("blog", "handler", "keyframe"))
    log(f"{footage.name}: running the small network")
    end_to_end = compare("small", path, model_dir, runs, _LIMITS)
    row = Row(footage, keyframe_share(path, math.ceil(len(footage.times()) / FPS)), decode, end_to_end)
    # Logged at once, so that nothing is lost if a later row fails.
    log(json.dumps({name: value for name, value in row.report().items() if name != "medians"}))
    return row


def measure(footages: Sequence[Footage], model_dir: Path, runs: int, log: Callable[[str], None]) -> dict[str, object]:
    """Measure each video.

    Parameters
    ----------
    footages
        Video of each row, including the aligned one.
    model_dir
        Folder of an unpacked artifact with the small model.
    runs
        Number of runs of each design.
    log
        Called with a line for each step.
    """
    cpu_seconds = _MEASURES["cpu_seconds"]
    rows = [_measure_row(footage, model_dir, runs, log) for footage in footages]
    decode = [row.decode.ratio(cpu_seconds) for row in rows]
    with_keyframes = [row.decode.ratio(cpu_seconds, "keyframe") for row in rows if row.has_keyframes]
    aligned = next(row for row in rows if row.footage.name == ALIGNED)
    ratios = {
        "decode_ratio_geomean": geometric_mean(decode),
        "decode_ratio_lowest": min(decode),
        "keyframe_decode_ratio_geomean": geometric_mean(with_keyframes),
        "end_to_end_ratio_geomean": geometric_mean(row.end_to_end.ratio(cpu_seconds) for row in rows),
        "memory_ratio": aligned.end_to_end.ratio(_MEASURES["peak_memory"]),
    }
    return {**{name: round(ratio, 2) for name, ratio in ratios.items()}, "rows": [row.report() for row in rows]}


def measure_coco(footage: Footage, model_dir: Path, runs: int, log: Callable[[str], None]) -> dict[str, object]:
    """Measure one short video with the COCO-size network; the parameters are those of `measure`."""
    log(f"end_to_end_coco_size: running the COCO-size network on {footage.file_name}")
    comparison = compare("coco", footage.file(), model_dir, runs, _LIMITS)
    return {
        "end_to_end_ratio_coco_size": round(comparison.ratio(_MEASURES["cpu_seconds"]), 2),
        "coco_size": {
            "medians": medians(comparison),
            "pixels_per_frame": {
                "blog": networks.input_pixels(blog.SIDE, blog.SIDE),
                "handler": networks.input_pixels(footage.width, footage.height),
            },
        },
    }

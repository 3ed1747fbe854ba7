"""The comparisons on the processor: decoding, answering, memory, and the COCO-size model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from . import blog, networks
from .compare import DESIGNS, Comparison, compare
from .footage import Footage
from .processes import Share
from .usage import Usage

WANTED = {"decode_ratio_gop1s": 5.0, "decode_ratio_gop250": 1.7, "end_to_end_ratio": 2.0, "memory_ratio": 4.0}
"""What the project wants of the ratios, at least."""

_SHARE = Share(one_thread=True)

_MEASURES: dict[str, Callable[[Usage], float]] = {
    "cpu_seconds": lambda usage: usage.cpu_seconds,
    "seconds": lambda usage: usage.seconds,
    "peak_memory": lambda usage: usage.peak_memory,
    "frames": lambda usage: usage.frames,
}


@dataclass(frozen=True)
class Plan:
    """Which videos (a keyframe a second, one every 250 frames, a short one for the large model), and how many runs."""

    every_second: Footage
    every_250: Footage
    short: Footage
    runs: int
    coco_runs: int


def plan(seconds: int, runs: int, coco_runs: int) -> Plan:
    """Plan the full benchmark on videos of so many seconds; no `coco_runs` leave the large model out."""
    return Plan(Footage(seconds, 30), Footage(seconds, 250), Footage(2, 30), runs, coco_runs)


def _medians(comparison: Comparison) -> dict[str, dict[str, float]]:
    return {
        design: {name: round(comparison.median(design, measure), 3) for name, measure in _MEASURES.items()}
        for design in DESIGNS
    }


def measure(chosen: Plan, model_dir: Path, say: Callable[[str], None]) -> dict[str, object]:
    """Run everything; `say` is told what is being run.

    Parameters
    ----------
    model_dir
        An unpacked artifact with the small model.
    """
    cpu_seconds = _MEASURES["cpu_seconds"]
    comparisons: dict[str, Comparison] = {}
    for name, footage in (("decode_gop1s", chosen.every_second), ("decode_gop250", chosen.every_250)):
        say(f"{name}: reading {footage.name}")
        comparisons[name] = compare("decode", footage.file(), model_dir, chosen.runs, _SHARE)
    say(f"end_to_end: answering for {chosen.every_second.name} with the small model")
    comparisons["end_to_end"] = compare("small", chosen.every_second.file(), model_dir, chosen.runs, _SHARE)
    ratios = {
        "decode_ratio_gop1s": comparisons["decode_gop1s"].ratio(cpu_seconds),
        "decode_ratio_gop250": comparisons["decode_gop250"].ratio(cpu_seconds),
        "end_to_end_ratio": comparisons["end_to_end"].ratio(cpu_seconds),
        "memory_ratio": comparisons["end_to_end"].ratio(_MEASURES["peak_memory"]),
    }
    if chosen.coco_runs > 0:
        say(f"end_to_end_coco_size: answering for {chosen.short.name} with the COCO-size model")
        large = compare("coco", chosen.short.file(), model_dir, chosen.coco_runs, _SHARE)
        comparisons["end_to_end_coco_size"] = large
        ratios["end_to_end_ratio_coco_size"] = large.ratio(cpu_seconds)
    return {
        **{name: round(ratio, 2) for name, ratio in ratios.items()},
        "wanted": WANTED,
        "medians": {name: _medians(comparison) for name, comparison in comparisons.items()},
        "pixels_per_frame_coco_size": {
            "blog": networks.pixels_seen(blog.SIDE, blog.SIDE),
            "handler": networks.pixels_seen(chosen.short.width, chosen.short.height),
        },
        "runs": {"decode and end_to_end": chosen.runs, "coco_size": chosen.coco_runs},
        "videos": [
            asdict(footage) | {"name": footage.name, "bytes": footage.file().stat().st_size}
            for footage in (chosen.every_second, chosen.every_250, chosen.short)
        ],
    }

"""Runs a job by several designs in turn, each time in a new process, and compares the medians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

from . import blog_work, handler_work
from .processes import ProcessLimits, in_new_process
from .usage import Job, Usage

Design = Literal["blog", "handler", "keyframe"]
"""The blog's, the handler's, and the handler's with the option `sampling=keyframe`."""

DESIGNS: dict[Design, Callable[[Job, Path, Path], Usage]] = {
    "blog": blog_work.run,
    "handler": handler_work.run,
    "keyframe": handler_work.run_keyframe,
}


class DifferentFramesError(Exception):
    """The designs did not look at the same number of frames: the comparison would say nothing."""


@dataclass(frozen=True)
class Comparison:
    """What the runs of the designs took."""

    runs: dict[Design, list[Usage]]

    def median(self, design: Design, measure: Callable[[Usage], float]) -> float:
        """Give the median of a measure over a design's runs."""
        return median(measure(usage) for usage in self.runs[design])

    def ratio(self, measure: Callable[[Usage], float], design: Design = "handler") -> float:
        """Say how many times less a design takes than the blog's."""
        return self.median("blog", measure) / self.median(design, measure)


def compare(
    job: Job,
    video: Path,
    model_dir: Path,
    runs: int,
    limits: ProcessLimits,
    *,
    designs: Sequence[Design] = ("blog", "handler"),
) -> Comparison:
    """Run a job on a video by the designs in turn, so that a slow minute of the machine meets all of them.

    Parameters
    ----------
    model_dir
        An unpacked artifact with the small model.

    Raises
    ------
    DifferentFramesError
        If they did not look at the same number of frames.
    """
    usages: dict[Design, list[Usage]] = {design: [] for design in designs}
    for _ in range(runs):
        for design in designs:
            usages[design].append(in_new_process(limits, DESIGNS[design], job, video, model_dir))
    frames = {usage.frames for runs_of_one in usages.values() for usage in runs_of_one}
    if len(frames) != 1:
        raise DifferentFramesError(f"{video.name}, {job}: {sorted(frames)} frames")
    return Comparison(usages)

"""Runs a job with several designs in turn, each time in a new process, and compares the medians."""

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
"""The blog's design, the handler, or the handler with the option `sampling=keyframe`."""

DESIGNS: dict[Design, Callable[[Job, Path, Path], Usage]] = {
    "blog": blog_work.run,
    "handler": handler_work.run,
    "keyframe": handler_work.run_keyframe,
}


class DifferentFramesError(Exception):
    """The designs processed different numbers of frames, so they cannot be compared."""


@dataclass(frozen=True)
class Comparison:
    """Resource usage of the runs of each design."""

    runs: dict[Design, list[Usage]]

    def median(self, design: Design, measure: Callable[[Usage], float]) -> float:
        """Return the median of a measure over the runs of a design."""
        return median(measure(usage) for usage in self.runs[design])

    def ratio(self, measure: Callable[[Usage], float], design: Design = "handler") -> float:
        """Return the blog's median of a measure divided by that of a design."""
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
    """Run a job with the designs in turn, so that a slow phase of the machine affects all of them.

    Parameters
    ----------
    job
        Job to run.
    video
        Path of the video.
    model_dir
        Folder of an unpacked artifact with the small model.
    runs
        Number of runs of each design.
    limits
        Limits of each process.
    designs
        Designs to compare.

    Raises
    ------
    DifferentFramesError
        If the designs processed different numbers of frames.
    """
    usages: dict[Design, list[Usage]] = {design: [] for design in designs}
    for _ in range(runs):
        for design in designs:
            usages[design].append(in_new_process(limits, DESIGNS[design], job, video, model_dir))
    frames = {usage.frames for runs_of_one in usages.values() for usage in runs_of_one}
    if len(frames) != 1:
        raise DifferentFramesError(f"{video.name}, {job}: {sorted(frames)} frames")
    return Comparison(usages)

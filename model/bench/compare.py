"""Runs a job by both designs in turn, each time in a new process, and compares the medians."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ParamSpec, TypeVar

from .work import Design, Job, Usage, run

P = ParamSpec("P")
R = TypeVar("R")

DESIGNS: tuple[Design, Design] = ("blog", "handler")


class DifferentFramesError(Exception):
    """The designs did not look at the same number of frames: the comparison would say nothing."""


def _limit(cores: int | None) -> None:
    if cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def in_new_process(cores: int | None, function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
    """Call a function in a process of its own, on so many processor cores (None: all)."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_limit, initargs=(cores,)) as process:
        return process.submit(function, *arguments, **options).result()


@dataclass(frozen=True)
class Comparison:
    """What the runs of both designs took."""

    runs: dict[Design, list[Usage]]

    def median(self, design: Design, measure: Callable[[Usage], float]) -> float:
        """Give the median of a measure over a design's runs."""
        return median(measure(usage) for usage in self.runs[design])

    def ratio(self, measure: Callable[[Usage], float]) -> float:
        """Say how many times less the handler takes than the blog's design."""
        return self.median("blog", measure) / self.median("handler", measure)


def compare(job: Job, video: Path, runs: int, cores: int | None = None) -> Comparison:
    """Run a job on a video by both designs in turn, so that a slow minute of the machine meets both.

    Raises
    ------
    DifferentFramesError
        If they did not look at the same number of frames.
    """
    usages: dict[Design, list[Usage]] = {design: [] for design in DESIGNS}
    for _ in range(runs):
        for design in DESIGNS:
            usages[design].append(in_new_process(cores, run, job, design, video))
    frames = {usage.frames for design in DESIGNS for usage in usages[design]}
    if len(frames) != 1:
        raise DifferentFramesError(f"{video.name}, {job}: {sorted(frames)} frames")
    return Comparison(usages)

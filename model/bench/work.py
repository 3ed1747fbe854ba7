"""What is measured, each in a process of its own: reading a video and answering for it, by both designs."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import inference

from . import blog, models

Design = Literal["blog", "handler"]
Job = Literal["decode", "small", "coco"]


@dataclass(frozen=True)
class Usage:
    """What a job took.

    Attributes
    ----------
    cpu_seconds
        Of all threads, without loading the model.
    seconds
        On the clock.
    peak_memory
        Bytes that the process held at most, libraries and model included.
    frames
        Frames that were looked at.
    """

    cpu_seconds: float
    seconds: float
    peak_memory: int
    frames: int


def _peak_memory() -> int:
    # Unlike getrusage's, this one does not count the process before it became this program.
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    if match is None:
        raise RuntimeError("the kernel does not say a process's peak memory")
    return int(match[1]) * 1024


def handler_frames(model: inference.Model, body: bytes) -> int:
    """Have the handler answer for a video; returns how many frames it looked at."""
    answer, _ = inference.transform_fn(model, body, "video/mp4", "application/json")
    return len(json.loads(answer)["frames"])


def _prepare(job: Job, design: Design, path: Path) -> Callable[[], int]:
    """Load what the job needs; what it returns does the job and gives the number of frames that were looked at."""
    if job == "decode":
        if design == "blog":
            return lambda: sum(index % blog.INTERVAL == 0 for index, _ in enumerate(blog.read_all(path)))
        blind = models.blind_handler()
        return lambda: handler_frames(blind, path.read_bytes())
    if design == "blog":
        network = models.network(job)
        return lambda: len(json.loads(blog.answer(network, path.read_bytes())))
    model = models.handler(job)
    return lambda: handler_frames(model, path.read_bytes())


def run(job: Job, design: Design, path: Path) -> Usage:
    """Do a job once in this process."""
    work = _prepare(job, design, path)
    cpu, clock = time.process_time(), time.perf_counter()
    frames = work()
    return Usage(time.process_time() - cpu, time.perf_counter() - clock, _peak_memory(), frames)


def cores() -> int:
    """Count the processor cores that this process may use."""
    return len(os.sched_getaffinity(0))

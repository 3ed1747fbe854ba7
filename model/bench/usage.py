"""Measures what a piece of work takes of the process that does it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Job = Literal["decode", "small", "coco"]
"""Reading a video, or answering for it with one of the two networks."""


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


def peak_memory() -> int:
    """Ask the kernel for the most bytes of memory that this process has held."""
    # Unlike getrusage's, this one does not count the process before it became this program.
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    if match is None:
        raise RuntimeError("The kernel does not say a process's peak memory.")
    return int(match[1]) * 1024


def measure_usage(work: Callable[[], int]) -> Usage:
    """Do work that returns how many frames it looked at."""
    cpu, clock = time.process_time(), time.perf_counter()
    frames = work()
    return Usage(time.process_time() - cpu, time.perf_counter() - clock, peak_memory(), frames)

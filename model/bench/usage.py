"""Measures processor time, elapsed time and peak memory of a job in its process."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Job = Literal["decode", "small", "coco"]
"""Decoding a video only, or processing it with one of the two networks."""


@dataclass(frozen=True)
class Usage:
    """Resource usage of a job.

    Attributes
    ----------
    cpu_seconds
        Processor time of all threads in seconds, without loading the model.
    seconds
        Elapsed time in seconds.
    peak_memory
        Peak memory of the process in bytes, including libraries and model.
    frames
        Number of processed frames.
    """

    cpu_seconds: float
    seconds: float
    peak_memory: int
    frames: int


def peak_memory() -> int:
    """Return the peak memory of this process in bytes."""
    # Unlike getrusage's value, VmHWM does not include the memory before this program was executed.
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    if match is None:
        raise RuntimeError("/proc/self/status has no VmHWM: run the benchmark on Linux.")
    return int(match[1]) * 1024


def measure_usage(work: Callable[[], int]) -> Usage:
    """Run a job that returns its number of processed frames, and measure it."""
    cpu, clock = time.process_time(), time.perf_counter()
    frames = work()
    return Usage(time.process_time() - cpu, time.perf_counter() - clock, peak_memory(), frames)

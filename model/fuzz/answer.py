"""Answer of a worker for a body. Does not import torch, so that workers of tests start fast."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Answer:
    """Outcome of a body.

    Attributes
    ----------
    status
        HTTP status of the handler's answer.
    seconds
        Time in the handler in seconds.
    memory, files, threads
        Memory in bytes and numbers of open files and threads of the worker afterwards.
    trace
        Traceback that the handler logged; empty if there was none.
    samples
        Times in seconds and checksums of the sampled pictures, if they were requested.
    """

    status: int
    seconds: float
    memory: int
    files: int
    threads: int
    trace: str = ""
    samples: tuple[tuple[Fraction, int], ...] = ()

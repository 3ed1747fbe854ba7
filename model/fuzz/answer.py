"""What a worker says about a body. It needs no torch, so that a worker of the tests starts at once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Answer:
    """How one body went.

    Attributes
    ----------
    status
        What the caller would have been answered.
    seconds
        In the handler.
    memory, files, threads
        Bytes, open files and threads that the worker holds afterwards.
    trace
        Of the exception that the handler logged, if there was one.
    samples
        Timestamps in seconds and checksums of the sampled pictures, if these were asked for.
    """

    status: int
    seconds: float
    memory: int
    files: int
    threads: int
    trace: str = ""
    samples: tuple[tuple[Fraction, int], ...] = ()

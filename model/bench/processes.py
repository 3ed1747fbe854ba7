"""Calls functions in new processes, so that memory and caches of one measurement do not affect another."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from orphans import end_with_parent

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


class OverdueError(Exception):
    """A process did not end in time and was killed."""


@dataclass(frozen=True)
class ProcessLimits:
    """Limits of a process.

    Attributes
    ----------
    cores
        Number of processor cores; None for all.
    one_thread
        True if libraries use one thread each. On a busy machine, threads spend a varying time waiting for each other.
    seconds
        Time limit in seconds from the start to the result.
    """

    cores: int | None = None
    one_thread: bool = False
    seconds: float = 1800


def _initialise(parent: int, limits: ProcessLimits) -> None:
    end_with_parent(parent)
    if limits.cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: limits.cores])
    if limits.one_thread:
        # The libraries of torch and numpy read the first variable. The handler reads the second one and divides the
        # cores among that number of workers.
        os.environ["OMP_NUM_THREADS"] = "1"
        os.environ["SAGEMAKER_MODEL_SERVER_WORKERS"] = str(os.cpu_count() or 1)


@contextmanager
def _processes(limits: ProcessLimits, count: int | None = None) -> Iterator[ProcessPoolExecutor]:
    """Create a pool of at most `count` processes (None: one for each core). Kills busy processes at the end."""
    others = set(multiprocessing.active_children())
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=spawn, initializer=_initialise, initargs=(os.getpid(), limits))
    try:
        yield pool
    finally:
        for child in set(multiprocessing.active_children()) - others:
            child.kill()
        pool.shutdown()


def in_new_process(limits: ProcessLimits, function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
    """Call a function in a separate process, which imports only the function's module.

    Raises
    ------
    OverdueError
        If the call takes longer than its time limit.
    """
    with _processes(limits, 1) as pool:
        future = pool.submit(function, *arguments, **options)
        wait([future], limits.seconds)
        if not future.done():
            raise OverdueError(f"stopped after {limits.seconds:.0f} s")
        return future.result()


def each_in_new_process(limits: ProcessLimits, function: Callable[[T], R], items: Iterable[T]) -> list[R | None]:
    """Call a function for each item, in parallel on all cores. The result is None after the time limit."""
    with _processes(limits) as pool:
        futures = [pool.submit(function, item) for item in items]
        ended, _ = wait(futures, limits.seconds)
        return [future.result() if future in ended else None for future in futures]

"""Calls functions in new processes, so that what one holds or has warmed up is not counted for another."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Share:
    """What a process may use of the machine.

    Attributes
    ----------
    cores
        Processor cores; None for all.
    one_thread
        Whether libraries compute in one thread each: on a busy machine, threads that wait for each other burn time
        that is no work and that differs from run to run.
    """

    cores: int | None = None
    one_thread: bool = False


def _limit(share: Share) -> None:
    if share.cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: share.cores])
    if share.one_thread:
        # Read by torch's and numpy's libraries, and by the handler, which divides the cores among its workers.
        os.environ["OMP_NUM_THREADS"] = "1"
        os.environ["SAGEMAKER_MODEL_SERVER_WORKERS"] = str(os.cpu_count() or 1)


def in_new_process(share: Share, function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
    """Call a function in a process of its own, which imports nothing but what the function needs."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_limit, initargs=(share,)) as process:
        return process.submit(function, *arguments, **options).result()

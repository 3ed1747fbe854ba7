"""Entry point of a worker's process. Does not import torch, so that workers of tests start fast."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection

from orphans import end_with_parent

Serve = Callable[[Connection, str], None]
"""Main function of a worker. Its arguments are the connection for bodies and answers, and the path of its log."""


def run_worker(parent: int, work: Serve, bodies: Connection, log: str) -> None:
    """Run a worker that ends with its parent.

    Parameters
    ----------
    parent
        Process id of the parent.
    work
        Main function of the worker.
    bodies
        Connection for bodies and answers.
    log
        Path of the log.
    """
    end_with_parent(parent)
    work(bodies, log)

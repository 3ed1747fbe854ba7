"""The start of a worker's process. It needs no torch, so that a worker of the tests starts at once."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection

from orphans import end_with_parent

Serve = Callable[[Connection, str], None]
"""What a worker runs: it gets the bodies and the path of its log."""


def run_worker(parent: int, work: Serve, bodies: Connection, log: str) -> None:
    """Run a worker that ends with its parent, a process id."""
    end_with_parent(parent)
    work(bodies, log)

"""Tests that hanging processes end together with their parent, even if the parent is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from unittest import mock

import pytest

from bench.bodies import measure
from bench.processes import ProcessLimits, in_new_process
from fuzz.watchdog import Watchdog

_SECONDS = 120
"""Time limit in seconds for two processes to start and to end. A hanging process takes longer."""


def orphaned() -> None:
    print(os.getpid(), flush=True)
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(10 * _SECONDS)


def orphaned_by_a_body(bodies: Connection, _log: str) -> None:
    bodies.send(None)
    bodies.recv()
    orphaned()


def bench() -> None:
    in_new_process(ProcessLimits(), orphaned)


def fuzz() -> None:
    with Watchdog(10 * _SECONDS, orphaned_by_a_body) as watchdog:
        watchdog.send(b"")


def bodies() -> None:
    # bodies reads what Node prints, so it writes to this process's output.
    program = (
        "const fs = require('fs');"
        "const out = fs.openSync(`/proc/${process.ppid}/fd/1`, 'w');"
        "fs.writeSync(out, String(process.pid));"
        "process.kill(process.ppid, 'SIGKILL');"
        f"setTimeout(() => fs.closeSync(out), {10 * _SECONDS * 1000});"
    )
    with mock.patch("bench.bodies._PROGRAM", f"--eval={program}"):
        measure([1])


@pytest.mark.parametrize("parent", [bench, fuzz, bodies])
def test_a_hanging_process_does_not_outlive_its_parent(parent: Callable[[], None]) -> None:
    program = f"from tests.test_orphans import {parent.__name__} as parent; parent()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True) as started:
        try:
            # Both processes hold the other end of the pipe, so this waits until both have ended.
            hanging, _ = started.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired as error:
            os.kill(int(error.output), signal.SIGKILL)
            raise
    assert int(hanging) != started.pid
    assert started.returncode == -signal.SIGKILL

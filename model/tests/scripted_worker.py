"""Worker for the tests of the fuzzer. Does not import torch, so that it starts fast."""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

from fuzz.answer import Answer

GOOD_ANSWER = Answer(status=200, seconds=0.1, memory=100, files=5, threads=3)


def scripted_worker(bodies: Connection, log: str) -> None:
    """Crash, hang, raise or answer, as each body requests."""
    Path(log).write_text("scripted worker: last line of the log\n", "utf-8")
    bodies.send(None)
    while True:
        try:
            body = bodies.recv()
        except EOFError:
            return
        if body == b"crash":
            os.abort()
        if body == b"hang":
            time.sleep(600)
        if body == b"raise":
            bodies.send(Answer(status=500, seconds=0.1, memory=100, files=5, threads=3, trace="KeyError: 'boxes'"))
        else:
            bodies.send(GOOD_ANSWER)

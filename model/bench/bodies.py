"""Measures how long TorchServe takes to receive large bodies, with the emulator's harness in a separate process."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from orphans import end_with_parent

_PROGRAM = Path(__file__).resolve().parent.parent.parent / "emulator" / "testing" / "body-seconds.ts"
_LIMIT_SECONDS = 1800


class BodiesError(Exception):
    """The measurement failed. The message has the reason."""


def measure(mebibytes: Sequence[int]) -> dict[str, float]:
    """Measure how long TorchServe takes to receive bodies.

    Parameters
    ----------
    mebibytes
        Sizes of the bodies in MiB.

    Returns
    -------
    dict
        Seconds without the time in the handler, by size in MiB.

    Raises
    ------
    BodiesError
        If Node is missing or the server does not answer.
    """
    return asyncio.run(_measure(mebibytes))


async def _measure(mebibytes: Sequence[int]) -> dict[str, float]:
    node = shutil.which("node")
    if node is None:
        raise BodiesError("Node is not on the PATH: run the benchmark with `npm run bench:model`, or pass `--bodies`.")
    process = await asyncio.create_subprocess_exec(
        node, _PROGRAM, *map(str, mebibytes), stdout=PIPE, stderr=PIPE, preexec_fn=partial(end_with_parent, os.getpid())
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(), _LIMIT_SECONDS)
    except TimeoutError as error:
        process.kill()
        raise BodiesError(f"{_PROGRAM.name} took more than {_LIMIT_SECONDS} s.") from error
    if process.returncode != 0:
        raise BodiesError(f"{_PROGRAM.name} failed: {errors.decode(errors='replace').strip()[-500:]}")
    measured: dict[str, float] = json.loads(out)
    return measured

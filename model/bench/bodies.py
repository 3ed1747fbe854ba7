"""How long TorchServe takes to receive large bodies, measured by the emulator's harness in a process of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path

_PROGRAM = Path(__file__).resolve().parent.parent.parent / "emulator" / "testing" / "body-seconds.ts"
_LIMIT_SECONDS = 1800


class BodiesError(Exception):
    """The bodies could not be measured."""


def measure(mebibytes: Sequence[int]) -> dict[str, float]:
    """Measure the seconds from the first byte of a body to the last as the server's worker sees it, by MiB.

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
    process = await asyncio.create_subprocess_exec(node, _PROGRAM, *map(str, mebibytes), stdout=PIPE, stderr=PIPE)
    try:
        out, errors = await asyncio.wait_for(process.communicate(), _LIMIT_SECONDS)
    except TimeoutError as error:
        process.kill()
        raise BodiesError(f"{_PROGRAM.name} took more than {_LIMIT_SECONDS} s.") from error
    if process.returncode != 0:
        raise BodiesError(f"{_PROGRAM.name} failed: {errors.decode(errors='replace').strip()[-500:]}")
    measured: dict[str, float] = json.loads(out)
    return measured

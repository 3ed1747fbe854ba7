"""Runs a command whose whole family of processes ends with it, with the guard, or with whoever started the guard.

Usage: guard.py GRACE_SECONDS COMMAND [ARGUMENT ...]

The guard must lead its process group, and its standard input must be a pipe that its starter holds open: when the pipe
closes (the starter asks for the end, or has died in any way), on SIGTERM, or when the command has ended, everything
that is left gets SIGTERM, and SIGKILL after the grace. The guard exits with the command's status once nothing is left.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ON_LINUX = sys.platform == "linux"


def prctl(option: int, value: int) -> None:
    """Set a process attribute; Linux only."""
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


def start(command: list[str]) -> int:
    """Start the command and return its process id; without the guard it dies at once."""
    guard = os.getpid()
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        if ON_LINUX:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != guard:
                os._exit(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]} could not be started: {error}", file=sys.stderr, flush=True)
    os._exit(127)


def reap(command_pid: int) -> tuple[int | None, bool]:
    """Collect what has ended: the command's exit status if it is among it, and whether nothing is left."""
    status = None
    while True:
        try:
            pid, raw = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status, True
        if pid == 0:
            return status, False
        if pid == command_pid:
            code = os.waitstatus_to_exitcode(raw)
            status = 128 - code if code < 0 else code


def descendants() -> list[int]:
    """List the guard's living descendants, also those that have left its group (Linux)."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat[stat.rindex(")") + 2 :].split()[1])
    family = {os.getpid()}
    grown = True
    while grown:
        young = {pid for pid, parent in parents.items() if parent in family} - family
        family |= young
        grown = bool(young)
    return sorted(family - {os.getpid()})


def kill_all() -> None:
    """Send SIGKILL to everything that is left; where descendants cannot be listed, to the whole group, guard included."""
    if not ON_LINUX:
        os.killpg(0, signal.SIGKILL)
    for pid in descendants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def main(arguments: list[str]) -> int:
    """Run the command until nothing of it is left; return its exit status."""
    grace, command = float(arguments[0]), arguments[1:]
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    asked_to_stop = False

    def note(number: int, _frame: object) -> None:
        nonlocal asked_to_stop
        asked_to_stop = asked_to_stop or number == signal.SIGTERM

    signal.signal(signal.SIGCHLD, note)
    signal.signal(signal.SIGTERM, note)
    if ON_LINUX:
        # Orphans of the family become the guard's children, so that it knows when nothing is left.
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    command_pid = start(command)
    exit_status: int | None = None
    deadline: float | None = None
    watched = [0, woken]
    while True:
        status, nothing_left = reap(command_pid)
        if status is not None:
            exit_status = status
        if nothing_left:
            break
        if deadline is None and (asked_to_stop or exit_status is not None):
            deadline = time.monotonic() + grace
            os.killpg(0, signal.SIGTERM)
        if deadline is not None and time.monotonic() >= deadline:
            kill_all()
        # Past the deadline: again every tenth of a second, for what was born meanwhile.
        pause = None if deadline is None else max(0.1, deadline - time.monotonic())
        readable, _, _ = select.select(watched, [], [], pause)
        if woken in readable:
            os.read(woken, 4096)
        if 0 in readable and os.read(0, 4096) == b"":
            asked_to_stop = True
            watched = [woken]
    if not ON_LINUX:
        kill_all()
    return exit_status if exit_status is not None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

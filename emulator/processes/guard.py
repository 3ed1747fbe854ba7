"""Runs a command whose whole family of processes ends with it, with the guard, or with whoever started the guard.

Usage: guard.py GRACE_SECONDS COMMAND [ARGUMENT ...]

The guard must lead its process group, and its standard input must be a pipe that its starter holds open: when the pipe
closes (the starter asks for the end, or has died in any way) or on SIGTERM, the command gets SIGTERM. When it is gone,
everything that is left gets SIGTERM, and SIGKILL after the grace. The command comes first because a server starts
workers again that end before it. The guard exits with the command's status once nothing is left.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

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
    """Send SIGKILL to everything that is left; where descendants cannot be listed, to the group, guard included."""
    if not ON_LINUX:
        os.killpg(0, signal.SIGKILL)
    for pid in descendants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


class Watch:
    """Waits until nothing of the command is left, and brings that about once there is a reason to."""

    def __init__(self, grace: float) -> None:
        self.grace = grace
        self.asked_to_stop = False
        self.exit_status: int | None = None
        self.deadline: float | None = None
        self.told_rest = False
        self.woken, wake = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(wake, False)
        self.watched = [0, self.woken]
        # Signals wake the select below, whenever they come.
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self.note)
        signal.signal(signal.SIGTERM, self.note)

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Take note of a signal."""
        self.asked_to_stop = self.asked_to_stop or number == signal.SIGTERM

    def run(self, command_pid: int) -> int:
        """Return the command's exit status once nothing is left."""
        while True:
            status, nothing_left = reap(command_pid)
            if status is not None:
                self.exit_status = status
            if nothing_left:
                return 1 if self.exit_status is None else self.exit_status
            self.end_if_due(command_pid)
            self.wait()

    def end_if_due(self, command_pid: int) -> None:
        """Ask the command to end as soon as there is a reason, then the rest, and kill what is left after the grace."""
        if self.deadline is None and (self.asked_to_stop or self.exit_status is not None):
            self.deadline = time.monotonic() + self.grace
            if self.exit_status is None:
                os.kill(command_pid, signal.SIGTERM)
        if self.exit_status is not None and not self.told_rest:
            self.told_rest = True
            os.killpg(0, signal.SIGTERM)
        if self.deadline is not None and time.monotonic() >= self.deadline:
            kill_all()

    def wait(self) -> None:
        """Sleep until something happens or is due."""
        # Past the deadline: again every tenth of a second, for what was born meanwhile.
        pause = None if self.deadline is None else max(0.1, self.deadline - time.monotonic())
        readable, _, _ = select.select(self.watched, [], [], pause)
        if self.woken in readable:
            os.read(self.woken, 4096)
        if 0 in readable and os.read(0, 4096) == b"":
            self.asked_to_stop = True
            self.watched = [self.woken]


def main(arguments: list[str]) -> int:
    """Run the command until nothing of it is left; return its exit status."""
    grace, command = float(arguments[0]), arguments[1:]
    watch = Watch(grace)
    if ON_LINUX:
        # Orphans of the family become the guard's children, so that it knows when nothing is left.
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    status = watch.run(start(command))
    if not ON_LINUX:
        kill_all()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

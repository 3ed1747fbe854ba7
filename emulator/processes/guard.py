"""Runs a command whose whole family of processes ends with it, with the guard, or with the guard's starter.

Usage: guard.py GRACE_SECONDS COMMAND [ARGUMENT ...]

The guard must lead its process group, and its standard input must be a pipe that its starter holds open. When the pipe
closes (the starter requests the end, or has died) or on SIGTERM, the command gets SIGTERM. When the command has ended,
all remaining processes get SIGTERM, and SIGKILL after the grace. The command comes first because a server restarts
workers that end before it. The guard exits with the command's status when no process is left.
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
    """Reap ended processes; return the command's exit status, if it has ended, and True if no process is left."""
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
    """List the guard's living descendants, including those that have left its group (Linux)."""
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
    """Send SIGKILL to all remaining processes; if descendants cannot be listed, to the group, including the guard."""
    if not ON_LINUX:
        os.killpg(0, signal.SIGKILL)
    for pid in descendants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


class Watch:
    """Waits until no process of the command is left, and ends the processes when there is a reason."""

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
        # Signals wake the select below at any time.
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self.note)
        signal.signal(signal.SIGTERM, self.note)

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Record a signal."""
        self.asked_to_stop = self.asked_to_stop or number == signal.SIGTERM

    def run(self, command_pid: int) -> int:
        """Return the command's exit status when no process is left."""
        while True:
            status, nothing_left = reap(command_pid)
            if status is not None:
                self.exit_status = status
            if nothing_left:
                return 1 if self.exit_status is None else self.exit_status
            self.end_if_due(command_pid)
            self.wait()

    def end_if_due(self, command_pid: int) -> None:
        """End the command when there is a reason, then the other processes, and kill the rest after the grace."""
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
        """Sleep until an event occurs or the deadline passes."""
        # Past the deadline: repeat every tenth of a second, for processes that have started in the meantime.
        pause = None if self.deadline is None else max(0.1, self.deadline - time.monotonic())
        readable, _, _ = select.select(self.watched, [], [], pause)
        if self.woken in readable:
            os.read(self.woken, 4096)
        if 0 in readable and os.read(0, 4096) == b"":
            self.asked_to_stop = True
            self.watched = [self.woken]


def main(arguments: list[str]) -> int:
    """Run the command until no process of it is left; return its exit status."""
    grace, command = float(arguments[0]), arguments[1:]
    watch = Watch(grace)
    if ON_LINUX:
        # Orphans of the family become the guard's children, so that it knows when none is left.
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    status = watch.run(start(command))
    if not ON_LINUX:
        kill_all()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

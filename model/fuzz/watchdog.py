"""Runs the worker as a child process with a time limit for each body, and distinguishes crashes from hangs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from .answer import Answer
from .child import Serve, run_worker
from .worker import serve

_LOADING_SECONDS = 300
_DUMP_SECONDS = 5
_LOG_TAIL_BYTES = 3000


class WorkerError(Exception):
    """The worker failed on a body. The message has its exit status and the end of its log."""


class CrashError(WorkerError):
    """The worker ended during a body."""


class HangError(WorkerError):
    """The worker did not answer in time and was killed."""


class Watchdog:
    """Context manager for a worker process. Starts a new one after a crash or a hang.

    Parameters
    ----------
    limit
        Time limit for a body in seconds.
    work
        Main function of the worker. It sends a message when it is ready, then an answer for each body.
    """

    def __init__(self, limit: float, work: Serve = serve) -> None:
        self._limit = limit
        self._work = work
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-")
        self._log = Path(self._folder.name, "worker.log")
        # A forked worker would share state with its parent. A server starts its workers without shared state.
        self._processes = multiprocessing.get_context("spawn")
        self._worker: tuple[multiprocessing.process.BaseProcess, Connection] | None = None
        self.started = 0
        """Number of workers started so far."""

    def __enter__(self) -> Watchdog:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def stop(self) -> None:
        """Kill the worker. The next body starts a new one."""
        if self._worker is None:
            return
        process, connection = self._worker
        self._worker = None
        connection.close()
        process.kill()
        process.join()
        process.close()

    def send(self, body: bytes) -> Answer:
        """Send a body to the worker, and return its answer.

        Raises
        ------
        CrashError
            If the worker ended.
        HangError
            If the worker took longer than the time limit.
        """
        connection = self._connection()
        try:
            connection.send(body)
            answer = self._receive(connection, self._limit)
        except (EOFError, ConnectionError) as error:
            raise self._crash() from error
        if not isinstance(answer, Answer):
            raise TypeError(f"the worker answered with {answer!r}")
        return answer

    def _connection(self) -> Connection:
        if self._worker is None:
            ours, theirs = self._processes.Pipe()
            process = self._processes.Process(
                target=run_worker, args=(os.getpid(), self._work, theirs, str(self._log)), daemon=True
            )
            process.start()
            # Only the worker keeps this end open, so that the connection ends with the worker.
            theirs.close()
            self._worker = process, ours
            self.started += 1
            try:
                self._receive(ours, _LOADING_SECONDS)
            except (EOFError, ConnectionError) as error:
                raise self._crash() from error
        return self._worker[1]

    def _receive(self, connection: Connection, seconds: float) -> object:
        if not connection.poll(seconds):
            self._dump_stacks()
            hang = HangError(f"no answer after {seconds:g} s{self._log_tail()}")
            self.stop()
            raise hang
        answer: object = connection.recv()
        return answer

    def _dump_stacks(self) -> None:
        """Let the worker's fault handler write the stacks of its threads to the log."""
        if self._worker is not None and (pid := self._worker[0].pid) is not None:
            os.kill(pid, signal.SIGABRT)
            self._worker[0].join(_DUMP_SECONDS)

    def _crash(self) -> CrashError:
        code: int | None = None
        if self._worker is not None:
            self._worker[0].join()
            code = self._worker[0].exitcode
        crash = CrashError(f"the worker ended with {code}{self._log_tail()}")
        self.stop()
        return crash

    def _log_tail(self) -> str:
        try:
            log = self._log.read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace").strip()
        except FileNotFoundError:
            return ""
        return f":\n{log}" if log else ""

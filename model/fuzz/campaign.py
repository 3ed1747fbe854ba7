"""A fuzzing run: damaged files one after another through one worker, and a report of what went wrong."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from videos.bad import BAD
from videos.good import GOOD

from .answer import Answer
from .growth import Growth, ResourceUsage, growth_of
from .watchdog import CrashError, Watchdog, WorkerError


@dataclass(frozen=True)
class Failure:
    """A file that the handler did not live through: its number in the run, what happened, and where the file is."""

    number: int
    kind: str
    what: str
    file: str


@dataclass
class Report:
    """What a run saw.

    Attributes
    ----------
    seed
        Of the damage.
    statuses
        Files by the status that the handler answered with.
    failures
        Crashes, hangs and exceptions that are no client errors.
    slowest
        Seconds that the slowest file took.
    peak
        Bytes that the worker held at most between files.
    growth
        Of the last worker, the only one if nothing failed.
    """

    seed: int
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    slowest: float = 0
    peak: int = 0
    growth: Growth | None = None

    @property
    def faults(self) -> list[str]:
        """Everything that must not be, in words."""
        kinds = Counter(failure.kind for failure in self.failures)
        found = [f"{count} x {kind}" for kind, count in sorted(kinds.items())]
        return found + (self.growth.faults if self.growth else [])


def originals() -> list[bytes]:
    """Make the files that are damaged: the good samples, and the bad ones, which say less, a third as often."""
    with tempfile.TemporaryDirectory() as folder:
        good = [sample.write(Path(folder, sample.name)) for sample in GOOD]
        return good * 3 + [sample.write(Path(folder, sample.name)) for sample in BAD]


class Campaign:
    """One run.

    Parameters
    ----------
    seed
        Of the damage.
    watchdog
        Runs the worker.
    keep
        The folder for files that fail; made when there is one.
    progress
        Called after each file with the number of files so far.
    check
        Tells what is wrong with the answer to the file of a number; nothing if it returns an empty text.
    """

    def __init__(
        self,
        seed: int,
        watchdog: Watchdog,
        keep: Path,
        progress: Callable[[int], None],
        check: Callable[[int, Answer], str] = lambda _number, _answer: "",
    ) -> None:
        self.report = Report(seed)
        self._watchdog = watchdog
        self._keep = keep
        self._progress = progress
        self._check = check
        self._usages: list[ResourceUsage] = []

    def run(self, bodies: Iterable[bytes]) -> Report:
        """Send bodies through the worker, one after another."""
        for number, body in enumerate(bodies):
            self._send(number, body)
            self._progress(number + 1)
        if self._usages:
            self.report.growth = growth_of(self._usages)
        return self.report

    def _send(self, number: int, body: bytes) -> None:
        try:
            answer = self._watchdog.send(body)
        except WorkerError as error:
            # The next worker has a warm-up of its own.
            self._usages = []
            self._fail(number, "crash" if isinstance(error, CrashError) else "hang", str(error), body)
            return
        self.report.statuses[answer.status] += 1
        self.report.slowest = max(self.report.slowest, answer.seconds)
        self.report.peak = max(self.report.peak, answer.memory)
        self._usages.append(ResourceUsage(answer.memory, answer.files, answer.threads))
        if answer.status >= 500:
            self._fail(number, "exception", answer.trace, body)
        elif problem := self._check(number, answer):
            self._fail(number, "wrong samples", problem, body)

    def _fail(self, number: int, kind: str, what: str, body: bytes) -> None:
        self._keep.mkdir(parents=True, exist_ok=True)
        file = self._keep / f"{self.report.seed}-{number}.bin"
        file.write_bytes(body)
        self.report.failures.append(Failure(number, kind, what, str(file)))

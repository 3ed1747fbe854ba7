"""Runs the fuzzer: sends damaged files to one worker, one after another, and reports failures."""

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
    """A file that failed: its number in the run, the kind of failure, a description, and the path of the kept file."""

    number: int
    kind: str
    what: str
    file: str


@dataclass
class Report:
    """Report of a run.

    Attributes
    ----------
    seed
        Seed of the damage.
    statuses
        Number of files by HTTP status of the answer.
    failures
        Crashes, hangs, wrong samples, and exceptions that are not client errors.
    slowest
        Time of the slowest file in seconds.
    peak
        Maximum memory of the worker between files in bytes.
    growth
        Growth of the last worker, which is the only one if nothing failed.
    """

    seed: int
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    slowest: float = 0
    peak: int = 0
    growth: Growth | None = None

    @property
    def faults(self) -> list[str]:
        """Descriptions of all failures and of growth."""
        kinds = Counter(failure.kind for failure in self.failures)
        found = [f"{count} x {kind}" for kind, count in sorted(kinds.items())]
        return found + (self.growth.faults if self.growth else [])


def originals() -> list[bytes]:
    """Return the files to damage: the good samples, three times each, and the bad ones."""
    with tempfile.TemporaryDirectory() as folder:
        good = [sample.write(Path(folder, sample.name)) for sample in GOOD]
        return good * 3 + [sample.write(Path(folder, sample.name)) for sample in BAD]


class Campaign:
    """A run of the fuzzer.

    Parameters
    ----------
    seed
        Seed of the damage.
    watchdog
        Watchdog that runs the worker.
    keep
        Folder for files that fail; created with the first one.
    progress
        Called after each file with the number of files so far.
    check
        Checks the answer for the file of a number, and returns a description of the problem; empty if there is none.
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
        """Send bodies to the worker, one after another, and return the report."""
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
            # Each worker has its own warm-up.
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

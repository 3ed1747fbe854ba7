"""Detects whether a process needs more and more resources while it processes bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MAX_GROWTH_BYTES = 48 * 1024 * 1024
"""Maximum growth of a worker's memory after its warm-up in bytes, about 25 kB for each of 2,000 files."""

_WARM_UP = 0.25
_WINDOW = 0.1


@dataclass(frozen=True)
class ResourceUsage:
    """Resources of a worker after a body: memory in bytes, open files, threads."""

    memory: int
    files: int
    threads: int


@dataclass(frozen=True)
class Growth:
    """Resources of a worker after its warm-up and at its end. Each is the median over a tenth of its bodies."""

    warm: ResourceUsage
    end: ResourceUsage

    @property
    def faults(self) -> list[str]:
        """Descriptions of the resources that grew."""
        found = []
        if self.end.memory - self.warm.memory > MAX_GROWTH_BYTES:
            megabytes = (self.end.memory - self.warm.memory) / 1e6
            found.append(f"memory grew by {megabytes:.0f} MB after the warm-up")
        if self.end.files > self.warm.files:
            found.append(f"open files grew from {self.warm.files} to {self.end.files}")
        if self.end.threads > self.warm.threads:
            found.append(f"threads grew from {self.warm.threads} to {self.end.threads}")
        return found


def _middle(window: Sequence[ResourceUsage]) -> ResourceUsage:
    return ResourceUsage(
        round(median(one.memory for one in window)),
        round(median(one.files for one in window)),
        round(median(one.threads for one in window)),
    )


def growth_of(usages: Sequence[ResourceUsage]) -> Growth:
    """Compute the growth from the resources after each body of a worker, in order. At least one body is required."""
    size = max(1, round(_WINDOW * len(usages)))
    start = min(round(_WARM_UP * len(usages)), len(usages) - size)
    return Growth(_middle(usages[start : start + size]), _middle(usages[-size:]))

"""Runs steps one after another within a time limit. Each step has a deadline, and steps that do not fit are listed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .processes import OverdueError

MIN_SECONDS = 15.0
"""Minimum time for a step in seconds: the time to start a process and load a network."""


class LeftOutError(Exception):
    """A step cannot run because an earlier one did not fit. The message is the reason."""


@dataclass(frozen=True)
class Step:
    """A step of a run.

    Attributes
    ----------
    name
        Key of the result.
    seconds
        Time limit in seconds.
    run
        Runs the step with a time limit in seconds, and returns a value for JSON. Raises OverdueError at the limit.
    """

    name: str
    seconds: float
    run: Callable[[float], object]


@dataclass
class Outcome:
    """Outcome of all steps. Each step is in one of the dictionaries.

    Attributes
    ----------
    results
        Results of the steps that ended in time.
    left_out
        Reasons of the steps that did not run or did not end in time.
    failed
        Errors of the steps that failed.
    """

    results: dict[str, object] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def run_steps(steps: Sequence[Step], ends: float, clock: Callable[[], float], log: Callable[[str], None]) -> Outcome:
    """Run steps in turn. After a step that is overdue or fails, the next one runs.

    Parameters
    ----------
    steps
        Steps to run.
    ends
        Time of the clock at which the last step must have ended.
    clock
        Returns the time in seconds.
    log
        Called with a line at the start of each step, and with its result or the reason why it has none.
    """
    outcome = Outcome()
    for step in steps:
        left = ends - clock()
        if left < MIN_SECONDS:
            outcome.left_out[step.name] = f"only {max(0.0, left):.0f} s of the run's time were left"
            log(f"{step.name}: left out: {outcome.left_out[step.name]}")
            continue
        log(step.name)
        try:
            outcome.results[step.name] = step.run(min(step.seconds, left))
        except (LeftOutError, OverdueError) as reason:
            outcome.left_out[step.name] = str(reason)
            log(f"{step.name}: left out: {reason}")
        except Exception as error:
            outcome.failed[step.name] = f"{type(error).__name__}: {error}"
            log(f"{step.name}: failed: {outcome.failed[step.name]}")
        else:
            # Logged at once, so that nothing is lost if the machine stops.
            log(f"{step.name}: {json.dumps(outcome.results[step.name])}")
    return outcome

"""Runs steps one after another within a budget of time: each has a deadline, and what does not fit is listed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .processes import OverdueError

MIN_SECONDS = 15.0
"""A step is not started with less: it takes as long to start a process and load a network."""


class LeftOutError(Exception):
    """A step cannot run because an earlier one did not fit; the message is the reason."""


@dataclass(frozen=True)
class Step:
    """A piece of work.

    Attributes
    ----------
    name
        Key of its result.
    seconds
        Its deadline, from its start.
    run
        Does it, given the seconds that it has, and returns what can be written as JSON. It raises OverdueError at its
        deadline.
    """

    name: str
    seconds: float
    run: Callable[[float], object]


@dataclass
class Outcome:
    """What became of the steps: each is in one of the three.

    Attributes
    ----------
    results
        Of the steps that ended in time.
    left_out
        Why the others did not run, or did not end in time.
    failed
        Why steps failed.
    """

    results: dict[str, object] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def run_steps(steps: Sequence[Step], ends: float, clock: Callable[[], float], log: Callable[[str], None]) -> Outcome:
    """Run steps in turn; a step that is overdue or fails does not keep the others from running.

    Parameters
    ----------
    ends
        When the last one must have ended, by the clock.
    clock
        Gives seconds.
    log
        Told a line for each step that starts, and a line with its result or the reason why there is none.
    """
    outcome = Outcome()
    for step in steps:
        left = ends - clock()
        if left < MIN_SECONDS:
            outcome.left_out[step.name] = f"{max(0.0, left):.0f} s of the run's time were left"
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
            # So that nothing is lost if the machine is taken away.
            log(f"{step.name}: {json.dumps(outcome.results[step.name])}")
    return outcome

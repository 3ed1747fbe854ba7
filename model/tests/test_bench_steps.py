"""Tests of the steps of the GPU benchmark: deadlines, and the report of steps that do not fit."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench import command, compare, footage, gpu
from bench.gpu import LIMIT_SECONDS
from bench.processes import OverdueError, ProcessLimits, each_in_new_process, in_new_process
from bench.rows import rows
from bench.steps import MIN_SECONDS, LeftOutError, Outcome, Step, run_steps
from bench.usage import Usage

ROWS = [replace(row, width=320, height=180) for row in rows(1)]
LATE = "shifted"
"""Name of the row whose video is not ready in time."""


@dataclass
class Clock:
    now: float = 0

    def __call__(self) -> float:
        return self.now


def step(clock: Clock, name: str, takes: float, limit: float = 60) -> Step:
    """Return a step that takes some seconds of the clock, or stops at its limit."""

    def run(seconds: float) -> float:
        clock.now += min(takes, seconds)
        if takes > seconds:
            raise OverdueError(f"stopped after {seconds:.0f} s")
        return takes

    return Step(name, limit, run)


def failing(error: Exception) -> Callable[[float], object]:
    def run(_seconds: float) -> object:
        raise error

    return run


def test_each_step_has_a_deadline_and_other_outcomes_are_reported() -> None:
    clock = Clock()
    lines: list[str] = []
    steps = [
        step(clock, "fast", 20),
        step(clock, "hangs", 1000),
        Step("broken", 60, failing(RuntimeError("CUDA out of memory"))),
        Step("needs hangs", 60, failing(LeftOutError("hangs has no result"))),
        step(clock, "until the end", 1000),
        step(clock, "too late", 1),
    ]
    outcome = run_steps(steps, 110, clock, lines.append)
    assert clock.now == 110
    assert outcome == Outcome(
        results={"fast": 20},
        left_out={
            "hangs": "stopped after 60 s",
            "needs hangs": "hangs has no result",
            "until the end": "stopped after 30 s",
            "too late": "only 0 s of the run's time were left",
        },
        failed={"broken": "RuntimeError: CUDA out of memory"},
    )
    assert lines == [
        "fast",
        "fast: 20",
        "hangs",
        "hangs: left out: stopped after 60 s",
        "broken",
        "broken: failed: RuntimeError: CUDA out of memory",
        "needs hangs",
        "needs hangs: left out: hangs has no result",
        "until the end",
        "until the end: left out: stopped after 30 s",
        "too late: left out: only 0 s of the run's time were left",
    ]


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(1, 300)), max_size=30), st.floats(0, 600))
def test_steps_of_any_length_end_within_the_time_limit(steps: list[tuple[float, float]], budget: float) -> None:
    clock = Clock(1e6)
    named = [step(clock, str(number), takes, limit) for number, (takes, limit) in enumerate(steps)]
    outcome = run_steps(named, 1e6 + budget, clock, lambda _line: None)
    assert clock.now <= 1e6 + budget + 1e-6
    assert outcome.results.keys() | outcome.left_out.keys() == {one.name for one in named}
    assert not outcome.results.keys() & outcome.left_out.keys()
    if clock.now <= 1e6 + budget - MIN_SECONDS:
        # No step is left out for lack of time if there is enough.
        assert all(reason.startswith("stopped after") for reason in outcome.left_out.values())


def test_an_overdue_process_is_killed() -> None:
    started = time.monotonic()
    with pytest.raises(OverdueError, match="stopped after 1 s"):
        in_new_process(ProcessLimits(seconds=1), time.sleep, 600)
    assert each_in_new_process(ProcessLimits(seconds=1), time.sleep, [600, 600]) == [None, None]
    assert time.monotonic() - started < 300
    assert multiprocessing.active_children() == []


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clock:
    """Replace the steps that need a GPU by ones that take the time of a slow GPU. Videos are generated."""
    clock = Clock()
    monkeypatch.setattr(footage, "FOLDER", tmp_path)

    def as_fast_as_half_its_share(limits: ProcessLimits, *_arguments: object, **_options: object) -> float:
        assert limits.cores == gpu.CORES
        clock.now += limits.seconds / 2
        return limits.seconds

    def answered(limits: ProcessLimits, *_arguments: object) -> Usage:
        clock.now += limits.seconds / 2
        return Usage(1, 1, 1, 1)

    def made(
        limits: ProcessLimits, function: Callable[[footage.Footage], Path], items: list[footage.Footage]
    ) -> list[Path | None]:
        clock.now += limits.seconds / 2
        return [function(item) if item.name != LATE else None for item in items]

    monkeypatch.setattr(gpu, "in_new_process", as_fast_as_half_its_share)
    monkeypatch.setattr(gpu, "each_in_new_process", made)
    monkeypatch.setattr(compare, "in_new_process", answered)
    return clock


def test_the_whole_run_ends_in_time_and_lists_missing_steps(measured: Clock, tmp_path: Path) -> None:
    lines: list[str] = []
    report = gpu.measure(ROWS, tmp_path, lines.append, measured)
    assert measured.now <= LIMIT_SECONDS <= 600 - 30
    steps, left_out = report["gpu_steps"], report["left_out"]
    assert isinstance(steps, dict)
    assert isinstance(left_out, dict)
    assert report["failed"] == {}
    names = {
        "videos",
        "float16 by batch",
        "float32 by batch",
        "share_busy",
        *(f"{what} {row.name}" for row in ROWS for what in ("end_to_end_ratio", "nvdec", "processor")),
    }
    assert steps.keys() | left_out.keys() == names
    assert list(steps)[:5] == [
        "videos",
        "end_to_end_ratio aligned",
        "float16 by batch",
        "float32 by batch",
        "share_busy",
    ]
    assert set(steps["videos"]) == {row.name for row in ROWS} - {LATE}
    missing = "its video was not ready in time: run the benchmark again, it keeps finished videos"
    assert left_out[f"end_to_end_ratio {LATE}"] == missing
    assert any(reason.endswith("of the run's time were left") for reason in left_out.values())
    assert report["gpu_end_to_end_ratio_geomean"] == 1
    for name, reason in left_out.items():
        assert f"{name}: left out: {reason}" in lines


def test_a_failed_step_is_reported_with_exit_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report: dict[str, object] = {"gpu_steps": {"videos": {}}, "failed": {"share_busy": "RuntimeError: no GPU"}}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu, "measure", lambda *_arguments: report)
    assert command.main(["--gpu", "--json"]) == 1
    assert "RuntimeError: no GPU" in capsys.readouterr().out
    report["failed"] = {}
    assert command.main(["--gpu", "--json"]) == 0

"""Tests of the deadline: a worker answers in time with the frames processed so far."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import inference
from tests.handler import Context
from tests.s3_server import serve_s3
from video_inference import network, s3_source
from video_inference.allowed_sources import AllowedSources
from video_inference.damage import Truncation
from video_inference.deadline import receiving_seconds, seconds_to_answer
from video_inference.plan import NoPlanError
from video_inference.request import REQUEST_TYPE
from video_inference.result import Writer
from video_inference.s3_source import S3, S3Source
from video_inference.track import Track
from video_inference.video import Video

MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("limit", "mebibytes", "seconds"),
    [
        (900, 0, 810),
        (60, 0, 50),
        (100, 0, 90),
        (20, 0, 10),
        (10, 0, 5),
        (3600, 0, 3240),
        (900, 64, 805.26),
        (900, 512, 716.68),
        (900, 1024, 436.71),
        (1, 0, 1),
        (2, 0, 1),
        (60, 1024, 1),
    ],
)
def test_the_remaining_time_is_the_limit_minus_receiving_time_and_margin(
    limit: int, mebibytes: int, seconds: float
) -> None:
    assert seconds_to_answer(limit, mebibytes * MEBIBYTE) == pytest.approx(seconds, abs=0.01)


@given(st.integers(1, 3600), st.integers(0, 1024 * MEBIBYTE))
def test_the_remaining_time_is_at_least_a_second_and_at_most_the_limit(limit: int, body_bytes: int) -> None:
    assert 1 <= seconds_to_answer(limit, body_bytes) <= limit


@pytest.mark.parametrize(("mebibytes", "measured"), [(64, 4.2), (128, 9.3), (256, 15.5), (512, 93), (1024, 366)])
def test_the_estimate_of_receiving_time_fits_the_measurements(mebibytes: int, measured: float) -> None:
    assert 0.95 <= receiving_seconds(mebibytes * MEBIBYTE) / measured <= 1.55


class Clock:
    """Replacement of time.monotonic that a test advances, so that no test depends on the machine's speed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._start = time.monotonic()
        self.passed = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self._start + self.passed)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def answered(model: inference.Model, body: bytes, attributes: str) -> tuple[int, dict[str, Any]]:
    context = Context({"X-Amzn-SageMaker-Custom-Attributes": attributes})
    answer, _ = inference.transform_fn(model, body, "video/mp4", "*/*", context)
    return context.status[0], json.loads(answer)


SLOW_SECONDS = 20


def slow_down(monkeypatch: pytest.MonkeyPatch, clock: Clock, owner: type[object], method: str, after: int = 0) -> None:
    """Make each call of a method take `SLOW_SECONDS`, except the first `after` calls."""
    original: Callable[..., object] = getattr(owner, method)
    calls = 0

    def slow(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        result = original(*arguments, **options)
        if calls > after:
            clock.passed += SLOW_SECONDS
        return result

    monkeypatch.setattr(owner, method, slow)


def test_slow_inference_ends_at_the_deadline_with_the_processed_frames(
    model: inference.Model, street: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    slow_down(monkeypatch, clock, network.Network, "find")
    status, result = answered(model, street.read_bytes(), "timeout=60")
    # 50 seconds are left. The third frame ends at 60 seconds.
    assert (status, result["truncated"]) == (200, True)
    assert [frame["timestamp"] for frame in result["frames"]] == [0.0, 1.0, 2.0]


def test_slow_writing_ends_at_the_deadline_with_the_processed_frames(
    model: inference.Model, street: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    slow_down(monkeypatch, clock, Writer, "add")
    status, result = answered(model, street.read_bytes(), "timeout=60;encoding=identity")
    assert (status, result["truncated"]) == (200, True)
    assert [frame["timestamp"] for frame in result["frames"]] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("plan", [True, False], ids=["by plan", "every frame"])
def test_slow_decoding_ends_at_the_deadline_with_the_decoded_frames(
    street: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, *, plan: bool
) -> None:
    if not plan:
        monkeypatch.setattr(Track, "scan", _no_plan)
    with Video(street.read_bytes()) as video:
        samples = video.samples(Fraction(1), time.monotonic() + 50)
        found = [float(next(samples).timestamp), float(next(samples).timestamp)]
        slow_down(monkeypatch, clock, Track, "decode")
        found += [float(sample.timestamp) for sample in samples]
        assert video.truncation == Truncation("deadline", Fraction(found[-1]))
    assert found[:2] == [0.0, 1.0]
    assert len(found) < 12


def _no_plan(_track: Track) -> None:
    raise NoPlanError("no plan in this test")


def test_a_request_with_slow_decoding_is_answered_with_the_processed_frames(
    model: inference.Model, street: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    slow_down(monkeypatch, clock, Track, "decode", after=40)
    status, result = answered(model, street.read_bytes(), "timeout=60")
    assert (status, result["truncated"]) == (200, True)
    assert 0 < len(result["frames"]) < 12


def test_a_deadline_before_the_first_frame_is_a_client_error(
    model: inference.Model, street: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    slow_down(monkeypatch, clock, Track, "decode")
    status, answer = answered(model, street.read_bytes(), "timeout=20")
    assert status == 400
    assert answer["error"] == (
        "No frame was processed within the invocation's time limit of 20 s: "
        "set a longer timeout, or send a smaller video."
    )


@pytest.mark.parametrize("requests", [0, 1, 2])
def test_a_slow_s3_while_a_video_is_opened_ends_at_the_deadline(
    model: inference.Model, street: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, requests: int
) -> None:
    for name, value in {"DEFAULT_REGION": "us-east-1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(s3_source, "BLOCK", 4096)
    with serve_s3() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
        fake.objects["videos/street.mp4"] = street.read_bytes()
        reading = replace(model, s3=S3(AllowedSources((("videos", ""),))))
        slow_down(monkeypatch, clock, S3Source, "_requested", after=requests)
        request = {"video": "s3://videos/street.mp4", "etag": fake.etag("videos/street.mp4")}
        context = Context({"X-Amzn-SageMaker-Custom-Attributes": "timeout=20"})
        answer, _ = inference.transform_fn(reading, json.dumps(request).encode(), REQUEST_TYPE, "*/*", context)
        assert (context.status[0], len(fake.ranges)) == (400, requests + 1)
    assert json.loads(answer)["error"].startswith("No frame was processed within the invocation's time limit of 20 s")


def test_the_environment_sets_the_default_deadline(
    model_dir: Path, street: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setenv("INVOCATION_TIMEOUT", "60")
    model = inference.model_fn(str(model_dir))
    slow_down(monkeypatch, clock, network.Network, "find")
    _, result = answered(model, street.read_bytes(), "fps=1")
    assert (len(result["frames"]), result["truncated"]) == (3, True)


def test_a_video_that_is_processed_in_time_is_not_truncated(model: inference.Model, street: Path) -> None:
    status, result = answered(model, street.read_bytes(), "timeout=900")
    assert (status, len(result["frames"]), result["truncated"]) == (200, 12, False)

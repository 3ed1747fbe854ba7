"""Tests of the handler: requests that point to a video in S3."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import inference
from tests.handler import REQUEST_TYPE, SCHEMA, Context, point, without_times
from tests.s3_server import FakeS3
from video_inference import s3_source


def test_a_request_that_points_to_a_video_has_the_result_of_the_video(
    with_s3: tuple[inference.Model, FakeS3], street_result: str
) -> None:
    model, fake = with_s3
    status, result = point(model, fake)
    assert status == 200
    jsonschema.validate(result, SCHEMA)
    assert without_times(result) == without_times(json.loads(street_result))


def test_parts_have_the_same_frames_as_the_video(with_s3: tuple[inference.Model, FakeS3], street_result: str) -> None:
    model, fake = with_s3
    whole = json.loads(street_result)
    frames = []
    for part in ({"from": 0, "to": 2.9}, {"from": 2.9, "to": 7}, {"from": 7, "to": None}):
        status, result = point(model, fake, changes=part)
        assert status == 200
        jsonschema.validate(result, SCHEMA)
        assert (result["part"], result["video"]) == (part, whole["video"])
        frames += result["frames"]
    # On a CPU, batches have one frame, so the detections are equal to the last digit.
    assert frames == whole["frames"]


@pytest.mark.parametrize("part", [{"from": 2.1, "to": 2.9}, {"from": 600, "to": 900}, {"from": 600, "to": None}])
def test_a_part_without_samples_has_a_result(
    with_s3: tuple[inference.Model, FakeS3], street_result: str, part: dict[str, float | None]
) -> None:
    model, fake = with_s3
    status, result = point(model, fake, changes=part)
    assert status == 200
    jsonschema.validate(result, SCHEMA)
    assert (result["part"], result["frames"], result["truncated"]) == (part, [], False)
    assert result["video"] == json.loads(street_result)["video"]


def test_a_request_object_and_the_attributes_have_options(with_s3: tuple[inference.Model, FakeS3]) -> None:
    model, fake = with_s3
    _, result = point(model, fake, "score=0.25", {"options": {"fps": 0.5}})
    assert (result["sampling"]["fps"], result["sampling"]["score_threshold"]) == (0.5, 0.25)
    status, refusal = point(model, fake, "fps=1", {"options": {"fps": 0.5}})
    assert (status, "fps is given twice" in refusal["error"]) == (400, True)


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"video": "s3://videos/models/model.tar.gz"}, 403, "may not read s3://videos/models/model.tar.gz"),
        ({"etag": '"other"'}, 409, "does not have the ETag"),
        ({"video": "s3://videos/input/none.mp4"}, 404, "There is no object"),
        ({"from": 300, "to": 300}, 400, "ends before it starts"),
        ({"unknown": 1}, 400, "has another form"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused(
    with_s3: tuple[inference.Model, FakeS3], changes: dict[str, Any], status: int, reason: str
) -> None:
    model, fake = with_s3
    refused, answer = point(model, fake, changes=changes)
    assert (refused, answer["code"]) == (status, status)
    assert reason in answer["error"]


def test_a_failure_of_s3_while_the_video_is_read_is_neither_a_result_nor_an_error_of_the_caller(
    with_s3: tuple[inference.Model, FakeS3], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, fake = with_s3
    monkeypatch.setattr(s3_source, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(s3_source, "BLOCK", 16 * 1024)
    # The first block arrives.
    fake.faults[:] = [None, *[(503, "SlowDown")] * 100]
    status, answer = point(model, fake)
    assert (status, answer["error"]) == (503, "The video cannot be read from S3 at the moment: try again.")


def test_an_endpoint_without_sources_refuses_a_request_that_points_to_a_video(
    with_s3: tuple[inference.Model, FakeS3],
) -> None:
    model, fake = with_s3
    status, answer = point(replace(model, s3=None), fake)
    assert (status, "ALLOWED_SOURCES is not set" in answer["error"]) == (403, True)


def test_a_body_that_a_server_has_parsed_is_told_the_right_type(model: inference.Model) -> None:
    context = Context()
    answer, _ = inference.transform_fn(model, {"video": "s3://videos/a.mp4"}, "application/json", "*/*", context)
    assert context.status[0] == 415
    assert REQUEST_TYPE in json.loads(answer)["error"]


def test_the_settings_give_a_worker_access_to_s3(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("ALLOWED_SOURCES", "s3://videos/input/")
    loaded = inference.model_fn(str(model_dir))
    assert loaded.s3 is not None
    assert str(loaded.s3.allowed) == "s3://videos/input/"

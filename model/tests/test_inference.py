"""Tests of the handler: results, formats, options, and refusals of invalid requests."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

import inference
import sample
import scenes
from tests.handler import SCHEMA, Context, invoke, without_times
from video_inference import mask_runs
from video_inference.errors import NotAVideoError
from videos.boxes import turned
from videos.pictures import numbered
from videos.times import regular
from videos.writer import write, write_numbered, write_sound


def test_a_refused_request_is_logged_in_one_line_without_its_body(
    model: inference.Model, caplog: pytest.LogCaptureFixture
) -> None:
    context = Context({"X-Amzn-SageMaker-Inference-Id": "video-1\nERROR forged"})
    answer, _ = inference.transform_fn(model, b"secret body", "video/mp4", "*/*", context)
    reason = json.loads(answer)["error"]
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == f"Refused request 'video-1\\nERROR forged' with status 400: {reason}"
    assert "secret body" not in caplog.text


def test_a_refused_request_without_an_inference_id_is_logged_too(
    model: inference.Model, caplog: pytest.LogCaptureFixture
) -> None:
    invoke(model, None)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "without an inference id" in caplog.text


def test_the_result_matches_the_schema(street_result: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(street_result))


def test_the_result_describes_the_sample_video(street_result: str) -> None:
    result = json.loads(street_result)
    assert result["video"] == {
        "width": 640,
        "height": 360,
        "duration": 12.0,
        "rotation": 0,
        "codec": "h264",
        "track": 0,
        "start": 0.0,
        "transfer": None,
        "time_base": "1/12800",
    }
    assert result["part"] == {"from": 0, "to": None}
    assert [(frame["k"], frame["pts"]) for frame in result["frames"]] == [(k, 12_800 * k) for k in range(12)]
    assert result["notice"] == "The model knows generated scenes only."
    assert [frame["timestamp"] for frame in result["frames"]] == [float(second) for second in range(12)]
    assert [frame["index"] for frame in result["frames"]] == [25 * second for second in range(12)]
    assert result["sampling"] == {"fps": 1.0, "score_threshold": 0.5, "masks": "none", "max_side": None}
    assert {frame["sampled"] for frame in result["frames"]} == {"exact"}
    assert not result["truncated"]
    assert result["truncation"] is None
    assert result["damage"] == {"packets": 0, "gaps": []}


def test_the_boxes_match_the_objects_of_the_sample_video(street_result: str) -> None:
    objects = found = detections = 0
    for frame in json.loads(street_result)["frames"]:
        truths = sample.ground_truth(frame["timestamp"])
        detections += len(frame["detections"])
        objects += len(truths)
        for truth in truths:
            boxes = [one["box"] for one in frame["detections"] if one["label_id"] == truth.label_id]
            if boxes and box_iou(torch.tensor(boxes), torch.tensor([truth.box])).max() >= 0.5:
                found += 1
    assert objects > 50
    assert found >= 0.95 * objects
    assert detections <= 1.1 * objects


def test_boxes_of_a_rotated_video_are_in_displayed_pixels(model: inference.Model, tmp_path: Path) -> None:
    upright = np.asarray(scenes.compose(sample.backdrop(), sample.objects_at(6.0))[0])
    stored = np.ascontiguousarray(np.rot90(upright))
    status, result = invoke(model, turned(write(tmp_path / "turned.mp4", [stored] * 3, regular(3, 25)), 90))
    assert status == 200
    assert (result["video"]["width"], result["video"]["height"], result["video"]["rotation"]) == (640, 360, 90)
    car = max(truth.box for truth in sample.ground_truth(6.0) if truth.label_id == 3)
    boxes = torch.tensor([one["box"] for one in result["frames"][0]["detections"] if one["label"] == "car"])
    assert box_iou(boxes, torch.tensor([car])).max() >= 0.7


@pytest.mark.parametrize("body", [b"", None, b"not a video", "text that a toolkit decoded"])
def test_a_body_that_is_not_a_video_is_a_client_error_of_one_line(
    model: inference.Model, body: bytes | str | None
) -> None:
    status, answer = invoke(model, body)
    assert status == 400
    assert list(answer) == ["error", "code"]
    assert len(answer["error"].splitlines()) == 1
    assert "Traceback" not in answer["error"]


def test_a_file_with_only_sound_is_a_client_error(model: inference.Model, tmp_path: Path) -> None:
    status, answer = invoke(model, write_sound(tmp_path / "sound.mp4"))
    assert (status, answer) == (
        400,
        {"error": "The body holds no video track: send a file with moving pictures.", "code": 400},
    )


def test_a_truncated_video_gets_its_frames(model: inference.Model, street: Path) -> None:
    body = street.read_bytes()
    status, answer = invoke(model, body[: len(body) // 2])
    assert status == 200
    assert answer["truncated"]
    assert answer["truncation"]["reason"] == "end-of-data"
    assert 0 < len(answer["frames"]) < 12
    assert answer["frames"][-1]["timestamp"] <= answer["truncation"]["until"] < 12


def test_the_next_good_video_is_served_after_a_bad_one_and_no_thread_is_left(
    model: inference.Model, tmp_path: Path
) -> None:
    good = write_numbered(tmp_path / "video.mp4", regular(30, 25))
    statuses = [invoke(model, body)[0] for body in (good, b"bad", good[:200], good)]
    assert statuses == [200, 400, 400, 200]
    assert "prefetcher" not in [thread.name for thread in threading.enumerate()]


def test_without_a_context_the_refusal_is_raised(model: inference.Model) -> None:
    with pytest.raises(NotAVideoError):
        inference.transform_fn(model, b"not a video", "video/mp4", "*/*")


def test_a_bytearray_is_accepted_as_body(model: inference.Model, tmp_path: Path) -> None:
    body = write(tmp_path / "video.mp4", [numbered(1)] * 3, regular(3, 25))
    answer, _ = inference.transform_fn(model, bytearray(body), "video/mp4", "*/*")
    assert len(json.loads(answer)["frames"]) == 1


def test_the_environment_sets_rate_and_threshold(
    model_dir: Path, street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMPLE_FPS", "0.5")
    monkeypatch.setenv("SCORE_THRESHOLD", "0.97")
    _, result = invoke(inference.model_fn(str(model_dir)), street.read_bytes())
    assert [frame["timestamp"] for frame in result["frames"]] == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert result["sampling"] == {"fps": 0.5, "score_threshold": 0.97, "masks": "none", "max_side": None}
    assert all(one["score"] >= 0.97 for frame in result["frames"] for one in frame["detections"])


def test_options_apply_to_one_request(model: inference.Model, street: Path, street_result: str) -> None:
    status, result = invoke(model, street.read_bytes(), "fps=0.25; score=0.9 ;max_side=64")
    assert status == 200
    assert result["sampling"] == {"fps": 0.25, "score_threshold": 0.9, "masks": "none", "max_side": 64}
    assert [frame["timestamp"] for frame in result["frames"]] == [0.0, 4.0, 8.0]
    assert all(one["score"] >= 0.9 for frame in result["frames"] for one in frame["detections"])
    _, usual = invoke(model, street.read_bytes())
    assert without_times(usual) == without_times(json.loads(street_result))


@pytest.mark.parametrize(
    "spell", [str.lower, str.upper, str.title], ids=["as HTTP/2 does", "in capitals", "as Go does"]
)
def test_headers_are_found_with_any_spelling_of_their_names(
    model: inference.Model, street: Path, spell: Callable[[str], str]
) -> None:
    headers = {"X-Amzn-SageMaker-Custom-Attributes": "fps=0.25", "Accept": "application/x-ndjson"}
    context = Context({spell(name): value for name, value in headers.items()})
    answer, content_type = inference.transform_fn(model, street.read_bytes(), "video/mp4", "application/json", context)
    assert content_type == "application/x-ndjson"
    assert len(answer.splitlines()) == 3 + 2


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=x", None),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="body"\r\n\r\nvideo\r\n--x--',
        ),
        ("application/x-www-form-urlencoded", None),
    ],
)
def test_a_form_is_refused_with_a_reason(model: inference.Model, content_type: str, body: bytes | None) -> None:
    context = Context()
    answer, _ = inference.transform_fn(model, body, content_type, "*/*", context)
    assert context.status[0] == 400
    assert json.loads(answer)["error"].startswith("The body is a form: send the video's bytes")


def test_an_unknown_option_is_a_client_error_that_lists_the_allowed_ones(model: inference.Model, street: Path) -> None:
    status, answer = invoke(model, street.read_bytes(), "frames=2")
    assert status == 400
    assert answer["error"].startswith("CustomAttributes: 'frames=2' is no option: allowed, ")
    assert len(answer["error"].splitlines()) == 1


def test_a_media_type_that_is_not_offered_is_not_acceptable(model: inference.Model, street: Path) -> None:
    status, answer = invoke(model, street.read_bytes(), accept="text/csv")
    assert status == 406
    offered = "application/json, application/x-ndjson, application/gzip"
    assert answer == {"error": f"Accept is 'text/csv': accept one of {offered}.", "code": 406}


def test_masks_lie_where_their_objects_are(model: inference.Model, street: Path) -> None:
    status, result = invoke(model, street.read_bytes(), "fps=0.25;masks=rle")
    assert status == 200
    jsonschema.Draft202012Validator(SCHEMA).validate(result)
    _, without_masks = invoke(model, street.read_bytes(), "fps=0.25")
    for frame, other in zip(result["frames"], without_masks["frames"], strict=True):
        assert len(frame["detections"]) == len(other["detections"]) > 0
        for one, same in zip(frame["detections"], other["detections"], strict=True):
            mask = one.pop("mask")
            assert one == same
            (x, y), (height, width) = mask["origin"], mask["size"]
            x1, y1, x2, y2 = one["box"]
            # The model's mask exceeds the box by one of its 28 pixels on each side.
            assert -0.04 * (x2 - x1) - 1 <= x - x1 <= 1
            assert -0.04 * (y2 - y1) - 1 <= y - y1 <= 1
            assert x + width <= result["video"]["width"]
            assert y + height <= result["video"]["height"]
            pixels = mask_runs.decode(mask_runs.RleMask((x, y), (height, width), mask["counts"]), (360, 640))
            assert 0.1 < pixels.mean() < 1


def test_lines_have_the_content_of_the_document(model: inference.Model, street: Path, street_result: str) -> None:
    answer, content_type = inference.transform_fn(model, street.read_bytes(), "video/mp4", "application/x-ndjson")
    assert content_type == "application/x-ndjson"
    assert isinstance(answer, str)
    assert answer.endswith("\n")
    lines = [json.loads(line) for line in answer.splitlines()]
    document = jsonschema.Draft202012Validator(SCHEMA)
    # The schema of a line refers to parts of the document's schema.
    validator = document.evolve(schema=SCHEMA["$defs"]["line"])
    for line in lines:
        validator.validate(line)
    assert [line["kind"] for line in lines] == ["header", *["frame"] * 12, "ending"]
    head, *frames, end = ({name: value for name, value in line.items() if name != "kind"} for line in lines)
    assert end.pop("frames") == len(frames)
    assert without_times(head | {"frames": frames} | end) == without_times(json.loads(street_result))


@pytest.mark.parametrize(
    ("accept", "attributes"),
    [
        ("application/gzip", None),
        ("*/*", "encoding=gzip"),
        ("application/json", "encoding=gzip"),
    ],
)
def test_a_document_is_compressed_on_request(
    model: inference.Model, street: Path, street_result: str, accept: str, attributes: str | None
) -> None:
    context = Context({"X-Amzn-SageMaker-Custom-Attributes": attributes} if attributes else {})
    answer, content_type = inference.transform_fn(model, street.read_bytes(), "video/mp4", accept, context)
    assert content_type == "application/gzip"
    assert isinstance(answer, bytes)
    assert len(answer) < len(street_result) / 2
    assert without_times(json.loads(gzip.decompress(answer))) == without_times(json.loads(street_result))


def test_lines_are_compressed_on_request(model: inference.Model, street: Path) -> None:
    context = Context({"X-Amzn-SageMaker-Custom-Attributes": "encoding=gzip;fps=0.25"})
    answer, content_type = inference.transform_fn(model, street.read_bytes(), None, "application/x-ndjson", context)
    assert content_type == "application/gzip"
    assert isinstance(answer, bytes)
    assert len(gzip.decompress(answer).splitlines()) == 5


def as_version_2(result: dict[str, Any]) -> dict[str, Any]:
    """Remove the members that version 3 of the schema added."""
    del result["part"], result["video"]["time_base"]
    for frame in result["frames"]:
        del frame["k"], frame["pts"]
    return result | {"schema_version": 2}


def as_version_1(result: dict[str, Any]) -> dict[str, Any]:
    """Remove the members that versions 2 and 3 of the schema added."""
    result = as_version_2(result)
    for name in ("truncation", "damage", "handler"):
        del result[name]
    for name in ("track", "start", "transfer"):
        del result["video"][name]
    for frame in result["frames"]:
        del frame["sampled"]
    return result | {"schema_version": 1}


def test_a_document_of_version_2_is_still_valid(street_result: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(as_version_2(json.loads(street_result)))


def test_a_document_of_version_1_is_still_valid(street_result: str) -> None:
    result = as_version_1(json.loads(street_result))
    del result["sampling"]["masks"], result["sampling"]["max_side"]
    jsonschema.Draft202012Validator(SCHEMA).validate(result)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("other", [1, 2, 3])
def test_a_document_has_only_the_members_of_its_version(street_result: str, version: int, other: int) -> None:
    result = json.loads(street_result)
    made = {1: as_version_1, 2: as_version_2}[other](result) if other < 3 else result
    valid = jsonschema.Draft202012Validator(SCHEMA).is_valid(made | {"schema_version": version})
    assert valid == (version == other)


def test_the_environment_limits_the_size_of_pictures(
    model_dir: Path, street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_PIXELS", "200000")
    status, answer = invoke(inference.model_fn(str(model_dir)), street.read_bytes())
    assert (status, answer["error"]) == (
        400,
        "The video's pictures have 640x360 pixels: at most 200000 in all are accepted.",
    )

"""The handler answers a video with a right result, anything else with a 4xx, and goes on serving."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import inference
import sample
import scenes
from scores import box_overlaps
from tests.conftest import ROOM
from video_inference.errors import NotAVideoError
from videos import numbered, regular, turned, write, write_numbered, write_sound


class Context:
    """What a server hands to the handler, as far as the handler uses it."""

    def __init__(self) -> None:
        self.status = (200, "OK")

    def set_response_status(self, code: int, phrase: str) -> None:
        self.status = (code, phrase)


def ask(model: inference.Model, body: bytes | str | None) -> tuple[int, dict[str, Any]]:
    context = Context()
    answer, content_type = inference.transform_fn(model, body, "video/mp4", "*/*", context)
    assert content_type == "application/json"
    return context.status[0], json.loads(answer)


def test_the_result_is_what_the_schema_says(street_result: str) -> None:
    schema = json.loads((ROOM / "result.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(street_result))


def test_the_result_describes_the_sample_video(street_result: str) -> None:
    result = json.loads(street_result)
    assert result["video"] == {"width": 640, "height": 360, "duration": 12.0, "rotation": 0, "codec": "h264"}
    assert result["notice"] == "The model knows generated scenes only."
    assert [frame["timestamp"] for frame in result["frames"]] == [float(second) for second in range(12)]
    assert [frame["index"] for frame in result["frames"]] == [25 * second for second in range(12)]
    assert result["sampling"] == {"fps": 1.0, "score_threshold": 0.5}
    assert not result["truncated"]


def test_the_boxes_are_where_the_sample_videos_objects_are(street_result: str) -> None:
    objects = found = detections = 0
    for frame in json.loads(street_result)["frames"]:
        truths = sample.truth(frame["timestamp"])
        detections += len(frame["detections"])
        objects += len(truths)
        for truth in truths:
            boxes = [one["box"] for one in frame["detections"] if one["label_id"] == truth.label_id]
            if boxes and box_overlaps(np.array(boxes), np.array([truth.box])).max() >= 0.5:
                found += 1
    assert objects > 50
    assert found >= 0.95 * objects
    assert detections <= 1.1 * objects


def test_boxes_of_a_turned_video_are_in_the_pixels_that_viewers_see(model: inference.Model, tmp_path: Path) -> None:
    upright = np.asarray(scenes.compose(sample.scenery(), sample.things(6.0))[0])
    stored = np.ascontiguousarray(np.rot90(upright))
    status, result = ask(model, turned(write(tmp_path / "turned.mp4", [stored] * 3, regular(3, 25)), 90))
    assert status == 200
    assert (result["video"]["width"], result["video"]["height"], result["video"]["rotation"]) == (640, 360, 90)
    car = max(truth.box for truth in sample.truth(6.0) if truth.label_id == 3)
    boxes = np.array([one["box"] for one in result["frames"][0]["detections"] if one["label"] == "car"])
    assert box_overlaps(boxes, np.array([car])).max() >= 0.7


@pytest.mark.parametrize("body", [b"", None, b"not a video", "text that a toolkit decoded"])
def test_what_is_no_video_is_a_client_error_of_one_line(model: inference.Model, body: bytes | str | None) -> None:
    status, answer = ask(model, body)
    assert status == 400
    assert list(answer) == ["error"]
    assert len(answer["error"].splitlines()) == 1
    assert "Traceback" not in answer["error"]


def test_sound_alone_is_a_client_error(model: inference.Model, tmp_path: Path) -> None:
    status, answer = ask(model, write_sound(tmp_path / "sound.mp4"))
    assert (status, answer) == (400, {"error": "The body holds no video track: send a file with moving pictures."})


def test_a_truncated_video_is_answered_as_far_as_it_goes(model: inference.Model, street: Path) -> None:
    body = street.read_bytes()
    status, answer = ask(model, body[: len(body) // 2])
    assert status == 200
    assert answer["truncated"]
    assert 0 < len(answer["frames"]) < 12


def test_the_next_good_video_is_served_after_a_bad_one_and_no_thread_is_left(
    model: inference.Model, tmp_path: Path
) -> None:
    good = write_numbered(tmp_path / "video.mp4", regular(30, 25))
    statuses = [ask(model, body)[0] for body in (good, b"bad", good[:200], good)]
    assert statuses == [200, 400, 400, 200]
    assert "ahead" not in [thread.name for thread in threading.enumerate()]


def test_without_a_context_the_refusal_is_raised(model: inference.Model) -> None:
    with pytest.raises(NotAVideoError):
        inference.transform_fn(model, b"not a video", "video/mp4", "*/*")


def test_a_bytearray_is_read_as_bytes_are(model: inference.Model, tmp_path: Path) -> None:
    body = write(tmp_path / "video.mp4", [numbered(1)] * 3, regular(3, 25))
    answer, _ = inference.transform_fn(model, bytearray(body), "video/mp4", "*/*")
    assert len(json.loads(answer)["frames"]) == 1


def test_the_environment_chooses_rate_and_threshold(
    model_dir: Path, street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMPLE_FPS", "0.5")
    monkeypatch.setenv("SCORE_THRESHOLD", "0.97")
    _, result = ask(inference.model_fn(str(model_dir)), street.read_bytes())
    assert [frame["timestamp"] for frame in result["frames"]] == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert result["sampling"] == {"fps": 0.5, "score_threshold": 0.97}
    assert all(one["score"] >= 0.97 for frame in result["frames"] for one in frame["detections"])

"""Tests that the parts of each sample video have the detections of the whole video."""

from __future__ import annotations

from itertools import pairwise

import pytest

import inference
from tests.handler import point
from tests.s3_server import FakeS3
from tests.test_parts import SAMPLES, random_cuts
from video_inference import windows
from videos.sample import Sample

# One of each container. The others are tested by test:model:long.
_FAST = {"rate-25.mp4", "h264.mov", "h264.mkv", "vp9.webm", "h264.ts", "fragmented.mp4"}
_OPTIONS = {"fps": 2, "score": 0.05}


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(sample, id=sample.name, marks=() if sample.name in _FAST else pytest.mark.long)
        for sample in SAMPLES
    ],
)
def test_parts_have_the_detections_of_the_whole_video(
    with_s3: tuple[inference.Model, FakeS3], sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "WINDOW_BYTES", 1 << 14)
    model, fake = with_s3
    fake.objects["videos/input/street.mp4"] = sample.body
    status, whole = point(model, fake, changes={"options": _OPTIONS})
    assert status == 200
    frames = []
    for start, end in pairwise([0.0, *map(float, random_cuts(f"{sample.name} detections")), None]):
        status, result = point(model, fake, changes={"options": _OPTIONS, "from": start, "to": end})
        assert status == 200
        frames += result["frames"]
    # On a CPU, batches have one frame, so the detections are equal to the last digit.
    assert frames == whole["frames"]
    assert any(frame["detections"] for frame in frames)

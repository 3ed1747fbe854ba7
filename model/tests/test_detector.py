"""An artifact whose parts do not fit each other is refused when it is loaded."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import inference
from video_inference.architecture import build
from video_inference.detector import CARD_FILE, WEIGHTS_FILE, ArtifactError, Detector


@pytest.fixture
def artifact(tmp_path: Path, model_dir: Path) -> Path:
    return Path(shutil.copytree(model_dir, tmp_path / "artifact"))


def change_card(artifact: Path, **fields: str) -> None:
    card = artifact / CARD_FILE
    card.write_text(json.dumps(json.loads(card.read_text("utf-8")) | fields), "utf-8")


def test_the_artifact_as_it_is_loads(artifact: Path) -> None:
    assert Detector.load(artifact).card.architecture == "maskrcnn_small"


def test_damaged_weights_are_refused(artifact: Path) -> None:
    weights = artifact / WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="SHA-256"):
        Detector.load(artifact)


def test_missing_weights_are_refused(artifact: Path) -> None:
    (artifact / WEIGHTS_FILE).unlink()
    with pytest.raises(ArtifactError, match="No such file"):
        Detector.load(artifact)


def test_weights_that_are_none_are_refused(artifact: Path) -> None:
    (artifact / WEIGHTS_FILE).write_bytes(b"weights")
    change_card(artifact, weights_sha256=hashlib.sha256(b"weights").hexdigest())
    with pytest.raises(ArtifactError, match="does not hold"):
        Detector.load(artifact)


def test_weights_of_another_network_are_refused(artifact: Path) -> None:
    change_card(artifact, architecture="maskrcnn_resnet50_fpn")
    with pytest.raises(ArtifactError, match="does not hold"):
        Detector.load(artifact)


@pytest.mark.parametrize("field", ["name", "architecture", "weights_sha256", "notice", "classes"])
def test_a_card_without_a_field_is_refused(artifact: Path, field: str) -> None:
    card = artifact / CARD_FILE
    fields = json.loads(card.read_text("utf-8"))
    del fields[field]
    card.write_text(json.dumps(fields), "utf-8")
    with pytest.raises(ArtifactError, match=field):
        Detector.load(artifact)


def test_an_unknown_architecture_is_refused(artifact: Path) -> None:
    change_card(artifact, architecture="yolo")
    with pytest.raises(ArtifactError, match="yolo"):
        Detector.load(artifact)


def test_detections_are_those_of_the_plain_model(model: inference.Model, model_dir: Path) -> None:
    plain = build("maskrcnn_small")
    plain.load_state_dict(torch.load(model_dir / WEIGHTS_FILE, weights_only=True))
    plain.eval()
    picture = np.random.default_rng(3).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = plain([torch.from_numpy(picture).permute(2, 0, 1).float() / 255])[0]
    found = model.detector.detect(picture, 0.0)
    assert [one.label_id for one in found] == expected["labels"].tolist()
    assert np.allclose([one.box for one in found] or np.zeros((0, 4)), expected["boxes"].numpy(), atol=1e-3)

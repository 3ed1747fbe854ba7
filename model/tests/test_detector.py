"""Tests of loading artifacts, and of detections against torchvision's model."""

from __future__ import annotations

import hashlib
import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torchvision.models.detection import MaskRCNN
from torchvision.ops import FrozenBatchNorm2d, box_iou

import inference
from video_inference.architecture import build
from video_inference.artifact_files import CARD_FILE, WEIGHTS_FILE
from video_inference.detector import ArtifactError, Detector
from video_inference.fuse_batchnorm import fuse_batchnorm
from video_inference.hardware import Hardware, Precision
from video_inference.mask_runs import decode
from video_inference.network import Detection, Network
from video_inference.picture import Rgb
from video_inference.video import Video


@pytest.fixture
def artifact(tmp_path: Path, model_dir: Path) -> Path:
    return Path(shutil.copytree(model_dir, tmp_path / "artifact"))


def change_card(artifact: Path, **fields: str) -> None:
    card = artifact / CARD_FILE
    card.write_text(json.dumps(json.loads(card.read_text("utf-8")) | fields), "utf-8")


def test_an_unchanged_artifact_loads(artifact: Path) -> None:
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


def test_a_file_that_is_not_weights_is_refused(artifact: Path) -> None:
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


def reference_model(model_dir: Path) -> MaskRCNN:
    reference = build("maskrcnn_small")
    reference.load_state_dict(torch.load(model_dir / WEIGHTS_FILE, weights_only=True))
    return reference.eval()


def reference_detections(reference: MaskRCNN, picture: Rgb) -> dict[str, torch.Tensor]:
    """Detect objects in a picture as torchvision's documentation shows."""
    with torch.inference_mode():
        found: dict[str, torch.Tensor] = reference([torch.from_numpy(picture).permute(2, 0, 1).float() / 255])[0]
    return found


def assert_agrees(found: list[Detection], expected: dict[str, torch.Tensor], tolerance: float = 0.02) -> None:
    assert [one.label_id for one in found] == expected["labels"].tolist()
    assert np.allclose([one.score for one in found], expected["scores"].numpy(), atol=1e-3)
    boxes = np.array([one.box for one in found]).reshape(-1, 4)
    assert np.allclose(boxes, expected["boxes"].numpy(), atol=tolerance)


@pytest.fixture(scope="module")
def frames(street: Path) -> list[Rgb]:
    with Video(street.read_bytes()) as video:
        return [sample.rgb() for sample in video.samples(Fraction(1, 2))]


def test_detections_equal_those_of_the_reference_model(
    model: inference.Model, model_dir: Path, frames: list[Rgb]
) -> None:
    reference = reference_model(model_dir)
    noise = np.random.default_rng(3).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    for picture in [*frames, noise, np.ascontiguousarray(np.rot90(frames[0]))]:
        expected = reference_detections(reference, picture)
        assert_agrees(model.detector.detect([picture], 0.0)[0], expected)
        kept = expected["scores"] >= 0.5
        assert_agrees(model.detector.detect([picture], 0.5)[0], {name: one[kept] for name, one in expected.items()})


def test_masks_equal_those_of_the_reference_model(model: inference.Model, model_dir: Path, frames: list[Rgb]) -> None:
    reference = reference_model(model_dir)
    for picture in frames[:3]:
        expected = reference_detections(reference, picture)
        found = model.detector.detect([picture], 0.0, masks=True)[0]
        assert_agrees(found, expected)
        for one, probabilities in zip(found, expected["masks"], strict=True):
            assert one.mask is not None
            (x, y), (height, width) = one.mask.origin, one.mask.size
            whole = np.zeros(picture.shape[:2], dtype=np.bool_)
            whole[y : y + height, x : x + width] = decode(one.mask, (picture.shape[0], picture.shape[1]))
            # Rounding may change a pixel at the threshold, or move a box by a pixel.
            assert np.mean(whole != (probabilities[0].numpy() > 0.5)) < 1e-3


def test_a_batch_gives_the_same_detections_as_single_pictures(model: inference.Model, frames: list[Rgb]) -> None:
    together = model.detector.detect(frames, 0.3)
    for single, one in zip((model.detector.detect([frame], 0.3)[0] for frame in frames), together, strict=True):
        assert [found.label for found in single] == [found.label for found in one]
        assert np.allclose([found.box for found in single], [found.box for found in one], atol=0.02)


def test_max_side_reduces_the_input_of_the_model(model: inference.Model, model_dir: Path, frames: list[Rgb]) -> None:
    reference = reference_model(model_dir)
    reference.transform.max_size = 160
    assert_agrees(model.detector.detect([frames[2]], 0.0, max_side=160)[0], reference_detections(reference, frames[2]))
    unbounded = model.detector.detect([frames[2]], 0.3)
    assert model.detector.detect([frames[2]], 0.3, max_side=8192) == unbounded


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (16, 4000)])
def test_thin_and_tiny_pictures_are_processed(model: inference.Model, size: tuple[int, int]) -> None:
    picture = np.zeros((*size, 3), dtype=np.uint8)
    for found in model.detector.detect([picture], 0.0, masks=True)[0]:
        assert 0 <= found.box[0] <= found.box[2] <= size[1]


def test_fusing_does_not_change_the_features_of_the_coco_size_network() -> None:
    torch.manual_seed(1)
    reference = build("maskrcnn_resnet50_fpn").eval()
    for module in reference.modules():
        if isinstance(module, FrozenBatchNorm2d):
            # Realistic values after training, so that an error of the fusion changes the features.
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
            module.bias.uniform_(-0.1, 0.1)
    pixels = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        expected = reference.backbone(pixels)
        fuse_batchnorm(reference.backbone)
        folded = reference.backbone(pixels)
    assert not any(isinstance(module, FrozenBatchNorm2d) for module in reference.modules())
    assert expected.keys() == folded.keys()
    for name, level in expected.items():
        assert torch.allclose(level, folded[name], rtol=1e-3, atol=1e-3 * float(level.abs().max()))


def test_half_precision_does_not_move_boxes(model_dir: Path, frames: list[Rgb]) -> None:
    # A CPU without units for half precision is slow, but computes the same results.
    single, half = (
        Network(reference_model(model_dir), Hardware("cpu", precision, 8)) for precision in get_args(Precision)
    )
    expected = single.find(frames, 0.5, masks=False, max_side=None)
    for one, other in zip(half.find(frames, 0.5, masks=True, max_side=None), expected, strict=True):
        assert [each.label_id for each in one] == [each.label_id for each in other]
        assert np.allclose([each.score for each in one], [each.score for each in other], atol=0.01)
        assert np.abs(np.array([each.box for each in one]) - np.array([each.box for each in other])).max() < 0.1
        assert all(each.mask is not None for each in one)


def test_a_gpu_is_used_if_there_is_one(model: inference.Model, model_dir: Path) -> None:
    assert model.detector.hardware.device == ("cuda" if torch.cuda.is_available() else "cpu")
    if not torch.cuda.is_available():
        assert (model.detector.hardware.precision, model.detector.hardware.batch) == ("float32", 1)
        pytest.skip("half precision and batches need a GPU, and this machine has none")
    assert model.detector.hardware.precision == "float16"
    assert model.detector.hardware.batch > 1
    picture = np.random.default_rng(3).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    expected = reference_detections(reference_model(model_dir), picture)
    sure = expected["scores"] >= 0.7
    found = model.detector.detect([picture] * 3, 0.6)
    for one in found:
        boxes = torch.tensor([each.box for each in one]).reshape(-1, 4)
        assert (box_iou(boxes, expected["boxes"][sure]).amax(dim=0) >= 0.9).all()

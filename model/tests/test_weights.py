"""Weights are found, fitted to the networks that the handler builds, and refused with a reason."""

from __future__ import annotations

import functools
import hashlib
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d

from artifact import weights
from artifact.errors import PackageError
from artifact.weights import SMALL, Weights, find_weights
from video_inference.architecture import build

_OLD_NAMES = (
    (r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.0\.", r"\1."),
    (r"^(rpn\.head\.conv)\.0\.0\.", r"\1."),
    (r"^(roi_heads\.mask_head)\.0\.0\.", r"\1.mask_fcn1."),
    (r"^(roi_heads\.mask_head)\.1\.0\.", r"\1.mask_fcn2."),
    (r"^(roi_heads\.mask_head)\.2\.0\.", r"\1.mask_fcn3."),
    (r"^(roi_heads\.mask_head)\.3\.0\.", r"\1.mask_fcn4."),
)


def _with_old_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name weights as torchvision did when it published those for COCO."""
    return {_old_name(name): value for name, value in state.items()}


def _old_name(name: str) -> str:
    for pattern, old in _OLD_NAMES:
        name, count = re.subn(pattern, old, name)
        if count > 0:
            break
    return name


@pytest.fixture(scope="module")
def published() -> MaskRCNN:
    """A network as torchvision makes it for its published weights, which are random here."""
    torch.manual_seed(1)
    frozen = functools.partial(FrozenBatchNorm2d, eps=0.0)
    backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=frozen)
    model = MaskRCNN(backbone, num_classes=91).eval()
    for layer in model.modules():
        if isinstance(layer, FrozenBatchNorm2d):
            # So small that an epsilon of 1e-5 would show, and with a scale of one.
            layer.running_var.uniform_(1e-5, 3e-5)
            layer.weight.copy_(layer.running_var.sqrt())
    return model


def _features(model: MaskRCNN) -> Tensor:
    with torch.inference_mode():
        levels: dict[str, Tensor] = model.backbone(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2)))
    return torch.cat([level.flatten() for level in levels.values()])


def _loaded(found: Weights) -> MaskRCNN:
    model = build(found.architecture)
    model.load_state_dict(torch.load(io.BytesIO(found.data), weights_only=True))
    return model.eval()


def test_the_published_coco_weights_compute_what_torchvisions_own_network_does(
    published: MaskRCNN, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hub(url: str, **_: object) -> dict[str, Tensor]:
        assert url.endswith("maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth")
        return _with_old_names(published.state_dict())

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", hub)
    found = find_weights("coco")
    assert found.architecture == "maskrcnn_resnet50_fpn"
    assert "COCO 2017" in found.licence
    assert torch.allclose(_features(_loaded(found)), _features(published), rtol=1e-3, atol=1e-4)


def test_the_published_file_is_known_by_its_hash(
    published: MaskRCNN, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "downloaded.pth"
    torch.save(_with_old_names(published.state_dict()), path)

    class Source:
        url = f"https://example.org/maskrcnn-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"

    monkeypatch.setattr(weights, "_COCO", Source)
    found = find_weights(str(path))
    path.unlink()
    assert found.name == "Mask R-CNN ResNet-50 FPN, COCO"
    assert torch.allclose(_features(_loaded(found)), _features(published), rtol=1e-3, atol=1e-4)


def test_a_hub_that_cannot_be_reached_is_one_message_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    with pytest.raises(PackageError) as refusal:
        find_weights("coco")
    message = str(refusal.value)
    assert message.startswith("The COCO weights cannot be fetched from https://download.pytorch.org/")
    assert "no route to host" in message
    assert message.endswith("Fetch that file elsewhere and give it as --weights FILE, or use --weights small.")
    assert "\n" not in message


def test_a_files_bytes_travel_as_they_are(tmp_path: Path) -> None:
    mine = tmp_path / "mine.pt"
    mine.write_bytes(SMALL.read_bytes())
    found = find_weights(str(mine), "CC0-1.0")
    assert found.data == mine.read_bytes()
    assert (found.architecture, found.name, found.licence) == ("maskrcnn_small", "mine", "CC0-1.0")
    assert find_weights(str(mine)).licence == "not stated by who packaged the weights"


def test_weights_with_torchvisions_older_names_are_fitted(tmp_path: Path) -> None:
    state: dict[str, Any] = torch.load(SMALL, weights_only=True)
    old = tmp_path / "old.pt"
    torch.save(_with_old_names(state), old)
    found = find_weights(str(old))
    fitted = _loaded(found).state_dict()
    assert all(torch.equal(fitted[name].half(), value.half()) for name, value in state.items())


def test_weights_of_the_coco_size_network_are_recognised(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    with torch.device("meta"):
        empty = build("maskrcnn_resnet50_fpn").state_dict()
    torch.save({name: torch.zeros(()).expand(value.shape) for name, value in empty.items()}, path)
    assert find_weights(str(path)).architecture == "maskrcnn_resnet50_fpn"


@pytest.mark.parametrize("content", ["notes", {"layer": 3}, [1, 2]])
def test_a_file_that_is_no_state_dictionary_is_refused(content: object, tmp_path: Path) -> None:
    path = tmp_path / "notes.pt"
    if isinstance(content, str):
        path.write_text(content)
    else:
        torch.save(content, path)
    with pytest.raises(PackageError, match=r"notes\.pt is not a state dictionary"):
        find_weights(str(path))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"layer": torch.zeros(3)}, path)
    with pytest.raises(PackageError, match="another network"):
        find_weights(str(path))


def test_weights_that_are_not_those_of_their_card_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.pt").write_bytes(SMALL.read_bytes() + b"x")
    (tmp_path / "small.json").write_text(SMALL.with_suffix(".json").read_text())
    monkeypatch.setattr(weights, "SMALL", tmp_path / "small.pt")
    with pytest.raises(PackageError, match="not the file that its card describes"):
        find_weights("small")

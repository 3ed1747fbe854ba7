"""Tests of the weights for an artifact: the small model's, COCO's, and those of files."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN, MaskRCNN_ResNet50_FPN_Weights
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d

import package
from artifact import download, state_dicts, weights
from artifact.download import PublishedFile
from artifact.errors import PackageError
from artifact.weights import SMALL, Weights, find_weights
from tests.https_server import make_certificate, send, serve, trust
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
    """Rename weights as torchvision named them when it published the COCO weights."""
    return {_old_name(name): value for name, value in state.items()}


def _old_name(name: str) -> str:
    for pattern, old in _OLD_NAMES:
        name, count = re.subn(pattern, old, name)
        if count > 0:
            break
    return name


@pytest.fixture(scope="module")
def published() -> MaskRCNN:
    """Network for torchvision's published weights, with random weights instead."""
    torch.manual_seed(1)
    frozen = functools.partial(FrozenBatchNorm2d, eps=0.0)
    backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=frozen)
    model = MaskRCNN(backbone, num_classes=91).eval()
    for layer in model.modules():
        if isinstance(layer, FrozenBatchNorm2d):
            # So small that an epsilon of 1e-5 has an effect, with a total scale of one.
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


class _Evil:
    """Object that creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def _evil(path: Path) -> bytes:
    """Return a file in torch's format of 2019 that creates a folder when it is unpickled."""
    buffer = io.BytesIO()
    torch.save({"backbone": _Evil(path)}, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def publish(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], list[str]]]:
    """Function that serves a file with the published name, and returns the list of the requests' paths."""
    trust(certificate[0], monkeypatch)
    with ExitStack() as servers:

        def start(data: bytes) -> list[str]:
            requests: list[str] = []

            def answer(handler: BaseHTTPRequestHandler) -> None:
                requests.append(handler.path)
                send(handler, data)

            url = servers.enter_context(serve(answer, certificate))
            name = state_dicts._COCO.name
            file = PublishedFile(f"{url}/models/{name}", hashlib.sha256(data).hexdigest(), len(data) + 1)
            monkeypatch.setattr(state_dicts, "_COCO", file)
            return requests

        yield start


def _published_file(model: MaskRCNN) -> bytes:
    """Return a file like the published one: in torch's format of 2019, with the names of that time."""
    buffer = io.BytesIO()
    torch.save(_with_old_names(model.state_dict()), buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def test_the_published_coco_weights_give_the_features_of_torchvisions_network(
    published: MaskRCNN, publish: Callable[[bytes], list[str]], tmp_path: Path
) -> None:
    requests = publish(_published_file(published))
    found = find_weights("coco", cache=tmp_path / "cache")
    assert requests == ["/models/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth"]
    assert found.architecture == "maskrcnn_resnet50_fpn"
    assert "COCO 2017" in found.licence
    assert torch.allclose(_features(_loaded(found)), _features(published), rtol=1e-3, atol=1e-4)


def test_the_published_coco_weights_are_torchvisions() -> None:
    theirs = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.url
    assert state_dicts._COCO.url == theirs
    assert re.fullmatch(r"[0-9a-f]{64}", state_dicts._COCO.sha256)
    # torchvision's file names end with the first digits of the SHA-256.
    assert state_dicts._COCO.sha256.startswith(Path(theirs).stem.rpartition("-")[2])


def test_the_published_coco_weights_give_the_same_bytes_with_any_random_state(
    published: MaskRCNN, publish: Callable[[bytes], list[str]], tmp_path: Path
) -> None:
    requests = publish(_published_file(published))
    packed = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        packed.append(hashlib.sha256(find_weights("coco", cache=tmp_path / "cache").data).hexdigest())
    assert packed[0] == packed[1]
    assert len(requests) == 1


def test_a_pickle_in_the_cache_under_the_published_name_never_runs(
    published: MaskRCNN, publish: Callable[[bytes], list[str]], tmp_path: Path
) -> None:
    requests = publish(_published_file(published))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / state_dicts._COCO.name).write_bytes(_evil(tmp_path / "owned"))
    find_weights("coco", cache=tmp_path / "cache")
    assert not (tmp_path / "owned").exists()
    assert len(requests) == 1


def test_a_pickle_with_the_expected_hash_is_refused_without_running_it(
    publish: Callable[[bytes], list[str]], tmp_path: Path
) -> None:
    publish(_evil(tmp_path / "owned"))
    with pytest.raises(PackageError, match="is not a state dictionary"):
        find_weights("coco", cache=tmp_path / "cache")
    assert not (tmp_path / "owned").exists()


def test_a_file_with_another_hash_is_refused_with_a_remedy(
    published: MaskRCNN, publish: Callable[[bytes], list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(_published_file(published))
    real = state_dicts._COCO
    monkeypatch.setattr(state_dicts, "_COCO", PublishedFile(real.url, real.sha256[:8] + "0" * 56, real.max_bytes))
    with pytest.raises(PackageError) as refusal:
        find_weights("coco", cache=tmp_path / "cache")
    message = str(refusal.value)
    assert f"{real.sha256[:8]}{'0' * 56} is expected, so it is not used" in message
    kept = tmp_path / "cache" / real.name
    assert message.endswith(f"Download that file elsewhere and put it at {kept}, or use --weights small.")
    assert "\n" not in message


def _package(out: Path) -> int:
    return package.main(["--weights", "coco", "--out", str(out), "--cache", str(out.parent / "cache")])


def test_the_command_downloads_the_coco_weights_from_another_hub_once(
    published: MaskRCNN, publish: Callable[[bytes], list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    requests = publish(_published_file(published))
    hub, _, name = state_dicts._COCO.url.rpartition("/")
    monkeypatch.setattr(state_dicts, "_COCO", replace(state_dicts._COCO, url=f"https://hub.invalid/{name}"))
    monkeypatch.setenv(state_dicts.HUB_VARIABLE, f"{hub}/")
    assert _package(tmp_path / "model.tar.gz") == 0
    assert requests == [f"/models/{name}"]
    # From the cache, because no server listens there.
    monkeypatch.setenv(state_dicts.HUB_VARIABLE, "https://127.0.0.1:9")
    (tmp_path / "model.tar.gz").unlink()
    assert _package(tmp_path / "model.tar.gz") == 0
    assert (tmp_path / "model.tar.gz").stat().st_size > 100_000_000


def test_the_command_has_another_exit_status_if_the_hub_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv(state_dicts.HUB_VARIABLE, f"https://127.0.0.1:{silent.getsockname()[1]}")
        assert _package(tmp_path / "model.tar.gz") == 3
    assert "did not answer within" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_command_fails_if_the_hub_has_another_file(
    publish: Callable[[bytes], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish(b"another file")
    monkeypatch.setattr(state_dicts, "_COCO", replace(state_dicts._COCO, sha256="0" * 64))
    assert _package(tmp_path / "model.tar.gz") == 1
    assert f"but {'0' * 64} is expected, so it is not used" in capsys.readouterr().err
    assert list(tmp_path.glob("cache/*")) == []


def test_the_published_file_is_recognised_by_its_whole_hash(
    published: MaskRCNN, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "downloaded.pth"
    path.write_bytes(_published_file(published))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(state_dicts, "_COCO", PublishedFile("https://example.org/model.pth", digest, 1))
    found = find_weights(str(path))
    assert found.name == "Mask R-CNN ResNet-50 FPN, COCO"
    assert torch.allclose(_features(_loaded(found)), _features(published), rtol=1e-3, atol=1e-4)

    monkeypatch.setattr(state_dicts, "_COCO", PublishedFile("https://example.org/model.pth", digest[:8] + "0" * 56, 1))
    assert find_weights(str(path)).name == "downloaded"


def test_a_files_bytes_are_packaged_unchanged(tmp_path: Path) -> None:
    mine = tmp_path / "mine.pt"
    mine.write_bytes(SMALL.read_bytes())
    found = find_weights(str(mine), "CC0-1.0")
    assert found.data == mine.read_bytes()
    assert (found.architecture, found.name, found.licence) == ("maskrcnn_small", "mine", "CC0-1.0")
    assert find_weights(str(mine)).licence == "not stated when the weights were packaged"


def test_weights_with_torchvisions_older_names_are_converted(tmp_path: Path) -> None:
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
def test_a_file_that_is_not_a_state_dictionary_is_refused(content: object, tmp_path: Path) -> None:
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


def test_weights_that_do_not_match_their_card_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.pt").write_bytes(SMALL.read_bytes() + b"x")
    (tmp_path / "small.json").write_text(SMALL.with_suffix(".json").read_text())
    monkeypatch.setattr(weights, "SMALL", tmp_path / "small.pt")
    with pytest.raises(PackageError, match="not the file that its card describes"):
        find_weights("small")

"""A worker runs on the graphics processor that the server assigns, and says once what that is before it is ready."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

import inference
from tests.test_inference import Context
from video_inference import detector, hardware, network
from video_inference.hardware import Hardware, choose_hardware
from video_inference.network import Found
from video_inference.picture import Rgb

VERSION = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr  8 12:41:17 UTC 2025\n"
    "GCC version:  gcc version 7.3.1 20180712 (Red Hat 7.3.1-17) (GCC)\n"
)
OPEN_VERSION = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder@U22)\n"
    "GCC version:  gcc version 12.3.0\n"
)


@pytest.fixture
def four_processors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """Stand-in for the driver of a host with four graphics processors; gives the numbers that were made current."""
    current: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"Tesla T{index}")
    monkeypatch.setattr(torch.version, "cuda", "12.4")
    file = tmp_path / "version"
    file.write_text(VERSION, "ascii")
    monkeypatch.setattr(hardware, "_DRIVER_VERSION", file)
    return current


@pytest.mark.parametrize(("assigned", "used"), [(None, 0), (0, 0), (3, 3)])
def test_the_assigned_processor_is_used(four_processors: list[int], assigned: int | None, used: int) -> None:
    chosen = choose_hardware(assigned)
    assert chosen.torch_device == torch.device("cuda", used)
    assert four_processors == [used]
    assert str(chosen) == (
        f"GPU {used} (Tesla T{used}), driver 550.163.01, CUDA 12.4, precision float16, batch {chosen.batch}"
    )


@pytest.mark.parametrize(
    ("text", "version"), [(VERSION, "550.163.01"), (OPEN_VERSION, "570.86.15"), ("", None), ("no version", None)]
)
def test_the_drivers_version_is_the_kernel_modules(
    four_processors: list[int], tmp_path: Path, text: str, version: str | None
) -> None:
    assert four_processors == []
    (tmp_path / "version").write_text(text, "ascii")
    assert choose_hardware().driver == version


def test_a_driver_that_hides_its_version_is_unknown(four_processors: list[int], tmp_path: Path) -> None:
    assert four_processors == []
    (tmp_path / "version").unlink()
    assert "driver unknown" in str(choose_hardware())


@pytest.mark.parametrize("assigned", [None, 0, 2])
def test_the_server_assigns_the_processor(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch, assigned: int | None
) -> None:
    asked: list[int | None] = []

    def choose(gpu: int | None = None) -> Hardware:
        asked.append(gpu)
        return Hardware("cpu", "float32", 1)

    monkeypatch.setattr(detector, "choose_hardware", choose)
    inference.model_fn(str(model_dir), Context(gpu=assigned))
    assert asked == [assigned]


def test_full_batches_are_looked_at_before_the_worker_is_ready_which_is_logged_once(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked: list[tuple[int, ...]] = []
    find = network.Network.find

    def note(
        one: network.Network,
        pictures: Sequence[Rgb],
        score_threshold: float,
        *,
        masks: bool,
        max_side: int | None,
        size: tuple[int, int] | None,
    ) -> list[Found]:
        looked.append((len(pictures), *pictures[0].shape))
        return find(one, pictures, score_threshold, masks=masks, max_side=max_side, size=size)

    monkeypatch.setattr(network.Network, "find", note)
    monkeypatch.setattr(detector, "choose_hardware", lambda _gpu: Hardware("cpu", "float32", 2))
    with caplog.at_level(logging.INFO):
        inference.model_fn(str(model_dir))
    assert looked == [(2, 1080, 1920, 3)]
    ready = [record.message for record in caplog.records if "is ready" in record.message]
    assert len(ready) == 1
    assert ready[0].endswith("is ready on CPU, precision float32, batch 2.")


def test_a_model_that_cannot_look_at_a_frame_does_not_become_ready(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")

    monkeypatch.setattr(network.Network, "find", fail)
    with pytest.raises(RuntimeError, match="no kernel image"):
        inference.model_fn(str(model_dir))

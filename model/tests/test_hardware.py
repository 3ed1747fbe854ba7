"""Tests of the choice of the GPU, of its errors, and of the log line of a ready worker."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

import inference
from tests.handler import Context
from video_inference import detector, hardware, network
from video_inference.hardware import Hardware, HardwareError, choose_hardware
from video_inference.network import Detection
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
    """Simulate the driver of a host with four GPUs. Returns the list of GPUs that were made current."""
    current: list[int] = []
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    monkeypatch.setattr(torch, "ones", lambda count, **_: torch.tensor([1.0] * count))
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
def test_the_driver_version_is_that_of_the_kernel_module(
    four_processors: list[int], tmp_path: Path, text: str, version: str | None
) -> None:
    assert four_processors == []
    (tmp_path / "version").write_text(text, "ascii")
    assert choose_hardware().driver == version


def test_a_driver_without_a_version_is_unknown(four_processors: list[int], tmp_path: Path) -> None:
    assert four_processors == []
    (tmp_path / "version").unlink()
    assert "driver unknown" in str(choose_hardware())


TOO_OLD = "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver.\nHint."


@pytest.fixture
def old_driver(four_processors: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a host whose driver is too old for torch's CUDA."""
    assert four_processors == []

    def fail(_index: int) -> None:
        raise RuntimeError(TOO_OLD)

    monkeypatch.setattr(torch.cuda, "set_device", fail)


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Simulate a host without NVIDIA's driver and device files."""

    def fail(_index: int) -> None:
        raise RuntimeError("Found no NVIDIA driver on your system.")

    monkeypatch.setattr(torch.version, "cuda", "12.4")
    monkeypatch.setattr(torch.cuda, "set_device", fail)
    monkeypatch.setattr(hardware, "_DRIVER_VERSION", tmp_path / "none")
    monkeypatch.setattr(hardware, "_DEVICES", tmp_path)


@pytest.mark.usefixtures("old_driver")
def test_a_required_gpu_with_an_old_driver_fails_with_reason_and_remedy() -> None:
    with pytest.raises(HardwareError) as caught:
        choose_hardware(require_gpu=True)
    assert str(caught.value) == (
        "REQUIRE_GPU is 1, but CUDA cannot use GPU 0 (NVIDIA driver: 550.163.01, CUDA of torch: 12.4): "
        "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver. "
        "Choose a machine image whose driver fits the serving image (the stack's setting inferenceAmi), or set "
        "requireGpu to false to work on the CPU."
    )


@pytest.mark.usefixtures("no_driver")
def test_a_required_gpu_that_is_missing_fails() -> None:
    with pytest.raises(HardwareError, match=r"NVIDIA driver: none, CUDA of torch: 12\.4\): Found no NVIDIA driver"):
        choose_hardware(require_gpu=True)


def test_a_required_gpu_fails_if_torch_has_no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(HardwareError, match="torch is built without CUDA"):
        choose_hardware(require_gpu=True)


@pytest.mark.parametrize("failing", ["set_device", "ones"])
def test_a_required_gpu_fails_if_it_runs_no_kernel(
    four_processors: list[int], monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    assert four_processors == []

    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors")

    monkeypatch.setattr(torch.cuda if failing == "set_device" else torch, failing, fail)
    with pytest.raises(HardwareError, match=r"GPU 3 .*: CUDA error: no kernel image is available .* device\. Choose"):
        choose_hardware(3, require_gpu=True)


def test_a_required_gpu_that_works_is_taken(four_processors: list[int]) -> None:
    assert choose_hardware(2, require_gpu=True).device == "cuda"
    assert four_processors == [2]


@pytest.mark.usefixtures("old_driver")
def test_a_visible_gpu_that_does_not_work_is_logged_once(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    assert choose_hardware().device == "cpu"
    assert [(record.levelname, record.message) for record in caplog.records] == [
        (
            "WARNING",
            "A GPU is visible, but CUDA cannot use it (NVIDIA driver: 550.163.01): The NVIDIA driver on your system is "
            "too old (found version 11040). Please update your GPU driver.",
        )
    ]
    assert len(recwarn) == 0


@pytest.mark.usefixtures("no_driver")
def test_a_device_file_without_a_driver_counts_as_a_visible_gpu(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "nvidia0").touch()
    assert choose_hardware().device == "cpu"
    assert ["A GPU is visible" in record.message for record in caplog.records] == [True]


@pytest.mark.usefixtures("no_driver")
def test_a_host_without_a_gpu_uses_the_cpu_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert choose_hardware().device == "cpu"
    assert caplog.records == []


@pytest.mark.usefixtures("no_driver")
def test_the_environment_requires_the_gpu(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_GPU", "1")
    with pytest.raises(HardwareError, match="REQUIRE_GPU is 1"):
        inference.model_fn(str(model_dir))


@pytest.mark.parametrize("assigned", [None, 0, 2])
def test_the_server_assigns_the_processor(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch, assigned: int | None
) -> None:
    requested: list[int | None] = []

    def choose(gpu: int | None = None, *, require_gpu: bool = False) -> Hardware:
        assert not require_gpu
        requested.append(gpu)
        return Hardware("cpu", "float32", 1)

    monkeypatch.setattr(detector, "choose_hardware", choose)
    inference.model_fn(str(model_dir), Context(gpu=assigned))
    assert requested == [assigned]


def test_a_full_batch_runs_before_the_worker_logs_that_it_is_ready(
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
    ) -> list[list[Detection]]:
        looked.append((len(pictures), *pictures[0].shape))
        return find(one, pictures, score_threshold, masks=masks, max_side=max_side, size=size)

    monkeypatch.setattr(network.Network, "find", note)
    monkeypatch.setattr(detector, "choose_hardware", lambda _gpu, **_: Hardware("cpu", "float32", 2))
    with caplog.at_level(logging.INFO):
        inference.model_fn(str(model_dir))
    assert looked == [(2, 1080, 1920, 3)]
    ready = [record.message for record in caplog.records if "is ready" in record.message]
    assert len(ready) == 1
    assert ready[0].endswith("is ready on CPU, precision float32, batch 2.")


def test_a_model_that_cannot_process_a_frame_does_not_become_ready(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")

    monkeypatch.setattr(network.Network, "find", fail)
    with pytest.raises(RuntimeError, match="no kernel image"):
        inference.model_fn(str(model_dir))

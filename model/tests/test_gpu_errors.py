"""Tests of GPU errors: answers without a traceback, and only a lost GPU ends the worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import pytest
import torch

import inference
from tests.conftest import MODULE
from tests.handler import Context
from video_inference import detector, network
from video_inference.gpu_errors import is_out_of_memory, is_sticky
from video_inference.network import Detection
from video_inference.picture import Rgb
from video_inference.video import Video

# Messages of torch 2.6.
STICKY = [
    "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be asynchronously reported …",
    "CUDA error: device-side assert triggered",
    "CUDA error: uncorrectable ECC error encountered",
    "CUDA error: unspecified launch failure",
    "CUDA error: the launch timed out and was terminated",
    "CUDA driver error: unknown error",
    "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
    "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(...)`",
]
OUT_OF_MEMORY = [
    "CUDA error: out of memory",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate …",
]


@pytest.mark.parametrize("message", STICKY)
def test_a_lost_device_is_recognised_by_its_message(message: str) -> None:
    assert is_sticky(RuntimeError(message))
    assert not is_out_of_memory(RuntimeError(message))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        MemoryError(),
        *map(RuntimeError, OUT_OF_MEMORY),
    ],
    ids=repr,
)
def test_a_lack_of_memory_is_not_a_lost_device(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_sticky(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Expected all tensors to be on the same device, but found cuda:0 and cpu"),
        ValueError("CUDA error: in a value"),
        KeyError("boxes"),
    ],
    ids=repr,
)
def test_other_errors_are_neither(error: Exception) -> None:
    assert not is_sticky(error)
    assert not is_out_of_memory(error)


class Memory:
    """Replaces the network by one that runs out of memory with large batches, and records its calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fits: int) -> None:
        self.events: list[object] = []
        find = network.Network.find

        def limited(
            one: network.Network,
            pictures: Sequence[Rgb],
            score_threshold: float,
            *,
            masks: bool,
            max_side: int | None,
            size: tuple[int, int] | None,
        ) -> list[list[Detection]]:
            self.events.append(len(pictures))
            if len(pictures) > fits:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return find(one, pictures, score_threshold, masks=masks, max_side=max_side, size=size)

        monkeypatch.setattr(network.Network, "find", limited)
        monkeypatch.setattr(detector, "free_memory", lambda: self.events.append("freed"))


def test_a_batch_that_does_not_fit_is_retried_one_by_one_after_the_cache_is_freed(
    model: inference.Model, street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Video(street.read_bytes()) as video:
        pictures = [sample.rgb() for sample in video.samples(Fraction(1, 4))]
    expected = [model.detector.detect([picture], 0.5)[0] for picture in pictures]
    memory = Memory(monkeypatch, fits=1)
    assert model.detector.detect(pictures, 0.5) == expected
    assert memory.events == [3, "freed", 1, 1, 1]


def test_a_picture_that_does_not_fit_is_tried_twice_and_answered_with_503(
    model: inference.Model, street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(monkeypatch, fits=0)
    context = Context()
    answer, content_type = inference.transform_fn(model, street.read_bytes(), "video/mp4", "*/*", context)
    assert (context.status, content_type) == ((503, "Service Unavailable"), "application/json")
    assert json.loads(answer)["error"].startswith("The server ran out of memory")
    assert memory.events == [1, "freed", 1]


@pytest.mark.parametrize("where", ["_process_video", "read_options", "_headers"])
def test_any_other_error_is_a_500_of_one_line_and_its_traceback_is_logged(
    model: inference.Model,
    street: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    def fail(*_arguments: object) -> None:
        raise KeyError("a secret of the handler")

    monkeypatch.setattr(inference, where, fail)
    context = Context()
    answer, content_type = inference.transform_fn(model, street.read_bytes(), "video/mp4", "*/*", context)
    assert (context.status, content_type) == ((500, "Internal Server Error"), "application/json")
    assert json.loads(answer) == {
        "error": "The handler failed on this request: see the endpoint's log for the reason.",
        "code": 500,
    }
    assert "a secret of the handler" in caplog.text
    assert "Traceback" in caplog.text


def test_a_lost_device_ends_the_process_and_is_logged(model_dir: Path, street: Path) -> None:
    program = f"""
import logging, sys
import inference
from tests.handler import Context
from video_inference.network import Network
logging.basicConfig(stream=sys.stdout, level=logging.INFO)
model = inference.model_fn({str(model_dir)!r})
def find(*_arguments, **_options):
    raise RuntimeError("CUDA error: an illegal memory access was encountered")
Network.find = find
inference.transform_fn(model, open({str(street)!r}, "rb").read(), "video/mp4", "*/*", Context())
print("still here")
"""
    environment = os.environ | {"PYTHONPATH": str(MODULE)}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment, timeout=300
    )
    assert ended.returncode == 1, ended.stderr
    assert "still here" not in ended.stdout
    assert "The GPU is lost to this worker" in ended.stdout
    assert "an illegal memory access" in ended.stdout
    assert ended.stderr == ""


def test_the_toolkit_leaves_bodies_of_every_content_type_to_the_handler(model: inference.Model) -> None:
    assert model.detector
    assert import_module("sagemaker_inference.content_types").UTF8_TYPES == []

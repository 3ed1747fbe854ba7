"""The comparisons on a GPU with four processor cores: answering, frames per second by precision, time the GPU works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from video_inference.hardware import choose_hardware
from video_inference.network import Network

from . import blog, handler_work, networks
from .compare import compare
from .footage import Footage
from .processes import Share, in_new_process

WANTED = {"gpu_end_to_end_ratio": 5.0}
"""What the project wants of the ratio, at least."""

CORES = 4
"""Processor cores of an ml.g4dn.xlarge."""


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Measure how long at least one of some spans of time, each (start, end), lasts."""
    total = 0.0
    until = float("-inf")
    for start, end in sorted(spans):
        if end > until:
            total += end - max(start, until)
            until = end
    return total


def _frames_per_second(video: Path, *, half: bool) -> float:
    """Time the handler's network alone, without masks, on the frames of a video that the handler would look at."""
    hardware = choose_hardware()
    network = Network(networks.coco(), hardware if half else replace(hardware, precision="float32"))
    frames = [
        np.ascontiguousarray(frame[:, :, ::-1])
        for index, frame in enumerate(blog.read_all(video))
        if index % blog.INTERVAL == 0
    ]
    batches = [frames[start : start + hardware.batch] for start in range(0, len(frames), hardware.batch)]

    def look() -> float:
        started = time.perf_counter()
        for batch in batches:
            network.find(batch, 0.5, masks=False, max_side=None)
        torch.cuda.synchronize()
        return time.perf_counter() - started

    # The first look chooses algorithms and takes memory.
    look()
    return len(frames) / look()


def _share_busy(video: Path, model_dir: Path) -> float:
    """Measure for how much of the time that the handler takes for a video the GPU computes or copies."""
    model = handler_work.model_for("coco", model_dir)
    body = video.read_bytes()
    handler_work.answer(model, body)
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        started = time.perf_counter()
        handler_work.answer(model, body)
        torch.cuda.synchronize()
        seconds = time.perf_counter() - started
    spans = [
        (event.time_range.start / 1e6, event.time_range.end / 1e6)
        for event in profiler.events() or []
        if event.device_type == DeviceType.CUDA
    ]
    return covered(spans) / seconds


def measure(footage: Footage, model_dir: Path, runs: int, say: Callable[[str], None]) -> dict[str, object]:
    """Run everything with the COCO-size model on one video; `say` is told what is being run."""
    video, share = footage.file(), Share(cores=CORES)
    say(f"gpu_end_to_end: answering for {footage.name} on {torch.cuda.get_device_name()} with {CORES} cores")
    comparison = compare("coco", video, model_dir, runs, share)
    say("gpu_frames_per_second: the network alone")
    speeds = {
        name: round(in_new_process(share, _frames_per_second, video, half=half), 1)
        for name, half in (("gpu_frames_per_second_fp32", False), ("gpu_frames_per_second_half", True))
    }
    say("gpu_share_busy: the handler under the profiler")
    return {
        "gpu_end_to_end_ratio": round(comparison.ratio(lambda usage: usage.seconds), 2),
        **speeds,
        "gpu_share_busy": round(in_new_process(share, _share_busy, video, model_dir), 3),
        "gpu": torch.cuda.get_device_name(),
    }

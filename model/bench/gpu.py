"""The comparisons on a GPU with four processor cores, within ten minutes: answering, precision, batch size, NVDEC."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import geometric_mean

import av
import numpy as np
import torch
from av.codec.hwaccel import HWAccel
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from video_inference.hardware import Hardware, choose_hardware
from video_inference.network import Network

from . import blog, handler_work, networks
from .compare import compare
from .footage import Footage
from .processes import Share, in_new_process
from .rows import ALIGNED
from .usage import Usage

WANTED = {"gpu_end_to_end_ratio_geomean": 5.0}
"""What the project wants of the ratio, at least."""

CORES = 4
"""Processor cores of an ml.g4dn.xlarge."""

SECONDS = 30
"""Length of the rows' videos: more than the frames of one of the blog's batches."""

BATCHES = (1, 2, 4, 8, 16)

_LIMIT_SECONDS = 540.0
_GIBIBYTE = 1 << 30


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Measure how long at least one of some spans of time, each (start, end), lasts."""
    total = 0.0
    until = float("-inf")
    for start, end in sorted(spans):
        if end > until:
            total += end - max(start, until)
            until = end
    return total


def speeds(video: Path, hardware: Hardware, batches: Sequence[int]) -> dict[str, dict[str, float]]:
    """Time the handler's network alone, of COCO's size, on the frames of a video that the handler would look at.

    Returns
    -------
    dict
        Frames per second and GiB of GPU memory, by the number of frames looked at together.
    """
    network = Network(networks.coco(), hardware)
    on_gpu = hardware.device == "cuda"
    frames = [
        np.ascontiguousarray(frame[:, :, ::-1])
        for index, frame in enumerate(blog.read_all(video))
        if index % blog.INTERVAL == 0
    ]

    def look(batch: int) -> float:
        started = time.perf_counter()
        for start in range(0, len(frames), batch):
            network.find(frames[start : start + batch], 0.5, masks=False, max_side=None)
        if on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter() - started

    result: dict[str, dict[str, float]] = {}
    for batch in batches:
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        # The first look chooses algorithms and takes memory.
        look(batch)
        speed = len(frames) / look(batch)
        memory = torch.cuda.max_memory_reserved() / _GIBIBYTE if on_gpu else 0.0
        result[str(batch)] = {"frames_per_second": round(speed, 2), "gibibytes": round(memory, 2)}
    return result


def _gpu_speeds(video: Path, *, half: bool) -> dict[str, dict[str, float]]:
    hardware = choose_hardware()
    return speeds(video, hardware if half else replace(hardware, precision="float32"), BATCHES)


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
    return round(covered(spans) / seconds, 3)


def decoding_speed(video: Path, *, nvdec: bool) -> float | str:
    """Time decoding every frame, in frames per second, by NVDEC or by the processor; or say why NVDEC does not work."""
    acceleration = HWAccel(device_type="cuda", allow_software_fallback=False) if nvdec else None
    started = time.perf_counter()
    try:
        with av.open(video, hwaccel=acceleration) as container:
            container.streams.video[0].thread_type = "AUTO"
            count = sum(1 for _ in container.decode(video=0))
    except (av.FFmpegError, RuntimeError, NotImplementedError, ValueError) as error:
        # What the driver does not offer differs from host to host: containers need the capability "video", too.
        if not nvdec:
            raise
        return f"not available: {error}"
    return round(count / (time.perf_counter() - started), 1)


def _make(footage: Footage) -> Path:
    return footage.file()


def measure(footages: Sequence[Footage], model_dir: Path, say: Callable[[str], None]) -> dict[str, object]:
    """Run everything with the COCO-size model; what would not end within ten minutes is left out, and listed.

    Parameters
    ----------
    footages
        One for each row, the aligned one among them.
    model_dir
        An unpacked artifact with the small model.
    say
        Told what is being run.
    """
    ends = time.monotonic() + _LIMIT_SECONDS
    share = Share(cores=CORES)
    say(f"making or finding {len(footages)} videos")
    # On all cores: only what is measured is confined to a few.
    with ProcessPoolExecutor() as processes:
        videos = dict(zip((footage.name for footage in footages), processes.map(_make, footages), strict=True))
    aligned = videos[ALIGNED]
    ratios: dict[str, float] = {}

    def answer(name: str) -> float:
        ratios[name] = round(compare("coco", videos[name], model_dir, 1, share).ratio(_seconds), 2)
        return ratios[name]

    steps: list[tuple[str, Callable[[], object]]] = [
        (f"end_to_end_ratio {ALIGNED}", partial(answer, ALIGNED)),
        ("float16 by batch", partial(in_new_process, share, _gpu_speeds, aligned, half=True)),
        ("float32 by batch", partial(in_new_process, share, _gpu_speeds, aligned, half=False)),
        ("share_busy", partial(in_new_process, share, _share_busy, aligned, model_dir)),
    ]
    for name, video in videos.items():
        steps += [
            (f"nvdec {name}", partial(in_new_process, share, decoding_speed, video, nvdec=True)),
            (f"processor {name}", partial(in_new_process, share, decoding_speed, video, nvdec=False)),
        ]
    steps += [(f"end_to_end_ratio {name}", partial(answer, name)) for name in videos if name != ALIGNED]

    results: dict[str, object] = {}
    left_out: list[str] = []
    for what, step in steps:
        if time.monotonic() >= ends:
            left_out.append(what)
            continue
        say(what)
        results[what] = step()
        # So that nothing is lost if the machine is taken away.
        say(f"{what}: {json.dumps(results[what])}")
    return {
        "gpu": str(choose_hardware()),
        **({"gpu_end_to_end_ratio_geomean": round(geometric_mean(ratios.values()), 2)} if ratios else {}),
        "gpu_steps": results,
        "left_out": left_out,
        "wanted": {"at_least": WANTED},
    }


def _seconds(usage: Usage) -> float:
    return usage.seconds

"""The comparisons on a GPU with four processor cores, within ten minutes: answering, precision, batch size, NVDEC."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
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
from .processes import ProcessLimits, each_in_new_process, in_new_process
from .rows import ALIGNED
from .steps import LeftOutError, Step, run_steps
from .usage import Usage

MIN_RATIOS = {"gpu_end_to_end_ratio_geomean": 5.0}
"""What the project wants of the ratio, at least."""

CORES = 4
"""Processor cores of an ml.g4dn.xlarge."""

SECONDS = 15
"""Length of the rows' videos: making them takes about 260 s of processor time, a quarter of that on four cores."""

BATCHES = (1, 2, 4, 8, 16)

LIMIT_SECONDS = 570.0
"""For the whole run, with the videos: ten minutes less what it takes to start and to print the report."""

_GIBIBYTE = 1 << 30


def covered_seconds(spans: Iterable[tuple[float, float]]) -> float:
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

    def run(batch: int) -> float:
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
        run(batch)
        speed = len(frames) / run(batch)
        memory = torch.cuda.max_memory_reserved() / _GIBIBYTE if on_gpu else 0.0
        result[str(batch)] = {"frames_per_second": round(speed, 2), "gibibytes": round(memory, 2)}
    return result


def _gpu_speeds(video: Path, *, half: bool) -> dict[str, dict[str, float]]:
    hardware = choose_hardware()
    return speeds(video, hardware if half else replace(hardware, precision="float32"), BATCHES)


def _busy_share(video: Path, model_dir: Path) -> float:
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
    return round(covered_seconds(spans) / seconds, 3)


def decoding_speed(video: Path, *, nvdec: bool) -> float | str:
    """Time decoding every frame, in frames per second, by NVDEC or by the processor; or log why NVDEC does not work."""
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


def _make_video(footage: Footage) -> Path:
    return footage.file()


class _Videos:
    """The videos that are ready, by their rows' names."""

    def __init__(self, footages: Sequence[Footage]) -> None:
        self._footages = footages
        self._ready: dict[str, Path] = {}

    def make(self, seconds: float) -> dict[str, int]:
        """Make or find all videos on all cores at once; returns the bytes of those that are ready in time."""
        # Only what is measured is confined to a few cores.
        made = each_in_new_process(ProcessLimits(seconds=seconds), _make_video, self._footages)
        for footage, video in zip(self._footages, made, strict=True):
            if video is not None:
                self._ready[footage.name] = video
        return {name: video.stat().st_size for name, video in self._ready.items()}

    def __getitem__(self, name: str) -> Path:
        if name not in self._ready:
            raise LeftOutError("its video was not ready in time: run again, those that are ready are kept")
        return self._ready[name]


def _steps(footages: Sequence[Footage], model_dir: Path, ratios: dict[str, float]) -> list[Step]:
    """List the steps, the most important ones first; each comparison adds its ratio by the row's name."""
    videos = _Videos(footages)

    def answer(name: str, seconds: float) -> float:
        # One run of each of the two designs.
        limits = ProcessLimits(cores=CORES, seconds=seconds / 2)
        ratios[name] = round(compare("coco", videos[name], model_dir, 1, limits).ratio(_seconds), 2)
        return ratios[name]

    def network(half: bool, seconds: float) -> object:
        return in_new_process(ProcessLimits(cores=CORES, seconds=seconds), _gpu_speeds, videos[ALIGNED], half=half)

    def busy(seconds: float) -> float:
        return in_new_process(ProcessLimits(cores=CORES, seconds=seconds), _busy_share, videos[ALIGNED], model_dir)

    def decoding(name: str, nvdec: bool, seconds: float) -> float | str:
        return in_new_process(ProcessLimits(cores=CORES, seconds=seconds), decoding_speed, videos[name], nvdec=nvdec)

    names = [ALIGNED, *(footage.name for footage in footages if footage.name != ALIGNED)]
    end_to_end = [Step(f"end_to_end_ratio {name}", 120, partial(answer, name)) for name in names]
    decoders = [
        Step(f"{decoder} {name}", 60, partial(decoding, name, decoder == "nvdec"))
        for name in names
        for decoder in ("nvdec", "processor")
    ]
    return [
        Step("videos", 240, videos.make),
        end_to_end[0],
        Step("float16 by batch", 90, partial(network, True)),
        Step("float32 by batch", 90, partial(network, False)),
        Step("share_busy", 90, busy),
        *decoders[:2],
        *end_to_end[1:],
        *decoders[2:],
    ]


def measure(
    footages: Sequence[Footage],
    model_dir: Path,
    log: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, object]:
    """Run everything with the COCO-size model; what does not end within the run's time is left out, and listed.

    Parameters
    ----------
    footages
        One for each row, the aligned one among them.
    model_dir
        An unpacked artifact with the small model.
    log
        Told what is being run, and each result.
    clock
        Gives seconds.
    """
    ends = clock() + LIMIT_SECONDS
    ratios: dict[str, float] = {}
    outcome = run_steps(_steps(footages, model_dir, ratios), ends, clock, log)
    return {
        "gpu": str(choose_hardware()),
        **({"gpu_end_to_end_ratio_geomean": round(geometric_mean(ratios.values()), 2)} if ratios else {}),
        "gpu_steps": outcome.results,
        "left_out": outcome.left_out,
        "failed": outcome.failed,
        "wanted": {"at_least": MIN_RATIOS},
    }


def _seconds(usage: Usage) -> float:
    return usage.seconds

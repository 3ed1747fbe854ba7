"""Compares the designs on a GPU with four processor cores in ten minutes: inference, precision, batch size, NVDEC."""

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
"""Minimum ratio that the project aims for."""

CORES = 4
"""Processor cores of an ml.g4dn.xlarge."""

SECONDS = 15
"""Length of each row's video in seconds. Generating all takes about 260 s of processor time, or 65 s on four cores."""

BATCHES = (1, 2, 4, 8, 16)
"""Measured batch sizes."""

LIMIT_SECONDS = 570.0
"""Time limit in seconds for the whole run: ten minutes minus the time to start and to print the report."""

_GIBIBYTE = 1 << 30


def covered_seconds(spans: Iterable[tuple[float, float]]) -> float:
    """Measure the total length of the union of spans (start, end), in seconds."""
    total = 0.0
    until = float("-inf")
    for start, end in sorted(spans):
        if end > until:
            total += end - max(start, until)
            until = end
    return total


def speeds(video: Path, hardware: Hardware, batches: Sequence[int]) -> dict[str, dict[str, float]]:
    """Measure the speed of the handler's COCO-size network, without decoding, on the sampled frames of a video.

    Returns
    -------
    dict
        Frames per second and GiB of GPU memory, by batch size.
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
        # The first run chooses algorithms and allocates memory.
        run(batch)
        speed = len(frames) / run(batch)
        memory = torch.cuda.max_memory_reserved() / _GIBIBYTE if on_gpu else 0.0
        result[str(batch)] = {"frames_per_second": round(speed, 2), "gibibytes": round(memory, 2)}
    return result


def _gpu_speeds(video: Path, *, half: bool) -> dict[str, dict[str, float]]:
    hardware = choose_hardware()
    return speeds(video, hardware if half else replace(hardware, precision="float32"), BATCHES)


def _busy_share(video: Path, model_dir: Path) -> float:
    """Measure the share of the handler's time for a video during which the GPU computes or copies."""
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
    """Measure the frames per second of decoding with NVDEC or the CPU. Returns the reason if NVDEC does not work."""
    acceleration = HWAccel(device_type="cuda", allow_software_fallback=False) if nvdec else None
    started = time.perf_counter()
    try:
        with av.open(video, hwaccel=acceleration) as container:
            container.streams.video[0].thread_type = "AUTO"
            count = sum(1 for _ in container.decode(video=0))
    except (av.FFmpegError, RuntimeError, NotImplementedError, ValueError) as error:
        # The error depends on the driver and the host. Containers also need the driver capability "video".
        if not nvdec:
            raise
        return f"not available: {error}"
    return round(count / (time.perf_counter() - started), 1)


def _make_video(footage: Footage) -> Path:
    return footage.file()


class _Videos:
    """Generated videos by the names of their rows."""

    def __init__(self, footages: Sequence[Footage]) -> None:
        self._footages = footages
        self._ready: dict[str, Path] = {}

    def make(self, seconds: float) -> dict[str, int]:
        """Generate missing videos on all cores. Returns the sizes in bytes of the videos that are ready in time."""
        # No limit of cores, because this step is not measured.
        made = each_in_new_process(ProcessLimits(seconds=seconds), _make_video, self._footages)
        for footage, video in zip(self._footages, made, strict=True):
            if video is not None:
                self._ready[footage.name] = video
        return {name: video.stat().st_size for name, video in self._ready.items()}

    def __getitem__(self, name: str) -> Path:
        if name not in self._ready:
            raise LeftOutError("its video was not ready in time: run the benchmark again, it keeps finished videos")
        return self._ready[name]


def _steps(footages: Sequence[Footage], model_dir: Path, ratios: dict[str, float]) -> list[Step]:
    """Return the steps, the most important ones first. Each comparison writes its ratio into `ratios`."""
    videos = _Videos(footages)

    def answer(name: str, seconds: float) -> float:
        # Half of the time for each of the two designs.
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
    """Measure everything with the COCO-size model. Steps that do not fit into the time limit are listed in the report.

    Parameters
    ----------
    footages
        Video of each row, including the aligned one.
    model_dir
        Folder of an unpacked artifact with the small model.
    log
        Called with a line for each step and for each result.
    clock
        Returns the time in seconds.
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

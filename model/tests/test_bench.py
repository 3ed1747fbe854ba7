"""The benchmark runs both designs on the same frames and reports what it says it reports."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from bench import blog, command, compare, cpu, footage, networks
from bench.compare import Comparison, DifferentFramesError
from bench.footage import Footage
from bench.gpu import covered
from bench.processes import Share, in_new_process
from bench.usage import Usage, measured, peak_memory

_TINY = Footage(2, 30, width=320, height=180, megabits=1)
_MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(footage, "FOLDER", tmp_path)
    return tmp_path


def used(cpu_seconds: float, frames: int = 3) -> Usage:
    return Usage(cpu_seconds, 2 * cpu_seconds, 1000, frames)


def test_the_report_has_the_ratios_and_the_videos(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = replace(_TINY, keyframe_every=250)
    monkeypatch.setattr(cpu, "plan", lambda _seconds, runs, coco_runs: cpu.Plan(_TINY, few, _TINY, runs, coco_runs))
    assert command.main(["--json", "--runs", "1", "--coco-runs", "0"]) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    ratios = {name for name, value in report.items() if isinstance(value, float) and value > 0}
    assert ratios >= {"decode_ratio_gop1s", "decode_ratio_gop250", "end_to_end_ratio", "memory_ratio"}
    assert [video["keyframe_every"] for video in report["videos"]] == [30, 250, 30]
    assert all(job[design]["frames"] == 2 for job in report["medians"].values() for design in ("blog", "handler"))
    assert report["memory_ratio"] > 1
    assert "no GPU is here" in printed.err or "gpu_end_to_end_ratio" in report


def test_footage_has_its_keyframes_and_is_made_once(folder: Path) -> None:
    path = _TINY.file()
    with av.open(io.BytesIO(path.read_bytes()), mode="r") as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    assert [index for index, key in enumerate(keys) if key] == [0, 30]
    assert len(keys) == 60
    made = path.stat().st_mtime_ns
    assert _TINY.file() == path
    assert path.stat().st_mtime_ns == made
    assert [file.name for file in folder.iterdir()] == [_TINY.name]
    assert replace(_TINY, seconds=3).name != _TINY.name


def test_the_blogs_design_finds_what_the_small_model_knows(model_dir: Path, street: Path) -> None:
    frames = json.loads(blog.answer(networks.small(model_dir), street.read_bytes()))
    # Every thirtieth of 300 frames, whatever their times are.
    assert len(frames) == 10
    assert all(len(frame["boxes"]) == len(frame["labels"]) == len(frame["scores"]) > 0 for frame in frames)
    assert all(0 <= side <= blog.SIDE for frame in frames for box in frame["boxes"] for side in box)
    scores = [score for frame in frames for score in frame["scores"]]
    assert max(scores) > 0.9


def test_the_large_network_finds_the_same_number_of_objects_in_every_frame() -> None:
    network = networks.coco()
    assert network.roi_heads.detections_per_img == networks.OBJECTS
    assert networks.pixels_seen(1024, 1024) == 800 * 800
    assert networks.pixels_seen(1920, 1080) == 1333 * 749


def test_medians_are_compared() -> None:
    comparison = Comparison({"blog": [used(9), used(8), used(100)], "handler": [used(3), used(1), used(4)]})
    assert comparison.ratio(lambda usage: usage.cpu_seconds) == 3


def test_designs_that_saw_different_frames_are_not_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    frames = iter([3, 4])
    monkeypatch.setattr(compare, "in_new_process", lambda *_arguments: used(1, next(frames)))
    with pytest.raises(DifferentFramesError, match=r"\[3, 4\] frames"):
        compare.compare("small", tmp_path / "a.mp4", tmp_path, 1, Share())


def test_a_new_process_has_its_share_and_its_own_memory() -> None:
    ballast = np.ones(600 * _MEGABYTE, dtype=np.uint8)
    assert peak_memory() > ballast.nbytes
    assert in_new_process(Share(), peak_memory) < 100 * _MEGABYTE
    assert len(in_new_process(Share(cores=1), os.sched_getaffinity, 0)) == 1
    assert in_new_process(Share(one_thread=True), os.getenv, "OMP_NUM_THREADS") == "1"


def test_work_is_measured() -> None:
    usage = measured(lambda: sum(1 for _ in range(300_000)))
    assert usage.frames == 300_000
    assert usage.cpu_seconds > 0
    assert usage.seconds > 0


@pytest.mark.parametrize(
    ("spans", "expected"),
    [([], 0), ([(1, 2)], 1), ([(3, 4), (1, 2)], 2), ([(1, 4), (2, 3)], 3), ([(1, 3), (2, 5), (5, 6)], 5)],
)
def test_time_that_spans_share_counts_once(spans: list[tuple[float, float]], expected: float) -> None:
    assert covered(spans) == expected

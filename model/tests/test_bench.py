"""Tests of the benchmark: videos, comparisons and report."""

from __future__ import annotations

import io
import json
import os
import sys
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from types import FrameType

import av
import numpy as np
import pytest
import torch

from bench import blog, bodies, command, compare, cpu, footage, gpu, networks, planning, ranges
from bench.bodies import BodiesError
from bench.compare import Comparison, DifferentFramesError
from bench.footage import Footage
from bench.gpu import covered_seconds
from bench.processes import ProcessLimits, in_new_process
from bench.rows import rows
from bench.usage import Usage, measure_usage, peak_memory
from video_inference.hardware import Hardware
from video_inference.video import Video
from videos.pictures import Rgb
from videos.writer import Encoding


def shrunk(row: Footage) -> Footage:
    return replace(row, width=320, height=180)


_paint = footage._street


@cache
def _painted(times: tuple[float, ...], width: int, height: int) -> list[Rgb]:
    return list(_paint(times, width, height))


_TINY = shrunk(rows(2)[0])
_MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(footage, "FOLDER", tmp_path)
    # Rows with the same pictures share them.
    monkeypatch.setattr(footage, "_street", lambda times, width, height: iter(_painted(tuple(times), width, height)))
    return tmp_path


def usage_of(cpu_seconds: float, frames: int = 3) -> Usage:
    return Usage(cpu_seconds, 2 * cpu_seconds, 1000, frames)


@pytest.mark.long
def test_the_report_has_the_rows_and_the_ratios(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "rows", lambda _seconds: [_TINY])
    monkeypatch.setattr(planning, "measure", partial(planning.measure, seconds=60))
    assert command.main(["--json", "--runs", "1", "--coco-runs", "0", "--bodies"]) == 0
    report = json.loads(capsys.readouterr().out)
    ratios = {name for name, value in report.items() if isinstance(value, float) and value > 0}
    assert ratios >= {*cpu.MIN_RATIOS, "planning_ratio"}
    assert "body_seconds" not in report
    assert [row["name"] for row in report["rows"]] == ["aligned"]
    for row in report["rows"]:
        assert row["keyframe_share"] == 1
        assert {design: figures["frames"] for design, figures in row["medians"]["decode"].items()} == {
            "blog": 2,
            "handler": 2,
            "keyframe": 2,
        }
    assert report["decode_ratio_lowest"] == min(row["decode_ratio"] for row in report["rows"])
    assert report["memory_ratio"] > 1


def test_without_options_the_report_has_every_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured_sizes: list[int] = []

    def bodies_measured(mebibytes: list[int]) -> dict[str, float]:
        measured_sizes.extend(mebibytes)
        return {str(size): size / 10 for size in mebibytes}

    answered = Usage(1, 1, 1, 1)
    monkeypatch.setattr(
        command, "rows", lambda seconds: [replace(row, seconds=1) for row in map(shrunk, rows(seconds))]
    )
    monkeypatch.setattr(command, "_COCO_SECONDS", 1)
    monkeypatch.setattr(compare, "in_new_process", lambda *_arguments: answered)
    monkeypatch.setattr(planning, "measure", lambda _runs: {"planning_ratio": 2.0})
    monkeypatch.setattr(bodies, "measure", bodies_measured)
    assert command.main(["--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert measured_sizes == [64, 256, 512]
    assert report["body_seconds"] == {"64": 6.4, "256": 25.6, "512": 51.2}
    assert report["planning_ratio"] == 2
    assert report["wanted"]["at_most"] == {"planning_ratio": 2.5}
    assert report["wanted"]["at_least"] == {
        "decode_ratio_geomean": 4,
        "decode_ratio_lowest": 1.7,
        "keyframe_decode_ratio_geomean": 8,
        "end_to_end_ratio_geomean": 2,
        "memory_ratio": 4,
    }
    assert all(report[name] == 1 for name in report["wanted"]["at_least"])
    assert [row["name"] for row in report["rows"]] == [
        "aligned",
        "shifted",
        "x264-defaults",
        "x264-g30-scene-cuts",
        "phone-hevc",
        "camera-4k",
        "screen-vfr",
    ]
    assert all({"decode_ratio", "end_to_end_ratio"} <= row.keys() for row in report["rows"])


def test_only_the_given_rows_and_the_aligned_one_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "rows", lambda seconds: list(map(shrunk, rows(seconds))))
    monkeypatch.setattr(compare, "in_new_process", lambda *_arguments: Usage(1, 1, 1, 1))
    monkeypatch.setattr(planning, "measure", lambda _runs: {"planning_ratio": 2.0})
    assert command.main(["--json", "--coco-runs", "0", "--seconds", "1", "--bodies", "--rows", "shifted"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["aligned", "shifted"]


@pytest.mark.parametrize("row", rows(3), ids=[row.name for row in rows(3)])
def test_each_row_has_a_sample_a_second_for_both_designs(row: Footage) -> None:
    path = shrunk(row).file()
    every_thirtieth = sum(index % blog.INTERVAL == 0 for index, _ in enumerate(blog.read_all(path)))
    with Video(path.read_bytes()) as video:
        assert len(list(video.samples(Fraction(1)))) == every_thirtieth == row.seconds


def keyframes(path: Path) -> list[int]:
    with av.open(io.BytesIO(path.read_bytes()), mode="r") as container:
        keys = [(packet.pts, packet.is_keyframe) for packet in container.demux(video=0) if packet.size]
    return [index for index, (_, key) in enumerate(sorted(keys)) if key]


@pytest.mark.long
def test_each_row_has_its_keyframes() -> None:
    made = {row.name: shrunk(row) for row in rows(9)}
    assert keyframes(made["aligned"].file()) == list(range(0, 270, 30))
    assert keyframes(made["shifted"].file()) == [0, *range(15, 270, 30)]
    assert keyframes(made["phone-hevc"].file()) == list(range(0, 270, 30))
    defaults, cuts = keyframes(made["x264-defaults"].file()), keyframes(made["x264-g30-scene-cuts"].file())
    # Both rows have a keyframe at each cut between shots, at 3.7 and 7.4 s. The row with defaults has no others.
    assert defaults == [0, 111, 222]
    assert set(defaults) < set(cuts)
    assert max(np.diff(cuts)) <= 30


def test_the_share_of_samples_near_a_keyframe_is_counted() -> None:
    groups = replace(_TINY, seconds=8, encoding=Encoding(120))
    # Keyframes at 0 and 4 s are within half a second of two of eight samples.
    assert cpu.keyframe_share(groups.file(), 8) == 2 / 8
    assert cpu.keyframe_share(replace(_TINY, seconds=8, encoding=Encoding(60)).file(), 8) == 4 / 8


def test_the_keyframe_ratio_includes_only_rows_with_ninety_percent_keyframes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shares = {"aligned": 1.0, "nine": 0.9, "fewer": 0.89}
    ratios = {"aligned": 16, "nine": 4, "fewer": 1}

    def row(made: Footage, *_arguments: object) -> cpu.Row:
        comparison = Comparison(
            {"blog": [usage_of(16)], "handler": [usage_of(1)], "keyframe": [usage_of(16 / ratios[made.name])]}
        )
        return cpu.Row(made, shares[made.name], comparison, comparison)

    monkeypatch.setattr(cpu, "_measure_row", row)
    report = cpu.measure(
        [replace(_TINY, name=name) for name in shares if replace(_TINY, name=name).file()], tmp_path, 1, print
    )
    assert report["keyframe_decode_ratio_geomean"] == 8
    assert report["decode_ratio_geomean"] == 16


def test_footage_is_generated_once(folder: Path) -> None:
    path = _TINY.file()
    made = path.stat().st_mtime_ns
    assert _TINY.file() == path
    assert path.stat().st_mtime_ns == made
    assert [file.name for file in folder.iterdir()] == [_TINY.file_name]
    assert replace(_TINY, seconds=3).file_name != _TINY.file_name


def test_planning_is_compared_with_reading_the_same_packets() -> None:
    path = planning.make_video(60)
    with av.open(path, "r") as container:
        times = [packet.pts for packet in container.demux(video=0) if packet.size and packet.pts is not None]
    assert len(times) == len(set(times)) == 60 * planning.FPS
    assert planning.demux_seconds(path) > 0
    assert planning.planning_seconds(path) > 0


def fractions_used(path: Path) -> tuple[int, int]:
    """Count the calls of the modules `fractions` and `plan` until the first frame."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            calls[Path(frame.f_code.co_filename).stem] += 1

    sys.setprofile(count)
    try:
        planning.planning_seconds(path)
    finally:
        sys.setprofile(None)
    return calls["fractions"], calls["plan"]


def test_planning_uses_no_fractions_per_frame() -> None:
    (few, short), (as_few, long) = fractions_used(planning.make_video(60)), fractions_used(planning.make_video(120))
    assert long - short >= 60 * planning.FPS
    assert as_few == few


def test_bodies_are_measured_by_the_harness(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text("""#!/bin/sh\n[ "$2 $3" = "1 8" ] && echo '{"1": 0.5, "8": 2}' || { echo broken >&2; exit 1; }\n""")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bodies.measure([1, 8]) == {"1": 0.5, "8": 2}
    with pytest.raises(BodiesError, match="failed: broken"):
        bodies.measure([2])
    node.unlink()
    with pytest.raises(BodiesError, match="not on the PATH"):
        bodies.measure([1])


def test_the_gpu_benchmark_is_refused_without_a_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert command.main(["--gpu", "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("bench: --gpu needs a GPU that CUDA can use")
    assert printed.err.count("\n") == 1


def test_the_network_is_timed_for_each_batch(monkeypatch: pytest.MonkeyPatch, model_dir: Path) -> None:
    monkeypatch.setattr(networks, "coco", lambda: networks.small(model_dir))
    measured_speeds = gpu.speeds(_TINY.file(), Hardware("cpu", "float32", 1), (1, 2))
    assert list(measured_speeds) == ["1", "2"]
    assert all(figures["frames_per_second"] > 0 for figures in measured_speeds.values())


def test_decoding_is_timed_and_a_missing_decoder_is_explained() -> None:
    assert isinstance(gpu.decoding_speed(_TINY.file(), nvdec=False), float)
    if not torch.cuda.is_available():
        assert str(gpu.decoding_speed(_TINY.file(), nvdec=True)).startswith("not available: ")


def test_the_blogs_design_finds_objects_with_the_small_model(model_dir: Path, street: Path) -> None:
    frames = json.loads(blog.answer(networks.small(model_dir), street.read_bytes()))
    # Every thirtieth of 300 frames, independent of their times.
    assert len(frames) == 10
    assert all(len(frame["boxes"]) == len(frame["labels"]) == len(frame["scores"]) > 0 for frame in frames)
    assert all(0 <= side <= blog.SIDE for frame in frames for box in frame["boxes"] for side in box)
    scores = [score for frame in frames for score in frame["scores"]]
    assert max(scores) > 0.9


def test_the_large_network_finds_the_same_number_of_objects_in_every_frame() -> None:
    network = networks.coco()
    assert network.roi_heads.detections_per_img == networks.OBJECTS_PER_FRAME
    assert networks.input_pixels(1024, 1024) == 800 * 800
    assert networks.input_pixels(1920, 1080) == 1333 * 749


def test_medians_are_compared() -> None:
    comparison = Comparison(
        {"blog": [usage_of(9), usage_of(8), usage_of(100)], "handler": [usage_of(3), usage_of(1), usage_of(4)]}
    )
    assert comparison.ratio(lambda usage: usage.cpu_seconds) == 3


def test_designs_with_different_numbers_of_frames_are_not_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    frames = iter([3, 4])
    monkeypatch.setattr(compare, "in_new_process", lambda *_arguments: usage_of(1, next(frames)))
    with pytest.raises(DifferentFramesError, match=r"\[3, 4\] frames"):
        compare.compare("small", tmp_path / "a.mp4", tmp_path, 1, ProcessLimits())


def test_a_new_process_has_limits_and_separate_memory() -> None:
    ballast = np.ones(600 * _MEGABYTE, dtype=np.uint8)
    assert peak_memory() > ballast.nbytes
    assert in_new_process(ProcessLimits(), peak_memory) < 100 * _MEGABYTE
    assert len(in_new_process(ProcessLimits(cores=1), os.sched_getaffinity, 0)) == 1
    assert in_new_process(ProcessLimits(one_thread=True), os.getenv, "OMP_NUM_THREADS") == "1"


def test_a_job_is_measured() -> None:
    usage = measure_usage(lambda: sum(1 for _ in range(300_000)))
    assert usage.frames == 300_000
    assert usage.cpu_seconds > 0
    assert usage.seconds > 0


@pytest.mark.parametrize(
    ("spans", "expected"),
    [([], 0), ([(1, 2)], 1), ([(3, 4), (1, 2)], 2), ([(1, 4), (2, 3)], 3), ([(1, 3), (2, 5), (5, 6)], 5)],
)
def test_overlapping_spans_count_once(spans: list[tuple[float, float]], expected: float) -> None:
    assert covered_seconds(spans) == expected


def test_the_bytes_that_parts_and_few_samples_need_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = replace(ranges._COMMON, width=160, height=90)
    large = replace(ranges._LARGE, width=320, height=180)
    monkeypatch.setattr(ranges, "measure", partial(ranges.measure, common=common, large=large))
    assert ranges.main(["--json", "--seconds", "20"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report.keys() >= ranges.MAX_RATIOS.keys()
    assert report["bytes_read_overhead"] >= 1
    assert 0 < report["keyframe_bytes_read_share"] <= report["bytes_read_share"] < 1

"""Tests of the inputs that annotate.py refuses, and of its memory limit."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import annotate
from annotation.drawing import draw_detections
from annotation.errors import AnnotateError
from video_inference.mask_runs import encode
from videos.pictures import moving
from videos.times import regular
from videos.writer import write, write_numbered

CAR = {"label": "car", "label_id": 3, "score": 0.9, "box": [100.0, 80.0, 200.0, 160.0]}


def test_an_invalid_mask_is_refused() -> None:
    part = {"origin": [0, 0], "size": [40, 60], "counts": "0"}
    with pytest.raises(AnnotateError, match="A mask of the result is invalid"):
        draw_detections(Image.new("RGB", (320, 240)), [{**CAR, "mask": part}])


def test_a_mask_that_exceeds_the_picture_is_refused_before_it_is_decoded() -> None:
    part = {"origin": [0, 0], "size": [240, 321], "counts": encode(np.zeros((240, 321), dtype=np.bool_))}
    with pytest.raises(AnnotateError, match=r"321 x 240 pixels at .* not lie within a picture of 320 x 240"):
        draw_detections(Image.new("RGB", (320, 240)), [{**CAR, "mask": part}])


def _counts(*runs: int) -> str:
    """Encode up to three runs of any length."""
    text = ""
    for run in runs:
        number, more = run, True
        while more:
            group = number & 31
            number >>= 5
            more = number != 0 or group >= 16
            text += chr((group | 32 if more else group) + 48)
    return text


# A mask with one run of pixels, whose decoding needs n * n bytes.
HUGE = [{**CAR, "mask": {"origin": [0, 0], "size": [n, n], "counts": _counts(0, n * n)}} for n in (30_000, 2_000_000)]
MANY_RUNS = {**CAR, "mask": {"origin": [0, 0], "size": [360, 640], "counts": "1" * 360 * 640 + "00"}}
HOSTILE = {
    "a mask of 900 million pixels": (HUGE[0], "does not lie within the video's pictures"),
    "a mask of four trillion pixels": (HUGE[1], r"size\[[01]\], 2000000 is greater than the maximum"),
    "more runs than pixels": (MANY_RUNS, "counts do not describe a mask"),
    "a mask that exceeds the picture on the right": (
        {**CAR, "mask": {"origin": [600, 0], "size": [1, 41], "counts": _counts(41)}},
        "does not lie within",
    ),
    "a mask that exceeds the picture at the bottom": (
        {**CAR, "mask": {"origin": [0, 360], "size": [1, 1], "counts": "1"}},
        "does not lie within",
    ),
    "a box of a billion pixels": ({**CAR, "box": [0, 0, 1e9, 1e9]}, "is greater than the maximum"),
    "a box that exceeds the picture": ({**CAR, "box": [0, 0, 60_000, 100]}, "does not lie within"),
    "a box from right to left": ({**CAR, "box": [9, 0, 8, 1]}, "does not lie within"),
    "a box with NaN": ({**CAR, "box": [float("nan"), 0, 8, 1]}, "does not lie within"),
    "a label of a million characters": ({**CAR, "label": "car " * 250_000}, "is too long"),
}


@pytest.mark.parametrize(("detection", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_result_that_needs_too_much_memory_or_time_is_refused(
    detection: dict[str, Any], message: str, street: Path, result: Path, tmp_path: Path
) -> None:
    document = json.loads(result.read_text())
    document["frames"][0]["detections"] = [detection]
    result.write_text(json.dumps(document))
    tracemalloc.start()
    try:
        with pytest.raises(AnnotateError, match=message):
            annotate.annotate(street, result, tmp_path / "out")
        # The video needs one of these megabytes, its picture a few.
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert list(tmp_path.glob("out/*")) == []


def _python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder = Path(annotate.__file__).parent
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_program_limits_its_memory() -> None:
    done = _python(
        "import resource, runpy, sys\n"
        "try: runpy.run_path('annotate.py', run_name='__main__')\n"
        "finally: print(resource.getrlimit(resource.RLIMIT_DATA)[0], file=sys.stderr)",
        "--help",
    )
    assert done.returncode == 0
    assert 0 < int(done.stderr) <= 16 << 30


def test_a_video_that_exceeds_the_memory_limit_is_refused_in_one_line(
    street: Path, result: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["--video", str(street), "--result", str(result), "--out", str(out)]
    short = _python(
        "import annotate, sys; annotate.limit_memory(150 << 20); sys.exit(annotate.main(sys.argv[1:]))", *arguments
    )
    assert short.stderr == f"annotate.py: {street}: not enough memory to annotate this video; the limit is 150 MiB.\n"
    assert (short.returncode, short.stdout, list(out.iterdir())) == (1, "", [])


def test_a_video_that_is_larger_than_the_memory_limit_is_drawn(street: Path, result: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    with large.open("wb") as file:
        size = file.write(street.read_bytes())
        # A box that readers skip (ISO/IEC 14496-12, 8.1.2), which takes no space on the disk.
        file.write(struct.pack(">I4sQ", 1, b"free", 8 << 30))
        file.truncate(size + (8 << 30))
    done = _python(
        "import annotate, sys; annotate.limit_memory(4 << 30); sys.exit(annotate.main(sys.argv[1:]))",
        *("--video", str(large), "--result", str(result), "--out", str(tmp_path / "out")),
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupted_run_leaves_no_draft(street: Path, result: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, annotate.__file__, *map(str, ("--video", street, "--result", result, "--out", out))]
    drawing = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while not list(out.glob(".annotated.mp4.tmp")):
        assert drawing.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    drawing.terminate()
    assert drawing.wait(60) == 128 + signal.SIGTERM
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [("no json", "not JSON"), ("{}", "not a result"), ('{"error": "The body is empty."}', "not a result")],
)
def test_a_file_that_is_not_a_result_is_refused(
    content: str, message: str, street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(content)
    assert annotate.main(["--video", str(street), "--result", str(wrong), "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_video_is_reported(result: Path, tmp_path: Path) -> None:
    with pytest.raises(AnnotateError, match=r"none\.mp4: No such file"):
        annotate.annotate(tmp_path / "none.mp4", result, tmp_path / "out")


def test_a_file_that_is_not_a_video_is_refused(result: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(AnnotateError, match="not a video"):
        annotate.annotate(text, result, tmp_path / "out")


def test_a_result_of_another_size_is_refused_and_leaves_no_file(result: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    write_numbered(other, regular(10, 25))
    with pytest.raises(AnnotateError, match="another video: its pictures have 640x360"):
        annotate.annotate(other, result, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_part_without_frames_is_refused(result: Path, street: Path, tmp_path: Path) -> None:
    document = json.loads(result.read_text()) | {"frames": [], "part": {"from": 20, "to": 30}}
    result.write_text(json.dumps(document))
    with pytest.raises(AnnotateError, match="has no frames"):
        annotate.annotate(street, result, tmp_path)


def test_a_result_of_a_longer_video_is_refused(result: Path, tmp_path: Path) -> None:
    document = json.loads(result.read_text())
    document["frames"][1:] = [document["frames"][1] | {"timestamp": 36.0}]
    result.write_text(json.dumps(document))
    shorter = tmp_path / "shorter.mp4"
    write(shorter, [moving(number, 640, 360) for number in range(10)], regular(10, 25))
    with pytest.raises(AnnotateError, match=r"it has a frame at 36\.00 s, but this video ends after 0\.36 s"):
        annotate.annotate(shorter, result, tmp_path / "out")

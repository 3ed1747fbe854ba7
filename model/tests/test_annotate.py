"""Annotating draws a result on its video where and when it is true, and refuses inputs that are none."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tracemalloc
from contextlib import redirect_stdout
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import annotate
import inference
from annotation import stills
from annotation.drawing import draw_captions, draw_detections
from annotation.errors import AnnotateError
from annotation.movie import Movie
from annotation.stills import spread, still_of, write_animation, write_sheet
from tests.conftest import ROOM
from video_inference.mask_runs import encode
from video_inference.video import Video
from videos import regular, write_numbered
from videos.pictures import moving
from videos.writer import write

CAR = {"label": "car", "label_id": 3, "score": 0.9, "box": [100.0, 80.0, 200.0, 160.0]}


@pytest.fixture
def result(tmp_path: Path, street_result: str) -> Path:
    path = tmp_path / "result.json"
    path.write_text(street_result, "utf-8")
    return path


class _Masks:
    """A request context whose caller asks for masks."""

    def get_all_request_header(self, _idx: int) -> dict[str, object]:
        return {"X-Amzn-SageMaker-Custom-Attributes": "fps=1;masks=rle"}

    def set_response_status(self, code: int, phrase: str) -> None:
        raise AssertionError(f"{code} {phrase}")


def _nothing(mask: dict[str, Any]) -> dict[str, Any]:
    return {**mask, "counts": encode(np.zeros(mask["size"], dtype=np.bool_))}


def lit(picture: Image.Image) -> npt.NDArray[np.bool_]:
    return np.asarray(np.asarray(picture).max(axis=2) > 0)


def test_the_film_has_every_frame_and_the_animation_every_sample(street: Path, result: Path, tmp_path: Path) -> None:
    written = annotate.annotate(street, result, tmp_path / "out")
    with Video(written.movie.read_bytes()) as video:
        frames = sum(1 for _ in video.frames())
        assert (frames, video.info.width, video.info.height) == (300, 640, 360)
        assert video.info.duration == pytest.approx(12, abs=0.1)
    with Image.open(written.animation) as gif:
        assert getattr(gif, "n_frames", 1) == 12
    assert written.animation.stat().st_size < 3_000_000
    assert written.sheet is None
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["annotated.gif", "annotated.mp4"]


def test_boxes_are_shown_for_a_quarter_of_a_second_and_what_is_shown_says_when_it_was_found(
    street: Path, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    captions: list[str] = []
    monkeypatch.setattr(annotate, "draw_detections", lambda _picture, detections: drawn.append(detections))
    monkeypatch.setattr(annotate, "draw_captions", lambda _picture, time, _notice: captions.append(time))
    document = json.loads(result.read_text())
    with Video(street.read_bytes()) as video:
        samples = [shown.timestamp for shown in annotate._shown(video.frames(), document) if shown.is_sample]
    assert [float(time) for time in samples] == [frame["timestamp"] for frame in document["frames"]]
    # 25 frames a second, the model looks at one: it, and six more before a quarter of a second is over.
    assert drawn == [frame["detections"] for frame in document["frames"] for _ in range(7)]
    assert captions[25:27] == ["1.00 s", "1.04 s, found at 1.00 s"]
    assert captions[31:33] == ["1.24 s, found at 1.00 s", "1.28 s, not looked at"]


def test_a_box_is_drawn_where_the_result_says() -> None:
    picture = Image.new("RGB", (320, 240))
    draw_detections(picture, [CAR])
    drawn = lit(picture)
    assert drawn[160, 100:201].all()
    assert drawn[80:161, 200].all()
    assert not drawn[100:150, 110:190].any()


def test_a_mask_is_drawn_on_the_objects_pixels_and_no_others() -> None:
    mask = np.zeros((40, 60), dtype=np.bool_)
    mask[5:35, 10:50] = np.tri(30, 40, dtype=np.bool_)
    picture = Image.new("RGB", (320, 240))
    part = {"origin": [120, 100], "size": [40, 60], "counts": encode(mask)}
    draw_detections(picture, [{**CAR, "mask": part}])
    assert (lit(picture)[100:140, 120:180] == mask).all()


class Drawn(NamedTuple):
    """A result with masks, and what the command printed that drew it with a sheet."""

    result: str
    status: int
    printed: str


@pytest.fixture(scope="module")
def drawn(model: inference.Model, street: Path, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    folder = tmp_path_factory.mktemp("masks")
    answer, _ = inference.transform_fn(model, street.read_bytes(), "video/mp4", "application/json", _Masks())
    assert isinstance(answer, str)
    path = folder / "masks.json"
    path.write_text(answer)
    options = ["--video", str(street), "--result", str(path), "--out", str(folder / "out"), "--sheet", "--json"]
    with redirect_stdout(io.StringIO()) as printed:
        status = annotate.main(options)
    return Drawn(answer, status, printed.getvalue())


def test_the_handlers_masks_can_be_drawn(drawn: Drawn) -> None:
    frames = json.loads(drawn.result)["frames"]
    masks = [detection["mask"] for frame in frames for detection in frame["detections"]]
    assert len(masks) > 50
    for frame in frames:
        framed, filled = Image.new("RGB", (640, 360)), Image.new("RGB", (640, 360))
        draw_detections(
            framed, [{**detection, "mask": _nothing(detection["mask"])} for detection in frame["detections"]]
        )
        draw_detections(filled, frame["detections"])
        assert lit(filled).sum() > lit(framed).sum()
    assert drawn.status == 0
    assert Path(json.loads(drawn.printed)["movie"]).exists()


def test_a_mask_that_cannot_be_read_is_refused() -> None:
    part = {"origin": [0, 0], "size": [40, 60], "counts": "0"}
    with pytest.raises(AnnotateError, match="A mask of the result cannot be read"):
        draw_detections(Image.new("RGB", (320, 240)), [{**CAR, "mask": part}])


def test_a_mask_of_another_picture_is_refused_before_it_is_read() -> None:
    part = {"origin": [0, 0], "size": [240, 321], "counts": encode(np.zeros((240, 321), dtype=np.bool_))}
    with pytest.raises(AnnotateError, match=r"321 x 240 pixels at .* not lie within a picture of 320 x 240"):
        draw_detections(Image.new("RGB", (320, 240)), [{**CAR, "mask": part}])


def _counts(*runs: int) -> str:
    """Write up to three runs, of any length."""
    text = ""
    for run in runs:
        number, more = run, True
        while more:
            group = number & 31
            number >>= 5
            more = number != 0 or group >= 16
            text += chr((group | 32 if more else group) + 48)
    return text


# One run of pixels: with it, decoding takes size squared bytes.
HUGE = [{**CAR, "mask": {"origin": [0, 0], "size": [n, n], "counts": _counts(0, n * n)}} for n in (30_000, 2_000_000)]
MANY_RUNS = {**CAR, "mask": {"origin": [0, 0], "size": [360, 640], "counts": "1" * 360 * 640 + "00"}}
HOSTILE = {
    "a mask of 900 million pixels": (HUGE[0], "does not lie within the video's pictures"),
    "a mask of four trillion pixels": (HUGE[1], r"size\[[01]\], 2000000 is greater than the maximum"),
    "more runs than pixels": (MANY_RUNS, "counts of a mask"),
    "a mask that leaves the picture on the right": (
        {**CAR, "mask": {"origin": [600, 0], "size": [1, 41], "counts": _counts(41)}},
        "does not lie within",
    ),
    "a mask that leaves the picture below": (
        {**CAR, "mask": {"origin": [0, 360], "size": [1, 1], "counts": "1"}},
        "does not lie within",
    ),
    "a box of a billion pixels": ({**CAR, "box": [0, 0, 1e9, 1e9]}, "is greater than the maximum"),
    "a box that leaves the picture": ({**CAR, "box": [0, 0, 60_000, 100]}, "does not lie within"),
    "a box from right to left": ({**CAR, "box": [9, 0, 8, 1]}, "does not lie within"),
    "a box of no number": ({**CAR, "box": [float("nan"), 0, 8, 1]}, "does not lie within"),
    "a label of a million characters": ({**CAR, "label": "car " * 250_000}, "is too long"),
}


@pytest.mark.parametrize(("detection", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_result_that_would_take_memory_or_time_beyond_its_video_is_refused(
    detection: dict[str, Any], message: str, street: Path, result: Path, tmp_path: Path
) -> None:
    document = json.loads(result.read_text())
    document["frames"][0]["detections"] = [detection]
    result.write_text(json.dumps(document))
    tracemalloc.start()
    try:
        with pytest.raises(AnnotateError, match=message):
            annotate.annotate(street, result, tmp_path / "out")
        # Of which the video takes one, its picture a few.
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert list(tmp_path.glob("out/*")) == []


def test_stills_are_kept_no_larger_than_they_are_shown() -> None:
    large, narrow = Image.new("RGB", (6000, 3000)), Image.new("RGB", (2, 60_000))
    assert still_of(large, 24, sheet=False).size == (480, 240)
    assert still_of(large, 24, sheet=True).size == (480, 240)
    # Two side by side on the sheet, with gaps.
    assert still_of(large, 4, sheet=True).size == (948, 474)
    assert still_of(narrow, 24, sheet=False).size == (1, 1920)


def _python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder = Path(annotate.__file__).parent
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_program_limits_its_memory() -> None:
    told = _python(
        "import resource, runpy, sys\n"
        "try: runpy.run_path('annotate.py', run_name='__main__')\n"
        "finally: print(resource.getrlimit(resource.RLIMIT_DATA)[0], file=sys.stderr)",
        "--help",
    )
    assert told.returncode == 0
    assert 0 < int(told.stderr) <= 16 << 30


def test_a_video_that_takes_more_memory_than_the_limit_is_refused_in_one_line(
    street: Path, result: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["--video", str(street), "--result", str(result), "--out", str(out)]
    short = _python(
        "import annotate, sys; annotate.limit_memory(150 << 20); sys.exit(annotate.main(sys.argv[1:]))", *arguments
    )
    assert short.stderr == f"annotate.py: {street}: there is not enough memory to draw on it; the limit is 150 MiB.\n"
    assert (short.returncode, short.stdout, list(out.iterdir())) == (1, "", [])


def test_the_notice_is_on_the_picture() -> None:
    plain, told = Image.new("RGB", (640, 360)), Image.new("RGB", (640, 360))
    draw_captions(plain, "1.00 s", None)
    draw_captions(told, "1.00 s", "The model knows generated scenes only.")
    assert lit(told)[330:, 400:].any()
    assert not lit(plain)[330:, 400:].any()


def test_every_frame_of_the_film_bears_the_notice(street: Path, result: Path) -> None:
    document = json.loads(result.read_text())
    assert document["notice"] == "The model knows generated scenes only."
    with Video(street.read_bytes()) as video, Video(street.read_bytes()) as plain:
        for shown, frame in zip(annotate._shown(video.frames(), document), plain.frames(), strict=True):
            if frame.index % 50 == 0:
                told = np.asarray(shown.picture)[340:, 420:].astype(int)
                assert np.abs(told - frame.rgb()[340:, 420:]).mean() > 30


def test_a_sheet_shows_the_sampled_frames_side_by_side(drawn: Drawn) -> None:
    assert drawn.status == 0
    written = json.loads(drawn.printed)
    assert sorted(written) == ["animation", "movie", "sheet"]
    with Image.open(written["sheet"]) as sheet:
        # Twelve frames of 640x360 in three rows of four.
        assert sheet.size == (1920, 824)


@pytest.mark.parametrize("count", [1, 2, 5, 24])
def test_a_sheet_holds_any_number_of_stills(count: int, tmp_path: Path) -> None:
    write_sheet([Image.new("RGB", (320, 180), "#3ddc97")] * count, tmp_path / "sheet.jpg")
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        green = (np.asarray(sheet.convert("RGB"))[:, :, 0] < 128).sum()
        assert sheet.width <= 1920
        cell = min(320, (1920 - 8) // int(np.ceil(np.sqrt(count))) - 8)
        assert green == pytest.approx(count * cell * round(180 * cell / 320), rel=0.03)


def test_long_videos_are_shown_by_some_of_their_frames() -> None:
    assert spread(5) == {0, 1, 2, 3, 4}
    chosen = sorted(spread(3600))
    assert (len(chosen), chosen[0], chosen[-1]) == (24, 0, 3599)
    assert max(np.diff(chosen)) - min(np.diff(chosen)) <= 1


def test_an_animation_gets_narrower_until_it_is_small_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert stills._GIF_BYTES == 3_000_000
    # Two pictures of noise take 340 kB at 480 pixels, 150 kB at 320 and 60 kB at 200.
    noise = np.random.default_rng(0).integers(0, 256, (2, 270, 480, 3), dtype=np.uint8)
    for limit, width in ((400_000, 480), (200_000, 320), (100_000, 200)):
        monkeypatch.setattr(stills, "_GIF_BYTES", limit)
        write_animation([Image.fromarray(still) for still in noise], tmp_path / "noise.gif")
        with Image.open(tmp_path / "noise.gif") as gif:
            assert gif.width == width


@pytest.mark.parametrize(
    ("content", "message"),
    [("no json", "not JSON"), ("{}", "not a result"), ('{"error": "The body is empty."}', "not a result")],
)
def test_what_is_no_result_is_refused(
    content: str, message: str, street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(content)
    assert annotate.main(["--video", str(street), "--result", str(wrong), "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_video_is_named(result: Path, tmp_path: Path) -> None:
    with pytest.raises(AnnotateError, match=r"none\.mp4: No such file"):
        annotate.annotate(tmp_path / "none.mp4", result, tmp_path / "out")


def test_what_is_no_video_is_refused(result: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(AnnotateError, match="not a video"):
        annotate.annotate(text, result, tmp_path / "out")


def test_a_result_of_another_size_is_refused_and_nothing_half_made_is_left(result: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    write_numbered(other, regular(10, 25))
    with pytest.raises(AnnotateError, match="another video: its pictures have 640x360"):
        annotate.annotate(other, result, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_result_of_a_longer_video_is_refused(result: Path, tmp_path: Path) -> None:
    document = json.loads(result.read_text())
    document["frames"][1:] = [{"index": 900, "timestamp": 36.0, "sampled": "exact", "detections": []}]
    result.write_text(json.dumps(document))
    shorter = tmp_path / "shorter.mp4"
    write(shorter, [moving(number, 640, 360) for number in range(10)], regular(10, 25))
    with pytest.raises(AnnotateError, match=r"it has a frame of 36\.00 s, and this one ends after 0\.36 s"):
        annotate.annotate(shorter, result, tmp_path / "out")


def test_odd_sizes_can_be_written(tmp_path: Path) -> None:
    with Movie(tmp_path / "odd.mp4") as movie:
        movie.add(Image.new("RGB", (639, 359)), Fraction(0))
    with Video((tmp_path / "odd.mp4").read_bytes()) as video:
        assert len(list(video.frames())) == 1
        assert (video.info.width, video.info.height) == (638, 358)


def test_no_torch_is_imported() -> None:
    blocked = "import sys; sys.modules['torch'] = None; import annotate; annotate.main(['--help'])"
    done = subprocess.run([sys.executable, "-c", blocked], cwd=ROOM, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

"""Tests of the annotated video, the animation and the sheet."""

from __future__ import annotations

import io
import json
import subprocess
import sys
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
from annotation.movie import Movie
from annotation.stills import choose_evenly, make_still, write_animation, write_sheet
from tests.conftest import MODULE
from video_inference.mask_runs import encode
from video_inference.video import Video

CAR = {"label": "car", "label_id": 3, "score": 0.9, "box": [100.0, 80.0, 200.0, 160.0]}


class _Masks:
    """Request context with the option for masks."""

    def get_all_request_header(self, _idx: int) -> dict[str, object]:
        return {"X-Amzn-SageMaker-Custom-Attributes": "fps=1;masks=rle"}

    def set_response_status(self, code: int, phrase: str) -> None:
        raise AssertionError(f"{code} {phrase}")


def _nothing(mask: dict[str, Any]) -> dict[str, Any]:
    return {**mask, "counts": encode(np.zeros(mask["size"], dtype=np.bool_))}


def lit_pixels(picture: Image.Image) -> npt.NDArray[np.bool_]:
    return np.asarray(np.asarray(picture).max(axis=2) > 0)


def test_the_video_has_every_frame_and_the_animation_every_sample(street: Path, result: Path, tmp_path: Path) -> None:
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


def test_the_progress_grows_to_the_end(street: Path, result: Path, tmp_path: Path) -> None:
    shares: list[float] = []
    annotate.annotate(street, result, tmp_path / "out", progress=shares.append)
    assert shares == sorted(shares)
    assert (len(shares), shares[0]) == (300, 0)
    assert shares[150] == pytest.approx(0.5, abs=0.01)
    assert 0.99 < shares[-1] <= 1


def test_the_progress_is_printed_on_request(
    street: Path, result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(annotate, "_PROGRESS_SECONDS", 0.0)
    document = json.loads(result.read_text())
    # The last sample tells how long the video is.
    document["video"]["duration"] = None
    unknown = tmp_path / "unknown.json"
    unknown.write_text(json.dumps(document))
    arguments = ["--video", str(street), "--result", str(unknown), "--out", str(tmp_path / "out"), "--progress"]
    assert annotate.main(arguments) == 0
    lines = capsys.readouterr().err.splitlines()
    assert (lines[0], lines[-1]) == ("annotate.py: 0.00 % drawn", "annotate.py: 100.00 % drawn")


def test_captions_state_the_time_of_the_shown_detections(
    street: Path, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: list[str] = []
    monkeypatch.setattr(annotate, "draw_captions", lambda _picture, time, _notice: captions.append(time))
    document = json.loads(result.read_text())
    document["frames"] = document["frames"][:3]
    with Video(street.read_bytes()) as video:
        samples = [shown.timestamp for shown in annotate._annotated_frames(video.frames(), document) if shown.is_sample]
    assert [float(time) for time in samples] == [0, 1, 2]
    assert captions[25:27] == ["1.00 s", "1.04 s, found at 1.00 s"]
    assert captions[100:102] == ["4.00 s, found at 2.00 s", "4.04 s, not sampled"]


def test_a_box_is_drawn_at_its_position_in_the_result() -> None:
    picture = Image.new("RGB", (320, 240))
    draw_detections(picture, [CAR])
    drawn = lit_pixels(picture)
    assert drawn[160, 100:201].all()
    assert drawn[80:161, 200].all()
    assert not drawn[100:150, 110:190].any()


def test_a_mask_is_drawn_only_on_the_objects_pixels() -> None:
    mask = np.zeros((40, 60), dtype=np.bool_)
    mask[5:35, 10:50] = np.tri(30, 40, dtype=np.bool_)
    picture = Image.new("RGB", (320, 240))
    part = {"origin": [120, 100], "size": [40, 60], "counts": encode(mask)}
    draw_detections(picture, [{**CAR, "mask": part}])
    assert (lit_pixels(picture)[100:140, 120:180] == mask).all()


class Drawn(NamedTuple):
    """Result with masks, and exit status and output of the command that drew it with a sheet."""

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
        assert lit_pixels(filled).sum() > lit_pixels(framed).sum()
    assert drawn.status == 0
    assert Path(json.loads(drawn.printed)["movie"]).exists()


def test_stills_are_no_larger_than_their_display_size() -> None:
    large, narrow = Image.new("RGB", (6000, 3000)), Image.new("RGB", (2, 60_000))
    assert make_still(large, 24, sheet=False).size == (480, 240)
    assert make_still(large, 24, sheet=True).size == (480, 240)
    # Two stills side by side on the sheet, with gaps.
    assert make_still(large, 4, sheet=True).size == (948, 474)
    assert make_still(narrow, 24, sheet=False).size == (1, 1920)


def test_a_picture_shows_the_notice() -> None:
    plain, captioned = Image.new("RGB", (640, 360)), Image.new("RGB", (640, 360))
    draw_captions(plain, "1.00 s", None)
    draw_captions(captioned, "1.00 s", "The model knows generated scenes only.")
    assert lit_pixels(captioned)[330:, 400:].any()
    assert not lit_pixels(plain)[330:, 400:].any()


def test_every_frame_of_the_video_shows_the_notice(street: Path, result: Path) -> None:
    document = json.loads(result.read_text())
    assert document["notice"] == "The model knows generated scenes only."
    with Video(street.read_bytes()) as video, Video(street.read_bytes()) as plain:
        for shown, frame in zip(annotate._annotated_frames(video.frames(), document), plain.frames(), strict=True):
            if frame.index % 50 == 0:
                captioned = np.asarray(shown.picture)[340:, 420:].astype(int)
                assert np.abs(captioned - frame.rgb()[340:, 420:]).mean() > 30


def test_a_sheet_shows_the_sampled_frames_side_by_side(drawn: Drawn) -> None:
    assert drawn.status == 0
    written = json.loads(drawn.printed)
    assert sorted(written) == ["animation", "movie", "sheet"]
    with Image.open(written["sheet"]) as sheet:
        # The sheet has twelve frames of 640x360 in three rows of four.
        assert sheet.size == (1920, 824)


@pytest.mark.parametrize("count", [1, 2, 5, 24])
def test_a_sheet_shows_any_number_of_stills(count: int, tmp_path: Path) -> None:
    write_sheet([Image.new("RGB", (320, 180), "#3ddc97")] * count, tmp_path / "sheet.jpg")
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        green = (np.asarray(sheet.convert("RGB"))[:, :, 0] < 128).sum()
        assert sheet.width <= 1920
        cell = min(320, (1920 - 8) // int(np.ceil(np.sqrt(count))) - 8)
        assert green == pytest.approx(count * cell * round(180 * cell / 320), rel=0.03)


def test_long_videos_have_at_most_24_stills() -> None:
    assert choose_evenly(5) == {0, 1, 2, 3, 4}
    chosen = sorted(choose_evenly(3600))
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


def test_odd_sizes_can_be_written(tmp_path: Path) -> None:
    with Movie(tmp_path / "odd.mp4") as movie:
        movie.add(Image.new("RGB", (639, 359)), Fraction(0))
    with Video((tmp_path / "odd.mp4").read_bytes()) as video:
        assert len(list(video.frames())) == 1
        assert (video.info.width, video.info.height) == (638, 358)


def test_no_torch_is_imported() -> None:
    blocked = "import sys; sys.modules['torch'] = None; import annotate; annotate.main(['--help'])"
    done = subprocess.run([sys.executable, "-c", blocked], cwd=MODULE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

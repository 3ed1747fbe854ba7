"""Annotating draws the result's boxes on its video, and refuses inputs that are not what they should be."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import annotate
from video_inference.video import Video
from videos import regular, write_numbered


@pytest.fixture
def result(tmp_path: Path, street_result: str) -> Path:
    path = tmp_path / "result.json"
    path.write_text(street_result, "utf-8")
    return path


def test_the_movie_has_every_frame_and_the_animation_every_sample(street: Path, result: Path, tmp_path: Path) -> None:
    movie, animation = annotate.annotate(street, result, tmp_path / "out")
    with Video(movie.read_bytes()) as video:
        frames = sum(1 for _ in video.frames())
        assert (frames, video.info.width, video.info.height) == (300, 640, 360)
        assert video.info.duration == pytest.approx(12, abs=0.1)
    with Image.open(animation) as gif:
        assert getattr(gif, "n_frames", 1) == 12
    assert animation.stat().st_size < 3_000_000
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["annotated.gif", "annotated.mp4"]


def test_a_box_is_drawn_where_the_result_says() -> None:
    picture = Image.new("RGB", (320, 240))
    detection = {"label": "car", "label_id": 3, "score": 0.9, "box": [100.0, 80.0, 200.0, 160.0]}
    annotate.draw(picture, {"timestamp": 0.0, "detections": [detection]}, 0.0, None)
    drawn = np.asarray(picture).max(axis=2) > 0
    assert drawn[160, 100:201].all()
    assert drawn[80:161, 200].all()
    assert not drawn[100:150, 110:190].any()


def test_the_notice_is_on_the_picture() -> None:
    plain, told = Image.new("RGB", (640, 360)), Image.new("RGB", (640, 360))
    boxes = {"timestamp": 0.0, "detections": []}
    annotate.draw(plain, boxes, 0.0, None)
    annotate.draw(told, boxes, 0.0, "The model knows generated scenes only.")
    assert np.asarray(told)[330:, 400:].any()
    assert not np.asarray(plain)[330:, 400:].any()


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
    with pytest.raises(annotate.AnnotateError, match=r"none\.mp4: No such file"):
        annotate.annotate(tmp_path / "none.mp4", result, tmp_path / "out")


def test_what_is_no_video_is_refused(result: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(annotate.AnnotateError, match="not a video"):
        annotate.annotate(text, result, tmp_path / "out")


def test_another_videos_result_is_refused_and_nothing_half_made_is_left(result: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    write_numbered(other, regular(10, 25))
    with pytest.raises(annotate.AnnotateError, match="another video"):
        annotate.annotate(other, result, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_odd_sizes_can_be_written(tmp_path: Path) -> None:
    with annotate._Movie(tmp_path / "odd.mp4") as movie:
        movie.add(Image.new("RGB", (639, 359)), Fraction(0))
    with Video((tmp_path / "odd.mp4").read_bytes()) as video:
        assert len(list(video.frames())) == 1
        assert (video.info.width, video.info.height) == (638, 358)

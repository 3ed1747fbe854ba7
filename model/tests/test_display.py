"""Tests that the network gets pictures as players show them, and that the result describes them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.ops import box_iou

import inference
from tests.handler import invoke
from video_inference.frame import VideoInfo
from video_inference.picture import Rgb, square_width
from video_inference.video import DEFAULT_MAX_PIXELS, Video
from videos.display import DISPLAY_SAMPLES, INTERLACED_STEP, interleaved
from videos.good import GOOD, film
from videos.hdr import to_hdr
from videos.pictures import HEIGHT, WIDTH, moving, number_of
from videos.remux import spliced, with_tracks
from videos.sample import Sample
from videos.times import regular
from videos.writer import Encoding, Field, write

SECONDS = range(4)
NAMED = {sample.name: sample for sample in DISPLAY_SAMPLES}


def samples(path: Path, sample: Sample | None = None) -> tuple[list[Rgb], VideoInfo]:
    """Sample a video once a second. Returns the pictures for the network, and the properties of the video."""
    body = (sample or NAMED[path.name]).write(path)
    with Video(body, 2) as video:
        pictures = [frame.rgb() for frame in video.samples(Fraction(1))]
        assert video.truncation is None
        return pictures, video.info


def painted(second: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Rgb:
    return moving(25 * second, *size)


def difference(picture: Rgb, other: Rgb) -> float:
    assert picture.shape == other.shape
    return float(np.abs(picture.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize(
    ("name", "rotation"), [("mirrored.mp4", 0), ("flipped.mp4", 180), ("mirrored-turned.mp4", 270)]
)
def test_mirrored_videos_are_mirrored_before_the_rotation(tmp_path: Path, name: str, rotation: int) -> None:
    pictures, info = samples(tmp_path / name)
    assert info.rotation == rotation
    assert len(pictures) == len(SECONDS)
    for second, picture in zip(SECONDS, pictures, strict=True):
        # numpy rotates counterclockwise.
        expected = np.rot90(painted(second)[:, ::-1], -rotation // 90)
        assert (info.height, info.width, 3) == expected.shape
        assert difference(picture, np.ascontiguousarray(expected)) < 4


def test_side_data_of_an_unknown_type_hides_only_the_mirroring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unnamed(_frame: av.VideoFrame) -> None:
        raise ValueError("34 is not a valid Type")

    monkeypatch.setattr("video_inference.picture._side_data", unnamed)
    _, info = samples(tmp_path / "mirrored-turned.mp4")
    assert info.rotation == 90


@pytest.mark.parametrize("name", ["two-tracks.mp4", "thumbnail.mp4"])
def test_the_main_track_is_read_and_its_number_reported(tmp_path: Path, name: str) -> None:
    pictures, info = samples(tmp_path / name)
    assert (info.track, info.width, info.height) == (1, WIDTH, HEIGHT)
    assert [number_of(picture) for picture in pictures] == [0, 25, 50, 75]


def test_the_larger_track_is_read_if_none_is_the_default(tmp_path: Path) -> None:
    for name, size in (("small.mkv", (80, 48)), ("large.mkv", (WIDTH, HEIGHT))):
        write(tmp_path / name, film(10, *size), regular(10, 25))
    body = with_tracks(tmp_path / "both.mkv", [tmp_path / "small.mkv", tmp_path / "large.mkv"])
    with Video(body) as video:
        assert next(video.frames()).rgb().shape == (HEIGHT, WIDTH, 3)
        assert video.info.track == 1


def test_boxes_and_masks_of_growing_pictures_stay_in_pixels_of_the_first_frame(
    model: inference.Model, tmp_path: Path, street: Path
) -> None:
    with Video(street.read_bytes()) as video:
        picture = next(video.samples(Fraction(1))).rgb()
    small = np.asarray(Image.fromarray(picture).resize((320, 180)))
    for name, one in (("small.webm", small), ("large.webm", picture)):
        encoding = Encoding(options={"b": "0", "crf": "12"})
        write(tmp_path / name, [one] * 25, regular(25, 25), "libvpx-vp9", encoding=encoding)
    body = spliced(tmp_path / "grows.webm", tmp_path / "small.webm", tmp_path / "large.webm", milliseconds=1000)
    status, result = invoke(model, body, "masks=rle")
    assert status == 200, result
    assert (result["truncated"], len(result["frames"])) == (False, 2)
    assert (result["video"]["width"], result["video"]["height"]) == (320, 180)
    early, late = (frame["detections"] for frame in result["frames"])
    assert len(early) > 0
    overlaps = box_iou(torch.tensor([one["box"] for one in late]), torch.tensor([one["box"] for one in early]))
    assert (overlaps.amax(dim=0) > 0.8).all()
    for mask in (one["mask"] for one in late):
        assert mask["origin"][0] + mask["size"][1] <= 320
        assert mask["origin"][1] + mask["size"][0] <= 180


def test_the_pictures_of_the_growing_sample_grow(tmp_path: Path) -> None:
    pictures, info = samples(tmp_path / "grows.webm")
    assert (info.width, info.height) == (WIDTH, HEIGHT)
    assert [picture.shape[:2] for picture in pictures] == [(96, 160), (96, 160), (384, 640), (384, 640)]
    assert [number_of(picture) for picture in pictures] == [0, 25, 50, 75]


def test_boxes_are_scaled_to_the_pixels_of_the_first_frame(model: inference.Model, street: Path) -> None:
    with Video(street.read_bytes()) as video:
        picture = next(video.samples(Fraction(1))).rgb()
    own = model.detector.detect([picture], 0.5)[0]
    scaled = model.detector.detect([picture], 0.5, size=(320, 180))[0]
    assert own
    for one, other in zip(own, scaled, strict=True):
        assert other.box == pytest.approx([side / 2 for side in one.box])


def test_pixels_are_made_square(tmp_path: Path) -> None:
    pictures, info = samples(tmp_path / "wide-pixels.mp4")
    assert (info.width, info.height) == (round(WIDTH * 64 / 45), HEIGHT)
    assert all(picture.shape == (info.height, info.width, 3) for picture in pictures)
    assert [number_of(picture) for picture in pictures] == [0, 25, 50, 75]


def test_an_implausible_pixel_aspect_is_ignored(tmp_path: Path) -> None:
    encoding = Encoding(options={"x264-params": "sar=60000/1"})
    body = write(tmp_path / "video.mp4", film(3), regular(3, 25), encoding=encoding)
    with Video(body) as video:
        assert next(video.frames()).rgb().shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    ("aspect", "size", "width"),
    [
        (Fraction(64, 45), (720, 576), 1024),
        (Fraction(8, 9), (720, 480), 640),
        (Fraction(0), (720, 480), 720),
        (Fraction(11), (720, 480), 720),
        (Fraction(2), (5000, 4000), 5000),
        (Fraction(2), (40_000, 10), 40_000),
    ],
    ids=["wide", "narrow", "unknown", "absurd", "too many pixels", "too long a side"],
)
def test_the_width_of_square_pixels_stays_within_the_limits(
    aspect: Fraction, size: tuple[int, int], width: int
) -> None:
    assert square_width(*size, aspect, DEFAULT_MAX_PIXELS) == width


def test_hd_without_a_tag_has_the_colours_of_tagged_hd(tmp_path: Path) -> None:
    untagged, tagged = (samples(tmp_path / name)[0] for name in ("hd-untagged.mp4", "hd-tagged.mp4"))
    for second, one, other in zip(SECONDS, untagged, tagged, strict=True):
        assert np.abs(one.astype(int) - other.astype(int)).max() < 4
        assert difference(one, painted(second, (1280, 720))) < 4


@pytest.mark.parametrize(("name", "transfer"), [("pq.mp4", "smpte2084"), ("hlg.mov", "arib-std-b67")])
def test_hdr_is_mapped_to_the_colours_of_sdr(tmp_path: Path, name: str, transfer: str) -> None:
    pictures, info = samples(tmp_path / name)
    assert info.transfer == transfer
    for second, picture in zip(SECONDS, pictures, strict=True):
        expected = painted(second)
        washed_out = (to_hdr(expected, "pq" if name.startswith("pq") else "hlg") >> 8).astype(np.uint8)
        # Dark and middle tones do not change. Bright ones are compressed for highlights.
        dark = expected.max(axis=2) < 128
        assert difference(picture[dark], expected[dark]) < 6
        assert difference(picture, expected) < difference(washed_out, expected) / 2


def rows(picture: Rgb) -> float:
    """Return the mean difference of each row to the next one."""
    return float(np.abs(np.diff(picture.astype(int), axis=0)).mean())


@pytest.mark.parametrize("name", ["interlaced.mp4", "interlaced-top.mp4"])
def test_interlaced_pictures_have_no_combing(tmp_path: Path, name: str) -> None:
    pictures, _ = samples(tmp_path / name)
    assert len(pictures) == len(SECONDS)
    for second, picture in zip(SECONDS, pictures, strict=True):
        reference = moving(2 * INTERLACED_STEP * 25 * second)
        assert rows(picture) <= 1.2 * rows(reference)
        assert difference(picture, reference) < 6


@pytest.mark.parametrize("first_field", ["top", "bottom"])
def test_the_interlaced_samples_show_combing_without_deinterlacing(first_field: Field) -> None:
    reference = moving(2 * INTERLACED_STEP * 25)
    assert rows(interleaved(25, first_field)) > 1.2 * rows(reference)


def test_the_result_has_the_time_at_which_players_show_the_first_frame(model: inference.Model, tmp_path: Path) -> None:
    late = {sample.name: sample for sample in GOOD}
    for name, start in (("late.mp4", 2.0), ("late.mkv", 2.0), ("late.m2ts", 7.0), ("rate-25.mp4", 0.0)):
        status, result = invoke(model, late[name].write(tmp_path / name))
        assert (status, result["video"]["start"]) == (200, start)
        assert result["frames"][0]["timestamp"] == 0


def test_ogg_is_read(tmp_path: Path) -> None:
    # FFmpeg gives the first two frames of VP8 in Ogg the same time.
    body = write(tmp_path / "video.ogv", film(50), regular(50, 25), "libvpx")
    with Video(body) as video:
        numbers = [number_of(frame.rgb()) for frame in video.frames()]
        assert (numbers, video.truncation) == (list(range(50)), None)

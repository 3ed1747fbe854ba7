"""The annotated annotate_video and animation, decoded: boxes do not flicker, and colours stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageSequence

import annotate
from video_inference.video import Video
from videos.times import regular
from videos.writer import write

GREY = np.full((180, 320, 3), 60, dtype=np.uint8)
COLOURFUL = np.random.default_rng(0).integers(0, 256, (180, 320, 3), dtype=np.uint8)

GREEN = (158, 240, 26)
"""Colour of boxes and labels of persons: #9ef01a."""


def person(box: list[float]) -> dict[str, Any]:
    return {"label": "person", "label_id": 1, "score": 0.9, "box": box}


class AnnotatedVideo(NamedTuple):
    """An annotated video, decoded: pictures of the video and of the animation, and the label's left edge."""

    pictures: list[npt.NDArray[np.uint8]]
    stills: list[npt.NDArray[np.uint8]]
    lefts: list[int | None]


@pytest.fixture
def annotate_video(street_result: str, tmp_path: Path) -> Callable[..., AnnotatedVideo]:
    """Function that annotates two seconds of a video with detections at 0 s and 1 s, and decodes the files."""

    def annotated(
        *found: list[dict[str, Any]], frames: int = 50, picture: npt.NDArray[np.uint8] = GREY
    ) -> AnnotatedVideo:
        document = json.loads(street_result)
        document["notice"] = None
        document["video"] |= {"width": 320, "height": 180}
        document["frames"] = [
            frame | {"detections": detections}
            for frame, detections in zip(document["frames"][: len(found)], found, strict=True)
        ]
        (tmp_path / "found.json").write_text(json.dumps(document))
        write(tmp_path / "video.mp4", [picture] * frames, regular(frames, 25))
        written = annotate.annotate(tmp_path / "video.mp4", tmp_path / "found.json", tmp_path / "out")
        with Video(written.movie.read_bytes()) as video:
            pictures = [frame.rgb() for frame in video.frames()]
        with Image.open(written.animation) as gif:
            stills = [np.asarray(still.convert("RGB")) for still in ImageSequence.Iterator(gif)]
        return AnnotatedVideo(pictures, stills, [_left_of(picture) for picture in pictures])

    return annotated


def _left_of(picture: npt.NDArray[np.uint8]) -> int | None:
    """Return the first column with the colour of persons, with tolerance for compression."""
    near = np.abs(picture.astype(int) - GREEN).max(axis=2) < 110
    columns = np.flatnonzero(near.sum(axis=0) > 20)
    return int(columns[0]) if columns.size else None


def test_boxes_stay_until_the_next_sample_without_flicker(annotate_video: Callable[..., AnnotatedVideo]) -> None:
    lefts = annotate_video([person([100, 60, 180, 150])], [person([100, 60, 180, 150])]).lefts
    assert len(lefts) == 50
    assert all(left is not None and abs(left - 100) <= 2 for left in lefts)


def test_the_box_of_an_object_that_is_in_both_samples_moves_from_one_to_the_other(
    annotate_video: Callable[..., AnnotatedVideo],
) -> None:
    lefts = annotate_video([person([100, 60, 180, 150])], [person([125, 60, 205, 150])]).lefts
    expected = [100 + min(number, 25) for number in range(50)]
    assert all(left is not None and abs(left - at) <= 2 for left, at in zip(lefts, expected, strict=True))


def test_the_box_of_an_object_that_is_not_in_the_next_sample_stays_until_then(
    annotate_video: Callable[..., AnnotatedVideo],
) -> None:
    # The box of the next sample does not overlap it, so it may be another person.
    lefts = annotate_video([person([20, 60, 60, 150])], [person([200, 60, 280, 150])]).lefts
    assert all(left is not None and abs(left - 20) <= 2 for left in lefts[:25])
    assert all(left is not None and abs(left - 200) <= 2 for left in lefts[25:])


def test_boxes_disappear_after_two_intervals_without_a_sample(annotate_video: Callable[..., AnnotatedVideo]) -> None:
    lefts = annotate_video([person([100, 60, 180, 150])], frames=75).lefts
    assert all(left is not None for left in lefts[:50])
    assert set(lefts[52:]) == {None}


def test_a_labels_colour_is_the_same_in_the_animation_and_in_the_video(
    annotate_video: Callable[..., AnnotatedVideo],
) -> None:
    shown = annotate_video([person([100, 60, 180, 150])], [person([100, 60, 180, 150])], picture=COLOURFUL)
    # Area of the label to the left of its letters.
    inside_label = (slice(46, 58), slice(101, 102))
    assert [tuple(still[inside_label][0, 0]) for still in shown.stills] == [GREEN, GREEN]
    for picture in (shown.pictures[0], shown.pictures[25]):
        assert np.abs(picture[inside_label].astype(int) - GREEN).max() <= 16


def test_an_animation_has_one_palette(street: Path, result: Path, tmp_path: Path) -> None:
    animation = annotate.annotate(street, result, tmp_path / "out").animation
    with Image.open(animation) as gif:
        pictures = [np.asarray(still.convert("RGB")) for still in ImageSequence.Iterator(gif)]
    assert len(pictures) == 12
    # A palette has up to 256 colours.
    assert 100 < len(np.unique(np.concatenate(pictures).reshape(-1, 3), axis=0)) <= 256

"""Tests of `sampling=keyframe`: keyframes near the targets replace exact frames, and only they are decoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import inference
from tests.handler import invoke
from video_inference.video import Video
from videos.good import film
from videos.pictures import number_of
from videos.times import regular
from videos.writer import Codec, Encoding, write

GROUP = 23
"""Number of frames of a group of pictures: 0.92 s. Each target has a keyframe within 0.24 s."""


@pytest.mark.parametrize(("name", "codec"), [("video.mp4", "libx264"), ("video.mkv", "libx265")])
def test_only_the_keyframes_are_decoded(tmp_path: Path, name: str, codec: Codec) -> None:
    body = write(tmp_path / name, film(100), regular(100, 25), codec, encoding=Encoding(GROUP))
    with Video(body, 1) as video:
        pictures = [frame.rgb() for frame in video.samples(Fraction(1), sampling="keyframe")]
        assert [number_of(picture) for picture in pictures] == [0, GROUP, 2 * GROUP, 3 * GROUP]
        assert video.decoded == 4
    with Video(body, 1) as video:
        assert [number_of(frame.rgb()) for frame in video.samples(Fraction(1))] == [0, 25, 50, 75]
        assert video.decoded > 4


def test_the_result_states_how_each_frame_was_sampled(model: inference.Model, tmp_path: Path) -> None:
    # The only keyframes are at 0 and 2.4 s. The second one is within half a second of 2 s.
    body = write(tmp_path / "video.mp4", film(100), regular(100, 25), encoding=Encoding(60))
    for options, indices, sampled in (
        ("", [0, 25, 50, 75], ["exact"] * 4),
        ("sampling=exact", [0, 25, 50, 75], ["exact"] * 4),
        ("sampling=keyframe", [0, 25, 60, 75], ["exact", "exact", "keyframe", "exact"]),
    ):
        status, result = invoke(model, body, options)
        assert status == 200
        assert [frame["index"] for frame in result["frames"]] == indices
        assert [frame["timestamp"] for frame in result["frames"]] == [index / 25 for index in indices]
        assert [frame["sampled"] for frame in result["frames"]] == sampled

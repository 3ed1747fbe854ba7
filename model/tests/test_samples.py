"""Tests that sampling gives the same frames as decoding all frames, and decodes fewer if the times are reliable."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from video_inference.frame import Frame
from video_inference.picture import Rgb
from video_inference.sampling import sample_by_time
from video_inference.track import Track
from video_inference.video import Video
from videos.good import GOOD
from videos.times import regular
from videos.writer import Codec, Encoding, write

RATES = [Fraction(1), Fraction(7, 5), Fraction(1000)]
EVERY = "Every frame is decoded"


@cache
def moving(count: int) -> list[Rgb]:
    """Paint a moving texture, so that encoders refer to other frames, and a flicker that differs in all frames."""
    texture = np.random.default_rng(5).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    texture = np.kron(texture[:25, :38], np.ones((8, 8, 1), dtype=np.uint8))
    pictures = []
    for index in range(count):
        y, x = index * 2 % 90, index * 3 % 130
        picture = texture[y : y + 96, x : x + 160].copy()
        picture[:16, :16] = index * 41 % 256
        pictures.append(picture)
    return pictures


class Whole(NamedTuple):
    """All frames of a video, whether it is truncated, and the number of decoded frames."""

    frames: list[Frame]
    truncated: bool
    decoded: int


def whole(body: bytes) -> Whole:
    with Video(body, 2) as video:
        return Whole(list(video.frames()), video.truncation is not None, video.decoded)


def chosen(video: Whole, fps: Fraction) -> list[tuple[int, Fraction, bytes]]:
    """Sample from all frames."""
    chosen = sample_by_time(video.frames, video.frames[0].tick, fps)
    return [(one.index, one.timestamp, one.rgb().tobytes()) for _, one in chosen]


def sampled(body: bytes, fps: Fraction) -> tuple[list[tuple[int, Fraction, bytes]], bool, int]:
    with Video(body, 2) as video:
        frames = [(one.index, one.timestamp, one.rgb().tobytes()) for one in video.samples(fps)]
        return frames, video.truncation is not None, video.decoded


def assert_same(body: bytes) -> Whole:
    """Check the samples at each rate against all frames, which are returned."""
    everything = whole(body)
    for fps in RATES:
        assert sampled(body, fps)[:2] == (chosen(everything, fps), everything.truncated)
    return everything


def h264(parameters: str) -> dict[str, str]:
    return {"preset": "veryfast", "x264-params": parameters}


def hevc(parameters: str) -> dict[str, str]:
    return {"preset": "ultrafast", "x265-params": f"log-level=none:{parameters}"}


VP9 = {"deadline": "good", "cpu-used": "8", "g": "50", "auto-alt-ref": "1", "lag-in-frames": "16", "b": "200k"}
STEADY = regular(150, 25)
UNEVEN = [Fraction(index, 5) for index in range(15)] + [3 + Fraction(index, 50) for index in range(135)]

Source = tuple[str, Codec, list[Fraction], Mapping[str, str]]

PLANNED: dict[str, Source] = {
    "H.264": ("video.mp4", "libx264", STEADY, h264("keyint=40")),
    "H.264 without B-frames": ("video.mov", "libx264", STEADY, h264("keyint=60:bframes=0")),
    "H.264 with frames referring to B-frames": (
        "video.mkv",
        "libx264",
        STEADY,
        h264("keyint=100:bframes=7:b-pyramid=normal:ref=5"),
    ),
    "H.264 in open groups": ("video.mp4", "libx264", STEADY, h264("keyint=30:open-gop=1:bframes=5:scenecut=0")),
    "H.264 at 59.94": ("video.mp4", "libx264", regular(150, Fraction(60_000, 1001)), h264("keyint=50")),
    "H.264 at a variable rate": ("video.mp4", "libx264", UNEVEN, h264("keyint=40")),
    "H.264 at a variable rate in milliseconds": ("video.mkv", "libx264", UNEVEN, h264("keyint=40")),
    "H.264 with a late start": ("video.mkv", "libx264", [7 + time for time in STEADY], h264("keyint=40")),
    "H.264 with an edit list": ("video.mp4", "libx264", [time - 1 for time in STEADY], h264("keyint=60")),
    "H.264 in a transport stream": ("video.ts", "libx264", STEADY, h264("keyint=40")),
    "H.264 in a transport stream with a late start": (
        "video.m2ts",
        "libx264",
        [7 + time for time in STEADY],
        h264("keyint=40"),
    ),
    "HEVC in a transport stream": ("video.ts", "libx265", STEADY, hevc("keyint=40:open-gop=0")),
    "H.264 in FLV": ("video.flv", "libx264", STEADY, h264("keyint=40")),
    "HEVC in open groups": ("video.mp4", "libx265", STEADY, hevc("keyint=30:open-gop=1:bframes=4")),
    "HEVC in closed groups": ("video.mkv", "libx265", STEADY, hevc("keyint=40:open-gop=0")),
    "HEVC in temporal layers": ("video.mp4", "libx265", STEADY, hevc("keyint=40:temporal-layers=3:bframes=4")),
    "VP9 with hidden frames": ("video.webm", "libvpx-vp9", STEADY, VP9),
    "VP9 in MP4": ("video.mp4", "libvpx-vp9", STEADY, VP9),
    "AV1": ("video.mp4", "libsvtav1", STEADY, {"preset": "12", "g": "50"}),
    "AV1 in WebM": ("video.webm", "libsvtav1", STEADY, {"preset": "12", "g": "50"}),
    "MPEG-4 with B-frames": ("video.mp4", "mpeg4", STEADY, {"g": "40", "bf": "2"}),
}


@pytest.mark.parametrize("source", PLANNED.values(), ids=PLANNED.keys())
def test_the_samples_equal_those_of_decoding_all_frames(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, source: Source
) -> None:
    caplog.set_level(logging.INFO)
    name, codec, times, options = source
    body = write(tmp_path / name, moving(len(times)), times, codec, encoding=Encoding(options=options))
    everything = assert_same(body)
    assert EVERY not in caplog.text
    assert "one thread" not in caplog.text
    assert sampled(body, Fraction(1))[2] < everything.decoded


def without_presentation_times(mp4: Path) -> bytes:
    """Copy a video, with decoding times from 0 instead of presentation times."""
    target = mp4.with_name("copied.mp4")
    with av.open(mp4) as source, av.open(target, "w") as container:
        track = container.add_stream_from_template(source.streams.video[0])
        first: int | None = None
        for packet in source.demux(source.streams.video[0]):
            if packet.size > 0 and packet.dts is not None:
                first = packet.dts if first is None else first
                packet.pts = packet.dts = packet.dts - first
                packet.stream = track
                container.mux(packet)
    return target.read_bytes()


def from_packet(video: Path, first: int) -> bytes:
    """Copy a video from a packet on, which need not be a keyframe."""
    target = video.with_name(f"copied{video.suffix}")
    with av.open(video) as source, av.open(target, "w") as container:
        track = container.add_stream_from_template(source.streams.video[0])
        assert isinstance(track, VideoStream)
        for number, packet in enumerate(source.demux(source.streams.video[0])):
            if number >= first and packet.size > 0:
                packet.stream = track
                container.mux(packet)
    return target.read_bytes()


def test_decoding_times_instead_of_presentation_times_give_the_same_samples(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    body = write(
        tmp_path / "video.mp4",
        moving(120),
        regular(120, 25),
        encoding=Encoding(options=h264("keyint=40:bframes=3:b-adapt=0")),
    )
    copy = without_presentation_times(tmp_path / "video.mp4")
    # The sorted times are the same.
    for fps in RATES:
        assert sampled(copy, fps)[:2] == sampled(body, fps)[:2]
    assert "the codec reorders frames but their times do not" in caplog.text


def test_a_start_within_a_group_is_detected(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    write(tmp_path / "video.mkv", moving(120), regular(120, 25), encoding=Encoding(options=h264("keyint=40")))
    assert_same(from_packet(tmp_path / "video.mkv", 13))
    assert "the first packet is not a keyframe" in caplog.text


def test_intra_refresh_is_detected(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    options = h264("keyint=30:intra-refresh=1")
    assert_same(write(tmp_path / "video.mp4", moving(120), regular(120, 25), encoding=Encoding(options=options)))
    assert "is not the next one" in caplog.text


def test_packed_bitstreams_are_detected_before_the_decoder_reorders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (sample,) = (one for one in GOOD if one.name == "packed.mp4")
    body = sample.write(tmp_path / sample.name)
    # Some headers do not declare B-frames. FFmpeg then detects them at the first one.
    monkeypatch.setattr(Track, "reorders", False)
    for fps in RATES:
        frames, _, _ = sampled(body, fps)
        assert [(index, Fraction(index, 25)) for index, _, _ in frames] == [(index, time) for index, time, _ in frames]
    assert "is not the next one" not in caplog.text


def test_interlaced_pictures_are_detected(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    options = h264("keyint=40:interlaced=1")
    assert_same(write(tmp_path / "video.mp4", moving(80), regular(80, 25), encoding=Encoding(options=options)))
    assert "interlaced" in caplog.text


@pytest.mark.parametrize("bf", ["0", "2"])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_an_avi_without_times_is_decoded_completely(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, codec: Codec, bf: str
) -> None:
    caplog.set_level(logging.INFO)
    body = write(tmp_path / "video.avi", moving(80), regular(80, 25), codec, encoding=Encoding(options={"bf": bf}))
    everything = whole(body)
    for fps in RATES:
        frames, _, decoded = sampled(body, fps)
        assert [time for _, time, _ in frames] == [Fraction(index, 25) for index, _, _ in frames]
        assert frames == chosen(everything, fps)
        assert decoded == 80
    assert EVERY in caplog.text
    with Video(body) as video:
        next(video.samples(Fraction(1)))
        assert video.info.start == 0


@cache
def uncut(name: str) -> bytes:
    codec: Codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    options = VP9 if codec == "libvpx-vp9" else h264("keyint=40")
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder, name), moving(150), STEADY, codec, encoding=Encoding(options=options))


@pytest.mark.parametrize("name", ["video.mp4", "video.mkv", "video.webm"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_gives_the_same_samples_and_is_reported_as_truncated(name: str, share: float) -> None:
    body = uncut(name)
    cut = body[: int(len(body) * share)]
    assert_same(cut)
    assert sampled(cut, Fraction(1))[1]


def test_a_damaged_group_does_not_change_earlier_samples(tmp_path: Path) -> None:
    options = h264("keyint=25:min-keyint=25:scenecut=0:bframes=0")
    body = bytearray(write(tmp_path / "video.mp4", moving(150), STEADY, encoding=Encoding(options=options)))
    whole = sampled(bytes(body), Fraction(1))[0]
    with av.open(tmp_path / "video.mp4") as container:
        keys = [packet.pos for packet in container.demux(video=0) if packet.is_keyframe and packet.size > 0]
    assert keys[3] is not None
    body[keys[3] : keys[3] + 600] = b"\xff" * 600
    frames, _, _ = sampled(bytes(body), Fraction(1))
    assert frames[:3] == whole[:3]
    assert [index for index, _, _ in frames] == sorted({index for index, _, _ in frames})

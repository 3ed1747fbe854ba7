"""Tests of decoding videos: order, times, colours, rotation, truncation, and refusals."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.video
import numpy as np
import pytest

from video_inference.errors import (
    ClientError,
    EmptyBodyError,
    EncryptedVideoError,
    NotAVideoError,
    NoVideoTrackError,
    TooLargePictureError,
)
from video_inference.frame import Frame, VideoInfo
from video_inference.opening import MemoryFile, open_container
from video_inference.picture import Rgb
from video_inference.video import Video
from videos.boxes import turned
from videos.pictures import HEIGHT, WIDTH, number_of, numbered
from videos.remux import spliced
from videos.times import regular
from videos.writer import Codec, Encoding, write, write_numbered, write_sound

CONTAINERS: list[tuple[str, Codec, str]] = [
    ("video.mp4", "libx264", "h264"),
    ("video.mov", "libx264", "h264"),
    ("video.mp4", "libx265", "hevc"),
    ("video.mkv", "libx264", "h264"),
    ("video.webm", "libvpx-vp9", "vp9"),
    ("video.avi", "mpeg4", "mpeg4"),
    ("video.webm", "libsvtav1", "av1"),
]


def read(body: bytes) -> tuple[list[Frame], VideoInfo, bool]:
    with Video(body) as video:
        frames = list(video.frames())
        return frames, video.info, video.truncation is not None


@pytest.mark.parametrize(("name", "codec", "codec_name"), CONTAINERS)
def test_every_frame_is_decoded_in_order_with_its_time(
    tmp_path: Path, name: str, codec: Codec, codec_name: str
) -> None:
    frames, info, truncated = read(write_numbered(tmp_path / name, regular(60, 25), codec))
    assert [number_of(frame.rgb()) for frame in frames] == list(range(60))
    assert [frame.index for frame in frames] == list(range(60))
    # Matroska stores times in milliseconds.
    assert all(abs(frame.timestamp - Fraction(frame.index, 25)) < Fraction(1, 1000) for frame in frames)
    assert not truncated
    assert (info.width, info.height, info.rotation, info.codec) == (WIDTH, HEIGHT, 0, codec_name)
    assert info.duration == pytest.approx(2.4, abs=0.05)


@pytest.mark.parametrize("rate", [Fraction(60_000, 1001), Fraction(10), Fraction(30)])
def test_a_constant_rate_is_sampled_by_time(tmp_path: Path, rate: Fraction) -> None:
    body = write_numbered(tmp_path / "video.mp4", regular(int(5 * rate), rate))
    with Video(body) as video:
        samples = list(video.samples(Fraction(1)))
        numbers = [number_of(sample.rgb()) for sample in samples]
    assert numbers == [round(second * rate) for second in range(5)]


def test_a_variable_rate_is_sampled_by_time(tmp_path: Path) -> None:
    times = [Fraction(index, 5) for index in range(15)] + [3 + Fraction(index, 50) for index in range(150)]
    body = write_numbered(tmp_path / "video.mp4", times)
    with Video(body) as video:
        samples = list(video.samples(Fraction(1)))
        numbers = [number_of(sample.rgb()) for sample in samples]
    assert [times[number] for number in numbers] == [0, 1, 2, 3, 4, 5]
    assert [float(sample.timestamp) for sample in samples] == pytest.approx([0, 1, 2, 3, 4, 5], abs=1e-3)


def test_an_avi_whose_frames_are_reordered_is_sampled_by_its_rate(tmp_path: Path) -> None:
    encoding = Encoding(keyframe_every=30, options={"bf": "3", "b_strategy": "0"})
    frames, _, truncated = read(
        write(tmp_path / "video.avi", [numbered(index) for index in range(60)], regular(60, 25), encoding=encoding)
    )
    assert [number_of(frame.rgb()) for frame in frames] == list(range(60))
    assert [frame.timestamp for frame in frames] == regular(60, 25)
    assert not truncated


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    times = [7 + time for time in regular(50, 25)]
    frames, _, truncated = read(write_numbered(tmp_path / "video.mkv", times))
    assert frames[0].timestamp == 0
    assert float(frames[-1].timestamp) == pytest.approx(49 / 25, abs=2e-3)
    assert not truncated


def corners() -> Rgb:
    """Paint the upper left quarter red, the upper right one green, the lower left one blue and the rest white."""
    picture = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    picture[: HEIGHT // 2, : WIDTH // 2] = (255, 0, 0)
    picture[: HEIGHT // 2, WIDTH // 2 :] = (0, 255, 0)
    picture[HEIGHT // 2 :, : WIDTH // 2] = (0, 0, 255)
    return picture


def corner_colours(picture: Rgb) -> list[str]:
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}
    height, width, _ = picture.shape
    found = []
    for y, x in ((8, 8), (8, width - 8), (height - 8, 8), (height - 8, width - 8)):
        red, green, blue = (int(channel > 127) for channel in picture[y, x])
        found.append(names[red, green, blue])
    return found


def test_channels_are_in_the_order_red_green_blue(tmp_path: Path) -> None:
    frames, _, _ = read(write(tmp_path / "video.mp4", [corners()] * 3, regular(3, 25)))
    picture = frames[0].rgb()
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture.dtype == np.uint8
    assert corner_colours(picture) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize(
    ("clockwise", "expected"),
    [
        (90, ["blue", "red", "white", "green"]),
        (180, ["white", "blue", "green", "red"]),
        (270, ["green", "white", "red", "blue"]),
    ],
)
def test_frames_are_rotated_as_by_players(tmp_path: Path, clockwise: int, expected: list[str]) -> None:
    body = turned(write(tmp_path / "video.mp4", [corners()] * 3, regular(3, 25)), clockwise)
    frames, info, _ = read(body)
    assert corner_colours(frames[0].rgb()) == expected
    assert info.rotation == clockwise
    assert (info.height, info.width, 3) == frames[0].rgb().shape
    assert (info.width, info.height) == ((WIDTH, HEIGHT) if clockwise == 180 else (HEIGHT, WIDTH))


@pytest.mark.parametrize(("name", "codec", "_codec_name"), CONTAINERS)
def test_a_truncated_file_is_decoded_up_to_its_end_and_reported_as_truncated(
    tmp_path: Path, name: str, codec: Codec, _codec_name: str
) -> None:
    noise = np.random.default_rng(1)
    pictures = [noise.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(40)]
    body = write(tmp_path / name, pictures, regular(40, 25), codec)
    for share in (0.5, 0.8):
        frames, _, truncated = read(body[: int(len(body) * share)])
        assert 0 < len(frames) < 40
        assert truncated


def test_damage_in_the_middle_is_not_an_error(tmp_path: Path) -> None:
    body = bytearray(write_numbered(tmp_path / "video.mp4", regular(100, 25)))
    middle = len(body) * 2 // 3
    body[middle : middle + 400] = b"\xff" * 400
    frames, _, _ = read(bytes(body))
    assert len(frames) > 0


def test_sound_that_is_longer_than_the_pictures_is_not_a_truncation(tmp_path: Path) -> None:
    for name in ("video.mp4", "video.mkv"):
        body = write(tmp_path / name, [corners()] * 25, regular(25, 25), sound=3)
        frames, _, truncated = read(body)
        assert len(frames) == 25
        assert not truncated


def test_an_empty_body_is_refused() -> None:
    with pytest.raises(EmptyBodyError):
        Video(b"")


@pytest.mark.parametrize(
    "body",
    [
        b"no video at all\n" * 50,
        b"\0" * 4096,
        b"RIFF\x10\0\0\0AVI ",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 200,
        b"ffconcat version 1.0\nfile street.mp4\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n",
    ],
    ids=["text", "zeros", "cut avi", "picture", "list of files", "playlist"],
)
def test_a_body_that_is_not_a_video_is_refused_in_one_line(body: bytes) -> None:
    with pytest.raises(NotAVideoError) as refusal:
        read(body)
    assert "mp4, mov, mkv, webm, avi, ts, flv, wmv, mpg or ogv" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_files_in_a_list_of_files_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_numbered(tmp_path / "secret.mp4", regular(10, 25))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotAVideoError):
        read(b"ffconcat version 1.0\nfile secret.mp4\n")


def test_a_file_with_only_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoVideoTrackError):
        Video(write_sound(tmp_path / "sound.mp4"))


def test_an_mp4_without_its_index_is_refused(tmp_path: Path) -> None:
    body = write_numbered(tmp_path / "video.mp4", regular(30, 25))
    with pytest.raises(NotAVideoError):
        read(body.replace(b"moov", b"none"))


def test_an_unknown_codec_is_refused(tmp_path: Path) -> None:
    body = write_numbered(tmp_path / "video.mp4", regular(30, 25))
    with pytest.raises(NotAVideoError, match="codec is unknown"):
        read(body.replace(b"avc1", b"none").replace(b"avcC", b"none"))


def test_an_mp4_without_its_pictures_is_refused(tmp_path: Path) -> None:
    body = write_numbered(tmp_path / "video.mp4", regular(30, 25))
    with pytest.raises(ClientError, match="No frame"):
        read(body[: body.index(b"mdat") + 4])


def test_an_encrypted_video_is_refused(tmp_path: Path) -> None:
    key = "00112233445566778899aabbccddeeff"
    locked = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": key, "encryption_kid": key}
    encoding = Encoding(container_options=locked)
    body = write(tmp_path / "video.mp4", [corners()] * 30, regular(30, 25), encoding=encoding)
    with pytest.raises(EncryptedVideoError, match="encrypted"):
        read(body)
    with Video(body) as video, pytest.raises(EncryptedVideoError, match="encrypted"):
        next(video.samples(Fraction(1)))


def test_a_picture_in_a_video_container_is_refused(tmp_path: Path) -> None:
    body = write(tmp_path / "picture.avif", [corners()], regular(1, 25), "libsvtav1")
    with pytest.raises(NotAVideoError, match="is a picture"):
        Video(body)


def test_pictures_over_the_limit_are_refused_before_one_is_decoded(tmp_path: Path) -> None:
    body = write_numbered(tmp_path / "video.mp4", regular(30, 25))
    with Video(body, max_pixels=WIDTH * HEIGHT) as video:
        assert len(list(video.frames())) == 30
    with pytest.raises(TooLargePictureError, match=f"{WIDTH}x{HEIGHT} pixels: at most {WIDTH * HEIGHT - 1}"):
        Video(body, max_pixels=WIDTH * HEIGHT - 1)


def _encoded(path: Path, codec: str, size: tuple[int, int] = (352, 288), pixels: str = "yuv420p") -> bytes:
    with av.open(path, "w") as target:
        track = cast("av.video.VideoStream", target.add_stream(codec, rate=25))
        track.width, track.height = size
        track.pix_fmt = pixels
        for index in range(5):
            picture = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), 40 * index, dtype=np.uint8))
            picture.pts = index
            target.mux(track.encode(picture))
        target.mux(track.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize("codec", ["ffvhuff", "cinepak", "snow"])
def test_the_decoder_of_an_unsupported_codec_is_never_opened(codec: str, tmp_path: Path) -> None:
    body = _encoded(tmp_path / "video.avi", codec, pixels="rgb24" if codec == "cinepak" else "yuv420p")
    with pytest.raises(NotAVideoError, match=f"codec is {codec}: send AV1, DNxHD, .* or WMV"):
        Video(body)
    with MemoryFile(body) as file, open_container(file, WIDTH * HEIGHT) as container:
        # Only the decoder sets the pixel format.
        assert container.streams.video[0].codec_context.pix_fmt is None


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("video.avi", "mjpeg", "yuvj420p"),
        ("video.avi", "msmpeg4", "yuv420p"),
        ("video.avi", "rawvideo", "yuv420p"),
        ("video.mkv", "ffv1", "yuv420p"),
        ("video.mkv", "mpeg2video", "yuv420p"),
        ("video.mov", "prores_ks", "yuv422p10le"),
        ("video.webm", "libvpx", "yuv420p"),
    ],
)
def test_supported_codecs_are_decoded(name: str, codec: str, pixels: str, tmp_path: Path) -> None:
    with Video(_encoded(tmp_path / name, codec, pixels=pixels)) as video:
        assert len(list(video.frames())) == 5


def test_pictures_with_a_too_long_side_are_refused(tmp_path: Path) -> None:
    body = _encoded(tmp_path / "video.mkv", "ffv1", (65_540, 2))
    with pytest.raises(TooLargePictureError, match="65540x2 pixels: at most 65536 on a side"):
        Video(body)


def test_a_track_that_grows_above_the_limit_is_truncated(tmp_path: Path) -> None:
    small, large = tmp_path / "small.webm", tmp_path / "large.webm"
    write(small, [corners()] * 10, regular(10, 25), "libvpx-vp9")
    write(large, [np.kron(corners(), np.ones((4, 4, 1), dtype=np.uint8))] * 10, regular(10, 25), "libvpx-vp9")
    body = spliced(tmp_path / "both.webm", small, large, milliseconds=400)
    with Video(body, max_pixels=WIDTH * HEIGHT) as video:
        assert len(list(video.frames())) == 10
        assert video.truncation is not None


def test_the_body_is_not_copied_and_is_released_on_close(tmp_path: Path) -> None:
    body = bytearray(write_numbered(tmp_path / "video.mp4", regular(30, 25)))
    with Video(body) as video:
        assert len(list(video.frames())) == 30
        with pytest.raises(BufferError):
            body.extend(b"more")
    body.extend(b"more")


@pytest.mark.parametrize("threads", [1, 2])
def test_a_track_that_begins_midway_is_skipped(tmp_path: Path, threads: int) -> None:
    silent = write_numbered(tmp_path / "silent.ts", regular(250, 25))
    sound = write(tmp_path / "sound.ts", [numbered(0)] * 50, [10 + time for time in regular(50, 25)], sound=2)
    # FFmpeg also looks for tracks in the last 250 KB.
    noise = [np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8) for seed in range(25)]
    large = Encoding(options={"qp": "1"})
    body = silent + sound + write(tmp_path / "noise.ts", noise, [12 + time for time in regular(25, 25)], encoding=large)
    with Video(body, threads) as video:
        indices = [frame.index for frame in video.samples(Fraction(1))]
        assert (indices[:10], len(indices), video.truncation) == ([*range(0, 250, 25)], 13, None)

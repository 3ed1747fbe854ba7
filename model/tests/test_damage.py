"""Tests of damaged videos: only samples of the damaged group change, damage is counted, and truncation is reported."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import inference
from tests.handler import SCHEMA, invoke
from video_inference import reader, video
from video_inference.damage import Damage, DamageLog, Gap, Truncation
from video_inference.errors import NotAVideoError
from video_inference.track import Track
from video_inference.track_errors import BrokenVideoError
from video_inference.video import Video
from videos.display import DISPLAY_SAMPLES
from videos.good import GOOD, film
from videos.remux import PacketPosition, group_of, overwritten, packets_of
from videos.times import regular
from videos.writer import Codec, Encoding, write

GROUP = 50
"""Number of frames of a group of pictures: two seconds."""

Sampled = dict[Fraction, bytes]


def sampled(body: bytes, threads: int = 2, fps: int = 2) -> tuple[Sampled, Truncation | None, Damage]:
    with Video(body, threads) as opened:
        frames = {frame.timestamp: frame.rgb().tobytes() for frame in opened.samples(Fraction(fps))}
        return frames, opened.truncation, opened.damage


@cache
def _encoded(name: str, codec: Codec, seconds: int) -> bytes:
    options = {"bf": "2"} if codec == "libx264" else {}
    encoding = Encoding(GROUP, options, pixel_format="yuvj420p" if codec == "mjpeg" else "yuv420p")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        return write(path, film(25 * seconds), regular(25 * seconds, 25), codec, encoding=encoding)


def filmed(path: Path, codec: Codec = "libx264", seconds: int = 10) -> bytes:
    """Write a video, which is encoded once for all tests, and return its content."""
    body = _encoded(path.name, codec, seconds)
    path.write_bytes(body)
    return body


def test_the_sample_with_a_damaged_packet_gets_all_frames(model: inference.Model, tmp_path: Path) -> None:
    (sample,) = (one for one in DISPLAY_SAMPLES if one.name == "damaged-packet.mp4")
    status, result = invoke(model, sample.write(tmp_path / sample.name))
    assert (status, result["truncated"], result["truncation"]) == (200, False, None)
    assert [frame["index"] for frame in result["frames"]] == [0, 25, 50, 75]
    assert result["damage"]["packets"] >= 1
    jsonschema.Draft202012Validator(SCHEMA).validate(result)


@pytest.mark.parametrize("packet", [101, 120, 149])
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("video.mp4", "libx264"),
        ("video.mkv", "libx265"),
        ("video.webm", "libvpx-vp9"),
        ("video.mp4", "mpeg4"),
        ("video.avi", "mpeg4"),
        ("video.ts", "libx264"),
    ],
)
def test_samples_outside_a_damaged_group_equal_those_of_the_undamaged_video(
    tmp_path: Path, name: str, codec: Codec, threads: int, packet: int
) -> None:
    path = tmp_path / name
    body = filmed(path, codec)
    whole, _, damage = sampled(body)
    assert damage == Damage(0, [])
    packets = packets_of(path)
    found, truncation, damage = sampled(overwritten(body, packets[packet], skip=32), threads)
    assert truncation is None
    start, end = group_of(packets, packet)
    outside = {time for time in whole if not start <= time < end}
    assert len(outside) < len(whole)
    assert {time: whole[time] for time in outside}.items() <= found.items()
    assert all(start - Fraction(1, 2) <= time < end for time in found.keys() - whole.keys())
    assert all(start <= gap.start < gap.end <= end for gap in damage.gaps)


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[PacketPosition], Sampled]:
    """Content, packets, and five samples per second of a minute of video in groups of two seconds."""
    path = tmp_path_factory.mktemp("damage") / "minute.mp4"
    body = filmed(path, seconds=60)
    return body, packets_of(path), sampled(body, fps=5)[0]


@pytest.mark.parametrize("seed", range(8))
def test_four_damaged_bytes_in_a_minute_affect_only_the_samples_of_one_group(
    minute: tuple[bytes, list[PacketPosition], Sampled], seed: int
) -> None:
    body, packets, whole = minute
    assert len(whole) == 60 * 5
    rng = np.random.default_rng(seed)
    number = int(rng.integers(len(packets)))
    packet = packets[number]
    # Half of the seeds damage the length of a packet's first part, which the decoder needs to find the others.
    start = packet.start + (int(rng.integers(packet.size - 3)) if seed % 2 else 0)
    damage = bytes(byte ^ int(rng.integers(1, 256)) for byte in body[start : start + 4])
    found, truncation, _ = sampled(body[:start] + damage + body[start + 4 :], fps=5)
    assert truncation is None
    first, end = group_of(packets, number)
    assert end - first <= 2 + Fraction(1, 25)
    assert {time: one for time, one in whole.items() if not first <= time < end}.items() <= found.items()
    assert all(first - Fraction(1, 5) <= time < end for time in found.keys() - whole.keys())


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("number", [49, 75], ids=["the last of a group", "a keyframe"])
def test_a_refused_packet_is_counted_and_its_frame_is_a_gap(tmp_path: Path, threads: int, number: int) -> None:
    path = tmp_path / "video.mp4"
    body = write(path, film(100), regular(100, 25), encoding=Encoding(25, {"bf": "0"}))
    found, truncation, damage = sampled(overwritten(body, packets_of(path)[number]), threads, fps=25)
    assert truncation is None
    assert damage.packets >= 1
    assert damage.gaps[0].start == Fraction(number, 25)
    assert Fraction(number, 25) not in found


@pytest.mark.parametrize("name", ["video.mp4", "video.flv", "video.avi"])
def test_times_count_from_the_first_frame_even_if_it_is_lost(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    codec: Codec = "mpeg4" if name == "video.avi" else "libx264"
    body = filmed(path, codec, seconds=6)
    whole, _, _ = sampled(body)
    found, truncation, damage = sampled(overwritten(body, packets_of(path)[0], skip=60))
    assert truncation is None
    assert damage.packets >= 1
    assert {time: picture for time, picture in whole.items() if time >= 2}.items() <= found.items()


def test_a_lost_sample_is_replaced_by_the_nearest_frame_of_its_group(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    body = write(path, film(100), regular(100, 25), encoding=Encoding(40, {"bf": "0"}))
    found, truncation, damage = sampled(overwritten(body, packets_of(path)[50]), fps=1)
    assert truncation is None
    assert damage == Damage(1, [Gap(Fraction(2), Fraction(51, 25))])
    # The later one of two frames that are equally near.
    assert list(found) == [0, 1, Fraction(51, 25), 3]


def test_frames_out_of_order_do_not_shift_the_times_of_later_frames(tmp_path: Path) -> None:
    body = filmed(tmp_path / "video.mp4", seconds=4)
    order = [*range(40), 45, 40, 46, 41, *range(47, 100)]

    class Shuffled(reader.Reader):
        def pictures(self) -> Iterator[tuple[av.VideoFrame, int | None, int]]:
            pictures = list(super().pictures())
            yield from (pictures[position] for position in order)

    with pytest.MonkeyPatch.context() as patched, Video(body) as opened:
        patched.setattr(opened, "_reader", Shuffled(body, 1, 10**8))
        times = [frame.timestamp for frame in opened.frames()]
    assert all(one < other for one, other in pairwise(times))
    assert times[-50:] == [Fraction(position, 25) for position in range(50, 100)]


def test_a_long_damaged_span_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    body = filmed(path)
    packets = packets_of(path)
    for number in range(100, 200):
        body = overwritten(body, packets[number])
    whole, _, _ = sampled(filmed(path))
    found, truncation, damage = sampled(body)
    assert truncation is None
    assert damage.packets > 2
    assert {time for time in whole if not 4 <= time < 8} <= found.keys()


@pytest.mark.parametrize("name", ["video.mp4", "video.avi"])
def test_decoding_ends_after_many_consecutive_errors(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_ERRORS_IN_A_ROW", 3)
    monkeypatch.setattr(video, "MAX_ERRORS_IN_A_ROW", 3)
    path = tmp_path / name
    body = filmed(path)
    packets = packets_of(path)
    for number in range(100, 200):
        body = overwritten(body, packets[number])
    found, truncation, damage = sampled(body)
    assert truncation is not None
    assert truncation.reason == "damage"
    assert truncation.until < 4
    assert max(found) < 4
    assert damage.packets == 3


def test_a_video_whose_last_frames_are_lost_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    body = write(path, film(100), regular(100, 25), encoding=Encoding(10, {"bf": "0"}))
    for packet in packets_of(path)[80:]:
        body = overwritten(body, packet)
    found, truncation, _ = sampled(body, fps=25)
    assert truncation is not None
    assert truncation.reason == "damage"
    assert max(found) == Fraction(79, 25)


def test_a_video_without_an_undamaged_packet_is_a_client_error(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    body = filmed(path, seconds=2)
    for packet in packets_of(path):
        body = overwritten(body, packet)
    with pytest.raises(NotAVideoError, match="No frame of the video can be decoded"):
        sampled(body)


def test_a_file_that_cannot_be_read_any_further_is_truncated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = filmed(tmp_path / "video.mp4", seconds=4)
    whole = Track.packets

    def broken(track: Track) -> object:
        for number, packet in enumerate(whole(track)):
            if number == 60:
                raise BrokenVideoError("the disc is scratched")
            yield packet

    monkeypatch.setattr(Track, "packets", broken)
    found, truncation, _ = sampled(body)
    assert truncation is not None
    assert truncation.reason == "end-of-data"
    assert max(found) == 2


def test_frames_after_a_damaged_one_at_the_end_are_decoded_with_several_threads(tmp_path: Path) -> None:
    path = tmp_path / "video.avi"
    body = write(path, film(50), regular(50, 25), "mpeg4", encoding=Encoding(1))
    damaged = overwritten(body, packets_of(path)[-3])
    for threads in (1, 4):
        with Video(damaged, threads) as opened:
            indices = [frame.index for frame in opened.frames()]
            assert indices == [*range(47), 48, 49]
            assert (opened.damage.packets, opened.truncation) == (1, None)


@pytest.mark.parametrize(("number", "flipped"), [(78, 0x20), (32, 0x60)])
def test_decoder_state_from_a_damaged_header_is_discarded(tmp_path: Path, number: int, flipped: int) -> None:
    path = tmp_path / "video.mp4"
    body = write(path, film(100), regular(100, 25), "mpeg4", encoding=Encoding(12, {"bf": "2"}))
    whole, _, _ = sampled(body, fps=5)
    packets = packets_of(path)
    # Type and time of the picture, after a start code of four bytes (ISO/IEC 14496-2, 6.2.5).
    start = packets[number].start + 4
    found, _, _ = sampled(body[:start] + bytes([body[start] ^ flipped]) + body[start + 1 :], fps=5)
    first, end = group_of(packets, number)
    assert {time: one for time, one in whole.items() if not first <= time < end}.items() <= found.items()


@pytest.mark.parametrize("number", [31, 49, 50])
@pytest.mark.parametrize("name", ["b-frames.avi", "h264.avi", "packed.avi", "packed.mp4"])
def test_damage_does_not_shift_later_frames(tmp_path: Path, name: str, number: int) -> None:
    (sample,) = (one for one in GOOD if one.name == name)
    path = tmp_path / name
    body = sample.write(path)
    whole, _, _ = sampled(body, fps=25)
    found, truncation, damage = sampled(overwritten(body, packets_of(path)[number], skip=32), fps=25)
    assert truncation is None
    assert damage.packets >= 1
    # There is a keyframe every 12 frames. The packets' times are not those of their frames.
    group = range(number - number % 12, number - number % 12 + 12)
    outside = {time: picture for time, picture in whole.items() if 25 * time not in group}
    assert len(outside) == len(sample.times) - 12
    assert outside.items() <= found.items()


def test_one_damaged_packet_does_not_cause_decoding_of_all_frames(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    body = filmed(path)
    damaged = overwritten(body, packets_of(path)[101])
    decoded = {}
    for name, one in (("whole", body), ("damaged", damaged)):
        with Video(one, 2) as opened:
            list(opened.samples(Fraction(1, 2)))
            decoded[name] = opened.decoded
    assert decoded["damaged"] < 2 * decoded["whole"] + GROUP < 250


@given(lost=st.sets(st.integers(1, 28)), depth=st.integers(0, 4))
def test_spans_between_shown_frames_are_found_at_any_delay(lost: set[int], depth: int) -> None:
    log = DamageLog()
    waiting: list[int] = []
    for time in range(30):
        log.add_packet(time)
        if time in lost:
            log.add_error()
            # Counts once.
            log.add_damaged(time)
            log.add_damaged(time)
        else:
            waiting.append(time)
        if len(waiting) > depth:
            log.add_frame(waiting.pop(0))
    for time in waiting:
        log.add_frame(time)
    log.drain(1)
    found = log.summary(0, Fraction(1))
    assert found.packets == len(lost)
    covered = {time for gap in found.gaps for time in range(int(gap.start), int(gap.end))}
    assert covered == lost


def test_frames_that_are_missing_without_an_error_are_not_a_gap() -> None:
    log = DamageLog()
    for time in range(6):
        log.add_packet(time)
        if time % 2 == 0:
            log.add_frame(time)
    log.drain(1)
    assert log.summary(0, Fraction(1)) == Damage(0, [])


@pytest.mark.parametrize("threads", [1, 4])
def test_repaired_frames_are_counted_with_any_number_of_threads(tmp_path: Path, threads: int) -> None:
    path = tmp_path / "video.mp4"
    body = write(path, film(100), regular(100, 25), encoding=Encoding(12))
    packet = packets_of(path)[50]
    # The decoder uses the first part of the picture and repairs the rest.
    start, end = packet.start + packet.size * 2 // 5, packet.start + packet.size
    noise = bytes((37 * position + 11) % 256 for position in range(end - start))
    _, truncation, damage = sampled(body[:start] + noise + body[end:], threads, fps=1)
    assert (damage.packets, truncation) == (1, None)

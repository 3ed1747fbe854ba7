"""Tests that an MP4 that declares too many samples is refused before memory is allocated."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_inference.errors import NotAVideoError
from video_inference.mp4_limits import MAX_DECLARED_SAMPLES, max_declared_samples
from video_inference.video import Video
from videos.pictures import numbered
from videos.times import regular
from videos.writer import Encoding, write, write_numbered


def patched(mp4: bytes, kind: bytes, *numbers: int) -> bytes:
    """Replace the numbers after the type of the first box of a kind."""
    start = mp4.index(kind) + 4
    return mp4[:start] + struct.pack(f">{len(numbers)}I", *numbers) + mp4[start + 4 * len(numbers) :]


def declaring(mp4: bytes, count: int) -> bytes:
    """Declare a number of samples of one byte in one chunk, which does not change the size of the file."""
    mp4 = patched(mp4, b"stsz", 0, 1, count)
    mp4 = patched(mp4, b"stsc", 0, 1, 1, count, 1)
    return patched(mp4, b"stts", 0, 1, count, 512)


@pytest.fixture
def mp4(tmp_path: Path) -> bytes:
    return write_numbered(tmp_path / "video.mp4", regular(30, 25))


def test_tables_with_an_entry_per_sample_are_not_counted(mp4: bytes, street: Path) -> None:
    assert max_declared_samples(memoryview(mp4)) == 0
    assert max_declared_samples(memoryview(street.read_bytes())) == 0


def test_a_table_of_equal_sizes_is_counted(mp4: bytes) -> None:
    assert max_declared_samples(memoryview(declaring(mp4, 1000))) == 1000


@pytest.mark.parametrize("count", [MAX_DECLARED_SAMPLES + 1, 4_000_000_000])
def test_too_many_declared_samples_are_refused_at_once(mp4: bytes, count: int) -> None:
    started = time.process_time()
    with pytest.raises(NotAVideoError, match=f"declares {count} samples"):
        Video(declaring(mp4, count))
    # FFmpeg took 13 s for 20 million samples.
    assert time.process_time() - started < 1


def test_too_many_declared_samples_of_a_fragment_are_refused(tmp_path: Path) -> None:
    body = write(tmp_path / "video.mp4", [numbered(1)] * 20, regular(20, 25), encoding=Encoding(fragmented=True))
    assert max_declared_samples(memoryview(body)) <= 20
    with pytest.raises(NotAVideoError, match="declares"):
        Video(patched(body, b"trun", 0, 3_000_000_000))


def test_pcm_sound_may_declare_many_samples(mp4: bytes) -> None:
    sound = patched(declaring(mp4, 48_000 * 7200), b"stts", 0, 1, 48_000 * 7200, 1)
    start = sound.index(b"hdlr") + 4 + 8
    assert max_declared_samples(memoryview(sound[:start] + b"soun" + sound[start + 4 :])) == 0


def test_the_number_and_the_depth_of_boxes_are_limited() -> None:
    nested = b"".join(struct.pack(">I4s", 8 * left, b"moov") for left in range(100_000, 0, -1))
    assert max_declared_samples(memoryview(nested)) == 0
    assert max_declared_samples(memoryview(struct.pack(">I4s", 8, b"free") * 100_000)) == 0


@given(st.binary(max_size=200))
def test_any_bytes_can_be_counted(body: bytes) -> None:
    assert max_declared_samples(memoryview(body)) >= 0


@given(data=st.data())
def test_damaged_tables_can_be_counted(data: st.DataObject, street: Path) -> None:
    body = bytearray(street.read_bytes()[:6000])
    for _ in range(data.draw(st.integers(1, 10))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert max_declared_samples(memoryview(body)) >= 0

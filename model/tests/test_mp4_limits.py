"""Tests that an MP4 that declares too many samples is refused before memory is allocated."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_inference.errors import NotAVideoError
from video_inference.mp4_limits import MAX_DECLARED_SAMPLES, MAX_TABLE_BYTES, declared_by
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


def test_a_table_with_an_entry_per_sample_is_counted(mp4: bytes) -> None:
    assert declared_by(memoryview(mp4)).samples == 30
    listed = patched(mp4, b"stsz", 0, 0, 1000)
    assert declared_by(memoryview(listed)).samples == 1000
    # The size of a field, in bits, is before the number of samples.
    compact = patched(listed, b"stsz", 0, 8, 1000).replace(b"stsz", b"stz2")
    assert declared_by(memoryview(compact)).samples == 1000


def test_a_table_of_equal_sizes_is_counted(mp4: bytes) -> None:
    assert declared_by(memoryview(declaring(mp4, 1000))).samples == 1000


@pytest.mark.parametrize("count", [MAX_DECLARED_SAMPLES + 1, 4_000_000_000])
def test_too_many_declared_samples_are_refused_at_once(mp4: bytes, count: int) -> None:
    started = time.process_time()
    with pytest.raises(NotAVideoError, match=f"declares {count} samples"):
        Video(declaring(mp4, count))
    # FFmpeg took 13 s for 20 million samples.
    assert time.process_time() - started < 1


@pytest.mark.parametrize("kind", [b"stsz", b"stz2"])
def test_too_many_listed_samples_are_refused(mp4: bytes, kind: bytes) -> None:
    size = 8 if kind == b"stz2" else 0
    with pytest.raises(NotAVideoError, match="declares 1000000000 samples"):
        Video(patched(mp4, b"stsz", 0, size, 1_000_000_000).replace(b"stsz", kind))


@dataclass
class LongFile:
    """A source with a beginning and then zeros."""

    beginning: bytes
    size: int

    def read(self, start: int, length: int) -> bytes:
        return self.beginning[start : start + length].ljust(min(length, self.size - start), b"\0")

    def expect(self, start: int, stop: int) -> None:
        pass


@pytest.mark.parametrize("kind", [b"moov", b"moof"])
def test_tables_of_more_than_a_gibibyte_are_refused(mp4: bytes, kind: bytes) -> None:
    size = MAX_TABLE_BYTES + 17
    head = mp4[: mp4.index(b"moov") - 4] + struct.pack(">I4sQ", 1, kind, size)
    with pytest.raises(NotAVideoError, match=f"tables of {size - 16} bytes"):
        Video(LongFile(head, 48 << 40))


def fragment(track: int, samples: int, flags: int = 0) -> bytes:
    """Return a fragment without data of a track."""
    header = struct.pack(">I4sII", 16, b"tfhd", 0, track)
    run = struct.pack(">I4sII", 16, b"trun", flags, samples)
    return struct.pack(">I4s", 48, b"moof") + struct.pack(">I4s", 40, b"traf") + header + run


@pytest.mark.parametrize("flags", [0, 0xF00])
def test_samples_of_all_fragments_are_counted(flags: int) -> None:
    assert declared_by(memoryview(fragment(1, 3_000_000, flags) * 2)).samples == 6_000_000


def test_samples_of_fragments_are_counted_by_track() -> None:
    # 18 hours of sound at 48 kHz in packets of 1024 samples, and of pictures.
    pictures, sound = 18 * 3600 * 50, 18 * 3600 * 48_000 // 1024
    assert pictures + sound > MAX_DECLARED_SAMPLES
    both = fragment(1, pictures // 2) + fragment(2, sound // 2)
    assert declared_by(memoryview(both * 2)).samples == pictures < MAX_DECLARED_SAMPLES


def test_too_many_declared_samples_of_a_fragment_are_refused(tmp_path: Path) -> None:
    body = write(tmp_path / "video.mp4", [numbered(1)] * 20, regular(20, 25), encoding=Encoding(fragmented=True))
    assert declared_by(memoryview(body)).samples == 20
    many = patched(body, b"trun", 0, 3_000_000_000)
    with pytest.raises(NotAVideoError, match="declares"):
        Video(many)
    with pytest.raises(NotAVideoError, match="declares"):
        Video(LongFile(many, len(many)))


def test_all_fragments_in_a_source_are_counted(tmp_path: Path) -> None:
    times = regular(300, 25)
    pictures = [numbered(number) for number in range(len(times))]
    body = write(tmp_path / "video.mp4", pictures, times, encoding=Encoding(25, fragmented=True))
    last = body.rindex(b"trun") + 4
    many = body[:last] + struct.pack(">II", 0, 3_000_000_000) + body[last + 8 :]
    with pytest.raises(NotAVideoError, match="declares"):
        Video(LongFile(many, len(many)))


def test_pcm_sound_may_declare_many_samples(mp4: bytes) -> None:
    sound = patched(declaring(mp4, 48_000 * 7200), b"stts", 0, 1, 48_000 * 7200, 1)
    start = sound.index(b"hdlr") + 4 + 8
    assert declared_by(memoryview(sound[:start] + b"soun" + sound[start + 4 :])).samples == 0


def test_the_number_and_the_depth_of_boxes_are_limited() -> None:
    nested = b"".join(struct.pack(">I4s", 8 * left, b"moov") for left in range(100_000, 0, -1))
    assert declared_by(memoryview(nested)).samples == 0
    assert declared_by(memoryview(struct.pack(">I4s", 8, b"free") * 100_000)).samples == 0


@given(st.binary(max_size=200))
def test_any_bytes_can_be_counted(body: bytes) -> None:
    assert declared_by(memoryview(body)).samples >= 0


@given(data=st.data())
def test_damaged_tables_can_be_counted(data: st.DataObject, street: Path) -> None:
    body = bytearray(street.read_bytes()[:6000])
    for _ in range(data.draw(st.integers(1, 10))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert declared_by(memoryview(body)).samples >= 0

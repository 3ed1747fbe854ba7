"""Tests that count the bytes of a video in S3 that the handler reads, for each kind of container."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bench.ranges import bytes_read
from video_inference import s3_source, windows
from video_inference.part import Part
from videos.times import regular
from videos.writer import Codec, Encoding, write

_SECONDS, _RATE, _PARTS = 120, 25, 4
_BLOCK = 1 << 12
_GROUPS = Encoding(keyframe_every=_RATE)


@dataclass(frozen=True)
class Kind:
    """A kind of container, and the bytes that four parts and the whole may read, as multiples of its size."""

    name: str
    parts: float
    whole: float = 1.1
    codec: Codec = "libx264"
    encoding: Encoding = _GROUPS


# Parts that are read from the start of the file read 1 + 2 + 3 + 4 quarters, and the start again for
# the first frame, of which FFmpeg needs five seconds.
_FROM_THE_START = 2.5 + 0.75
_KINDS = [
    Kind("video.mp4", 1.15),
    Kind("index-last.mp4", 1.15, encoding=Encoding(_RATE, fast_start=False)),
    Kind("video.mov", 1.15),
    Kind("video.mkv", 1.15),
    Kind("video.webm", 1.15, codec="libvpx-vp9"),
    # FFmpeg reads the tables of all fragments when it opens the file, and a part opens it twice.
    Kind("fragmented.mp4", 2 * _PARTS + _FROM_THE_START, 2.1, encoding=Encoding(_RATE, fragmented=True)),
    Kind("video.ts", _FROM_THE_START),
]


@pytest.fixture(scope="module", params=_KINDS, ids=[kind.name for kind in _KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(scope="module")
def path(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise, whose many bytes are decoded fast."""
    path = tmp_path_factory.mktemp("bytes") / kind.name
    chance = np.random.default_rng(1)
    pictures = [chance.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(20)]
    count = _SECONDS * _RATE
    write(path, (pictures[n % 20] for n in range(count)), regular(count, _RATE), kind.codec, encoding=kind.encoding)
    return path


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the blocks, and so the cache, smaller than a quarter of a file."""
    monkeypatch.setattr(s3_source, "BLOCK", _BLOCK)
    monkeypatch.setattr(windows, "WINDOW_BYTES", 16 * _BLOCK)


def test_a_whole_video_is_read_about_once(path: Path, kind: Kind) -> None:
    size = path.stat().st_size
    assert bytes_read(path, Fraction(1)) <= kind.whole * size


def test_parts_read_their_bytes_about_once(path: Path, kind: Kind) -> None:
    size = path.stat().st_size
    assert size > 4 * s3_source._MAX_BLOCKS * _BLOCK
    length = Fraction(_SECONDS, _PARTS)
    ends: Sequence[Fraction | None] = [*(length * number for number in range(1, _PARTS)), None]
    reads = [bytes_read(path, Fraction(1), Part(length * number, end)) for number, end in enumerate(ends)]
    assert sum(reads) <= kind.parts * size

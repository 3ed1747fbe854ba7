"""Tests that the parts of a video together have exactly the samples of the whole video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_inference import seeking, windows
from video_inference.damage import Damage, Truncation
from video_inference.frame import VideoInfo
from video_inference.opening import Body
from video_inference.part import WHOLE, Part
from video_inference.plan import Sampled
from video_inference.video import Video
from videos.display import DISPLAY_SAMPLES
from videos.good import GOOD, Good, film
from videos.remux import group_of, overwritten, packets_of
from videos.sample import Sample
from videos.times import regular
from videos.writer import Encoding, write

SAMPLES: list[Sample] = [*GOOD, *DISPLAY_SAMPLES]
_MAX_SECONDS = 10
_RATES = [Fraction(1, 3), Fraction(1), Fraction(7, 3), Fraction(25), Fraction(30)]

# A sample in a result: k, pts, index, timestamp, how it was sampled, and the picture.
Seen = tuple[int | None, int, int | None, Fraction, Sampled, str]


@dataclass
class MemorySource:
    """A source in memory that counts the bytes it returns."""

    body: bytes
    spans: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.body)

    def read(self, start: int, length: int) -> bytes:
        self.spans.append((start, start + length))
        return self.body[start : start + length]

    def expect(self, start: int, stop: int) -> None:
        assert 0 <= start < stop <= len(self.body)


@dataclass
class Read:
    """Samples and details of a video or a part."""

    samples: list[Seen]
    info: VideoInfo
    truncation: Truncation | None
    damage: Damage
    decoded: int


@pytest.fixture(autouse=True)
def seek_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seek in small files, too, and split them into several windows."""
    monkeypatch.setattr(seeking, "MIN_SKIPPED_BYTES", 0)
    monkeypatch.setattr(windows, "WINDOW_BYTES", 1 << 14)


def read(body: Body, fps: Fraction, part: Part = WHOLE, sampling: Sampled = "exact", threads: int = 1) -> Read:
    with Video(body, threads) as video:
        samples: list[Seen] = [
            (
                one.k,
                one.pts,
                one.index if video.numbers_frames else None,
                one.timestamp,
                one.sampled,
                sha256(one.rgb().tobytes()).hexdigest(),
            )
            for one in video.samples(fps, sampling=sampling, part=part)
        ]
        return Read(samples, video.info, video.truncation, video.damage, video.decoded)


def parts_of(cuts: Sequence[Fraction]) -> Iterator[Part]:
    for start, end in pairwise([Fraction(0), *cuts]):
        yield Part(start, end)
    yield Part(cuts[-1] if cuts else Fraction(0))


def check_parts(
    body: bytes, cuts: Sequence[Fraction], fps: Fraction, sampling: Sampled, threads: int = 1
) -> tuple[Read, list[Read]]:
    """Check that the parts between cuts have the samples and the damage of the whole video."""
    whole = read(body, fps, sampling=sampling, threads=threads)
    # Only requests for a whole video may have it in memory.
    parts = [read(MemorySource(body), fps, part, sampling, threads) for part in parts_of(cuts)]
    assert [one for part in parts for one in part.samples] == whole.samples
    assert all(part.info == whole.info for part in parts)
    assert any(part.truncation is not None for part in parts) == (whole.truncation is not None)
    return whole, parts


def random_cuts(seed: str) -> list[Fraction]:
    chance = np.random.default_rng(list(seed.encode()))
    cuts = {Fraction(int(chance.integers(1, 4500)), 1000) for _ in range(2)}
    # At the time of a sample, which belongs to the part that starts there.
    return sorted(cuts | {Fraction(int(chance.integers(1, 4)))})


@pytest.mark.parametrize("sampling", ["exact", "keyframe"])
@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
def test_parts_have_the_samples_of_the_whole_video(sample: Sample, sampling: Sampled) -> None:
    seed = f"{sample.name} {sampling}"
    whole, parts = check_parts(sample.body, random_cuts(seed), Fraction(7, 3), sampling)
    assert sum(part.damage.packets for part in parts) == whole.damage.packets


@pytest.mark.long
@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.sets(
        st.one_of(
            st.integers(1, 5).map(Fraction),
            st.fractions(Fraction(1, 1000), Fraction(_MAX_SECONDS, 2), max_denominator=1000),
        ),
        max_size=5,
    ),
    fps=st.sampled_from(_RATES),
    sampling=st.sampled_from(["exact", "keyframe"]),
)
def test_any_parts_have_the_samples_of_the_whole_video(
    sample: Sample, cuts: set[Fraction], fps: Fraction, sampling: Sampled
) -> None:
    whole, parts = check_parts(sample.body, sorted(cuts), fps, sampling)
    assert sum(part.damage.packets for part in parts) == whole.damage.packets


@pytest.mark.long
@pytest.mark.parametrize("sample", GOOD, ids=[sample.name for sample in GOOD])
def test_parts_have_the_same_samples_with_several_threads(sample: Good) -> None:
    check_parts(sample.body, random_cuts(sample.name), Fraction(7, 3), "exact", threads=3)


_LONG = 30
# Maximum number of bytes in front of a packet that belong to it: headers of a block and its cluster.
_HEADER = 200


def write_long(path: Path) -> bytes:
    """Write a video of half a minute with a keyframe a second, so that a part is far from the start."""
    times = regular(25 * _LONG, 25)
    return write(path, film(len(times), 80, 48), times, encoding=Encoding(keyframe_every=25))


@pytest.fixture(scope="module", params=["long.mp4", "long.mkv"])
def long_film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a video of `write_long`."""
    path = tmp_path_factory.mktemp("long") / str(request.param)
    write_long(path)
    return path


@pytest.mark.parametrize("sampling", ["exact", "keyframe"])
def test_a_part_decodes_only_around_its_samples(long_film: Path, sampling: Sampled) -> None:
    body = long_film.read_bytes()
    cuts = [Fraction(cut) for cut in (7, 14, 21)]
    whole, parts = check_parts(body, cuts, Fraction(2), sampling)
    # One frame more for each part: the first of the video, whose properties are the video's, and a cut group.
    assert sum(part.decoded for part in parts) <= whole.decoded + 4 * 30


def test_a_part_reads_only_around_its_samples(long_film: Path) -> None:
    body = long_film.read_bytes()
    source = MemorySource(body)
    read(source, Fraction(1), Part(Fraction(20), Fraction(22)))
    positions = [packet.start for packet in packets_of(long_film)]
    # FFmpeg reads 32 KiB at a time, and the first pictures when it opens a file.
    before, after = positions[25 * 17] - (1 << 15), positions[25 * 25] + (1 << 15)
    opened = max(stop for start, stop in source.spans if start <= positions[0])
    # The index of a Matroska file is at its end.
    index = positions[-1] + 1
    for start, stop in source.spans:
        assert stop <= opened + (1 << 15) or (before <= start and stop <= after) or start >= index, (start, stop)


def test_a_part_after_the_end_has_no_samples(long_film: Path) -> None:
    body = long_film.read_bytes()
    whole = read(body, Fraction(1))
    for part in (Part(Fraction(31)), Part(Fraction(31), Fraction(60)), Part(Fraction(1, 10), Fraction(9, 10))):
        empty = read(MemorySource(body), Fraction(1), part)
        assert (empty.samples, empty.info, empty.truncation) == ([], whole.info, None)


def test_only_the_parts_after_the_cut_of_a_file_are_truncated(tmp_path: Path) -> None:
    times = regular(200, 25)
    body = write(tmp_path / "cut.mp4", film(len(times), 80, 48), times, encoding=Encoding(keyframe_every=25))
    cut = body[: len(body) * 6 // 10]
    _, parts = check_parts(cut, [Fraction(2), Fraction(6)], Fraction(1), "exact")
    assert [None if part.truncation is None else part.truncation.reason for part in parts] == [
        None,
        "end-of-data",
        "end-of-data",
    ]


@pytest.mark.parametrize("number", [30, 260, 391, 707])
def test_damage_counts_in_one_part_and_affects_only_its_group(long_film: Path, number: int) -> None:
    packets = packets_of(long_film)
    body = overwritten(long_film.read_bytes(), packets[number], skip=10)
    first, last = group_of(packets, number)
    fps = Fraction(25)
    cuts = [Fraction(round(1000 * float(first + share * (last - first))), 1000) for share in (0.3, 0.7)]
    whole = read(body, fps)
    assert whole.damage.packets > 0
    parts = [read(MemorySource(body), fps, part) for part in parts_of(cuts)]
    assert sum(part.damage.packets for part in parts) == whole.damage.packets
    intact = [one for one in whole.samples if not first <= one[3] < last]
    assert [one for part in parts for one in part.samples if not first <= one[3] < last] == intact


@pytest.mark.parametrize("name", ["long.mp4", "long.mkv", "long.ts"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 20))])
def test_bytes_damaged_anywhere_affect_only_their_group(seed: int, name: str, tmp_path: Path) -> None:
    # Damage between the packets, too: headers of blocks and clusters, and the index at the end of a Matroska file.
    body = write_long(tmp_path / name)
    chance = np.random.default_rng(seed)
    packets = packets_of(tmp_path / name)
    end = len(body) if name.endswith(".mkv") else packets[-1].start
    start, length = int(chance.integers(packets[1].start, end - 64)), int(chance.choice([1, 8, 64]))
    damaged = body[:start] + chance.bytes(length) + body[start + length :]
    # A header is in front of its packet.
    hit = [
        number
        for number, packet in enumerate(packets)
        if start < packet.start + packet.size and packet.start - _HEADER < start + length
    ]
    groups = [group_of(packets, number) for number in hit]
    cuts = sorted(Fraction(int(chance.integers(1, 1000 * _LONG)), 1000) for _ in range(3))
    whole = read(damaged, Fraction(5))
    parts = [read(MemorySource(damaged), Fraction(5), part) for part in parts_of(cuts)]
    intact = [one for one in whole.samples if not any(first <= one[3] < last for first, last in groups)]
    samples = [one for part in parts for one in part.samples]
    assert len(intact) > 75
    assert [one for one in samples if not any(first <= one[3] < last for first, last in groups)] == intact
    assert sum(part.damage.packets for part in parts) == whole.damage.packets


@pytest.mark.parametrize("number", [28, 31, 32])
def test_damage_in_an_open_group_affects_the_same_samples_of_the_whole_and_its_parts(
    tmp_path: Path, number: int
) -> None:
    path, times = tmp_path / "open.mp4", regular(75, 25)
    options = {"bf": "3", "sc_threshold": "0", "x264-params": "open-gop=1:b-adapt=0:b-pyramid=0"}
    write(path, film(len(times), 80, 48), times, encoding=Encoding(24, options))
    # Decoding order is 24 21 22 23 28 25 26 27 and so on. Packets 28 and 32 are the last before the next reference.
    packet = packets_of(path)[number]
    body = overwritten(path.read_bytes(), packet, skip=6)
    whole, parts = check_parts(body, [packet.time + Fraction(1, 50)], Fraction(25), "exact")
    # The frames that lead the next group are lost, too.
    assert len(whole.samples) < len(times) - 1
    assert sum(part.damage.packets for part in parts) == whole.damage.packets == 1

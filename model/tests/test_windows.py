"""Tests of the windows in which a video without sample tables is planned: their number, their memory and their cost."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from video_inference import windows
from video_inference.part import WHOLE
from video_inference.plan import NoPlanError, Packets, Sampled
from video_inference.track import Track
from videos.times import regular
from videos.writer import Encoding, write

_COUNT, _RATE = 1000, 25
_WINDOW = 1 << 16


@pytest.fixture(scope="module", params=["intra.mkv", "intra.ts"])
def body(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video of keyframes only."""
    chance = np.random.default_rng(1)
    pictures = [chance.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(20)]
    path = tmp_path_factory.mktemp("windows") / str(request.param)
    frames = (pictures[n % 20] for n in range(_COUNT))
    return write(path, frames, regular(_COUNT, _RATE), encoding=Encoding(keyframe_every=1))


@pytest.fixture
def track(body: bytes) -> Iterator[Track]:
    opened = Track(body, 1, 1 << 20)
    yield opened
    opened.close()


@pytest.mark.parametrize(("fps", "sampling"), [(1, "exact"), (1, "keyframe"), (Fraction(1, 8), "keyframe")])
def test_each_window_reads_about_its_bytes(
    track: Track, fps: Fraction, sampling: Sampled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "WINDOW_BYTES", _WINDOW)
    read = windows.read_windows(track, WHOLE, Fraction(fps), sampling, seeks=False)
    sizes = [len(window.packets) for window in read]
    size = track_bytes(track)
    assert 3 <= len(sizes) <= size / _WINDOW + 1


def test_windows_for_keyframes_hold_about_two_intervals(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW_BYTES", 1)
    fps = Fraction(1, 8)
    counts = [len(one.packets) for one in windows.read_windows(track, WHOLE, fps, "keyframe", seeks=False)]
    assert max(counts[:-1]) <= 2 / fps * _RATE + 20


def test_too_many_packets_in_memory_are_an_error(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MAX_WINDOW_BYTES", 1 << 18)
    monkeypatch.setattr(windows, "WINDOW_BYTES", 1 << 30)
    with pytest.raises(NoPlanError, match="packets that must be in memory have more than"):
        list(windows.read_windows(track, WHOLE, Fraction(1), "exact", seeks=False))


def test_windows_before_keep_no_packets_in_memory(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW_BYTES", _WINDOW)
    kept = list(windows.read_windows(track, WHOLE, Fraction(1), "exact", seeks=False))
    packets = {id(packet): packet.size for window in kept for packet in window.packets}
    assert sum(packets.values()) <= 2 * _WINDOW


def test_the_keyframes_of_a_window_are_searched_only_at_its_end(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    searches = 0
    search = windows._keys_until

    def counted(packets: Packets, time: Fraction) -> list[int]:
        nonlocal searches
        searches += 1
        return search(packets, time)

    monkeypatch.setattr(windows, "_keys_until", counted)
    assert len(list(windows.read_windows(track, WHOLE, Fraction(1), "exact", seeks=False))) == 1
    assert searches <= 1


def track_bytes(track: Track) -> int:
    """Return the size of all packets, with the memory that a packet takes apart from its content."""
    return sum(packet.size + windows._PACKET_BYTES for packet in track.packets(track.stream.start_time or 0))

"""Damages one packet of a video at a time, and checks that only samples of its group of pictures change."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from videos.good import GOOD
from videos.joins import Place, group_of, packets_of

from .answer import Answer
from .worker import SAMPLE_FPS, sample

_NAMES = {
    "rate-25.mp4",
    "rate-30.mp4",
    "irregular.mkv",
    "irregular.webm",
    "short-groups.mp4",
    "no-b-frames.mp4",
    "open-groups.mp4",
    "open-groups-hevc.mp4",
    "hevc.mp4",
    "vp9.webm",
    "av1.mp4",
    "mpeg4.mp4",
    "mpeg4.avi",
    "h264.mov",
    "h264.mkv",
    "h264.ts",
    "h264.flv",
    "fragmented.mp4",
    "late.mkv",
}
"""Samples whose groups of pictures can each be decoded without the ones before it."""

# Bytes at a packet's start that are kept: in most containers they include a header, whose damage hits more.
_KEPT = {".mp4": 0, ".mov": 0, ".ts": 60}
_KEPT_ELSEWHERE = 48
# In a transport stream, a packet is spread over pieces of 188 bytes, of which a short last one is filled at its start.
_PIECE = 188
_LENGTH = {".ts": _PIECE - 60}
_LEAST = {".ts": _PIECE}
# MPEG-4's decoder keeps a time from picture to picture, also over keyframes: a damaged header may spoil the next group.
_SPOILS_NEXT = {"mpeg4.mp4"}


@dataclass(frozen=True)
class Film:
    """A video whose packets are damaged, and the samples of the undamaged one."""

    name: str
    body: bytes
    packets: Sequence[Place]
    samples: dict[Fraction, int]


def films() -> list[Film]:
    """Make the videos."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for good in GOOD:
            if good.name in _NAMES:
                path = Path(folder, good.name)
                body = good.write(path)
                made.append(Film(good.name, body, packets_of(path), dict(sample(body)[2])))
    return made


def _choice(film: Film, rng: np.random.Generator) -> tuple[int, slice]:
    """Choose a packet by its number, and the bytes to damage in it."""
    suffix = Path(film.name).suffix
    kept = _KEPT.get(suffix, _KEPT_ELSEWHERE)
    least = _LEAST.get(suffix, kept + 1)
    large = [number for number, packet in enumerate(film.packets) if packet.size >= least]
    number = large[int(rng.integers(len(large)))]
    packet = film.packets[number]
    length = min(packet.size - kept, _LENGTH.get(suffix, packet.size))
    start = kept + int(rng.integers(max(1, length)))
    size = 1 + int(rng.random() ** 2 * (kept + length - start))
    return number, slice(packet.start + start, packet.start + min(start + size, packet.size))


class PacketDamage:
    """The files of a run: each depends on the run's seed and its own number only.

    Parameters
    ----------
    films
        At least one.
    seed
        Of the run.
    """

    def __init__(self, films: Sequence[Film], seed: int) -> None:
        self._films = films
        self._seed = seed

    def _case(self, number: int) -> tuple[Film, int, slice, np.random.Generator]:
        rng = np.random.default_rng((self._seed, number))
        film = self._films[number % len(self._films)]
        return film, *_choice(film, rng), rng

    @staticmethod
    def _next_end(film: Film, packet: int) -> Fraction:
        later = [number for number in range(packet + 1, len(film.packets)) if film.packets[number].is_key]
        return group_of(film.packets, later[0] if later else packet)[1]

    def bodies(self, count: int) -> Iterator[bytes]:
        """Make the first `count` files."""
        for number in range(count):
            film, _, span, rng = self._case(number)
            body = bytearray(film.body)
            whole = body[span]
            turned_over = bytes(byte ^ 0xFF for byte in whole)
            body[span] = (rng.bytes(len(whole)), bytes(len(whole)), turned_over)[int(rng.integers(3))]
            if body[span] == whole:
                body[span] = turned_over
            yield bytes(body)

    def check(self, number: int, answer: Answer) -> str:
        """Tell which samples outside the damaged group differ from those of the undamaged video; empty if none do."""
        film, packet, span, _ = self._case(number)
        start, end = group_of(film.packets, packet)
        if film.name in _SPOILS_NEXT:
            end = self._next_end(film, packet)
        found = dict(answer.samples)
        wrong = [
            f"{float(time):.3f} s" + ("" if time in found else " is missing")
            for time, checksum in film.samples.items()
            if not start <= time < end and found.get(time) != checksum
        ]
        # The frame next to the group may stand for a lost one at its edge.
        reach = 1 / SAMPLE_FPS
        wrong += [
            f"{float(time):.3f} s is new"
            for time in found.keys() - film.samples.keys()
            if not start - reach <= time < end + reach
        ]
        if not wrong:
            return ""
        place = f"bytes {span.start} to {span.stop} of packet {packet} of {film.name}"
        return f"{place} were damaged ({float(start):.3f} to {float(end):.3f} s): {', '.join(sorted(wrong))}"

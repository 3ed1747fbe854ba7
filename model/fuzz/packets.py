"""Damages one packet of a video, and checks that only samples of its group of pictures change."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from videos.good import GOOD
from videos.remux import PacketPosition, group_of, packets_of

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
"""Samples whose groups of pictures can be decoded without the previous group."""

# Bytes at the start of a packet that are not damaged, because damage in the container's header affects other packets.
_HEADER_BYTES = {".mp4": 0, ".mov": 0, ".ts": 60}
_DEFAULT_HEADER_BYTES = 48
# A transport stream splits a packet into pieces of 188 bytes. A short last piece has padding at its start.
_TS_PACKET_BYTES = 188
_MAX_LENGTH = {".ts": _TS_PACKET_BYTES - 60}
_MIN_SIZE = {".ts": _TS_PACKET_BYTES}
# MPEG-4's decoder keeps a time across keyframes, so a damaged header can also affect the next group.
_DAMAGES_NEXT_GROUP = {"mpeg4.mp4"}


@dataclass(frozen=True)
class IntactVideo:
    """An undamaged video, its packets, and its samples: checksums by time in seconds."""

    name: str
    body: bytes
    packets: Sequence[PacketPosition]
    samples: dict[Fraction, int]


def intact_videos() -> list[IntactVideo]:
    """Return the videos to damage."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for good in GOOD:
            if good.name in _NAMES:
                path = Path(folder, good.name)
                body = good.write(path)
                made.append(IntactVideo(good.name, body, packets_of(path), dict(sample(body)[2])))
    return made


def _choice(video: IntactVideo, rng: np.random.Generator) -> tuple[int, slice]:
    """Choose a packet and the bytes to damage in it. Returns its number and the range in the file."""
    suffix = Path(video.name).suffix
    header = _HEADER_BYTES.get(suffix, _DEFAULT_HEADER_BYTES)
    min_size = _MIN_SIZE.get(suffix, header + 1)
    large = [number for number, packet in enumerate(video.packets) if packet.size >= min_size]
    number = large[int(rng.integers(len(large)))]
    packet = video.packets[number]
    length = min(packet.size - header, _MAX_LENGTH.get(suffix, packet.size))
    start = header + int(rng.integers(max(1, length)))
    size = 1 + int(rng.random() ** 2 * (header + length - start))
    return number, slice(packet.start + start, packet.start + min(start + size, packet.size))


class PacketDamage:
    """Damaged files of a run. Each file depends only on the seed of the run and the number of the file.

    Parameters
    ----------
    intact_videos
        At least one video.
    seed
        Seed of the run.
    """

    def __init__(self, intact_videos: Sequence[IntactVideo], seed: int) -> None:
        self._videos = intact_videos
        self._seed = seed

    def _case(self, number: int) -> tuple[IntactVideo, int, slice, np.random.Generator]:
        rng = np.random.default_rng((self._seed, number))
        video = self._videos[number % len(self._videos)]
        return video, *_choice(video, rng), rng

    @staticmethod
    def _next_end(video: IntactVideo, packet: int) -> Fraction:
        later = [number for number in range(packet + 1, len(video.packets)) if video.packets[number].is_key]
        return group_of(video.packets, later[0] if later else packet)[1]

    def bodies(self, count: int) -> Iterator[bytes]:
        """Yield the first `count` files."""
        for number in range(count):
            video, _, span, rng = self._case(number)
            body = bytearray(video.body)
            whole = body[span]
            inverted = bytes(byte ^ 0xFF for byte in whole)
            body[span] = (rng.bytes(len(whole)), bytes(len(whole)), inverted)[int(rng.integers(3))]
            if body[span] == whole:
                body[span] = inverted
            yield bytes(body)

    def check(self, number: int, answer: Answer) -> str:
        """Return a description of the samples outside the damaged group that changed; empty if there are none."""
        video, packet, span, _ = self._case(number)
        start, end = group_of(video.packets, packet)
        if video.name in _DAMAGES_NEXT_GROUP:
            end = self._next_end(video, packet)
        found = dict(answer.samples)
        wrong = [
            f"{float(time):.3f} s" + ("" if time in found else " is missing")
            for time, checksum in video.samples.items()
            if not start <= time < end and found.get(time) != checksum
        ]
        # The frame next to the group may replace a lost one at its edge.
        interval = 1 / SAMPLE_FPS
        wrong += [
            f"{float(time):.3f} s is new"
            for time in found.keys() - video.samples.keys()
            if not start - interval <= time < end + interval
        ]
        if not wrong:
            return ""
        place = f"bytes {span.start} to {span.stop} of packet {packet} of {video.name}"
        return f"{place} were damaged ({float(start):.3f} to {float(end):.3f} s): {', '.join(sorted(wrong))}"

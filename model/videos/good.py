"""Defines valid sample videos of all supported kinds of rates, codecs, containers and group structures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from .boxes import trimmed, turned
from .divx import packed
from .pictures import HEIGHT, WIDTH, Rgb, moving
from .sample import Sample
from .times import NTSC_60, changing, irregular, regular
from .writer import Codec, Encoding, write

_SECONDS = 4


@dataclass(frozen=True)
class Good(Sample):
    """A valid video and its properties.

    Attributes
    ----------
    times
        Times of the pictures in seconds. The pictures show their numbers, from 0.
    codec, encoding
        Codec and options of the encoding.
    size
        (width, height) in pixels, as displayed.
    sound
        Length of the sound track in seconds; 0 for none.
    rotation
        Clockwise rotation of stored pictures for display, in degrees.
    trimmed
        Number of pictures at the beginning that the edit list hides.
    packed
        True if the video is a packed bitstream (see `divx.py`).
    share
        Share of the file that is left, 0 to 1. The video is truncated if it is less than 1.
    """

    times: Sequence[Fraction]
    codec: Codec = "libx264"
    size: tuple[int, int] = (WIDTH, HEIGHT)
    encoding: Encoding | None = None
    sound: float = 0
    rotation: int = 0
    trimmed: int = 0
    packed: bool = False
    share: float = 1

    def encode(self, path: Path) -> bytes:
        """Encode the video to a path with the suffix of its name, and return the content."""
        pictures = film(len(self.times), *self.size, rotation=self.rotation)
        target = path.with_suffix(".source.mp4") if self.packed else path
        body = write(target, pictures, self.times, self.codec, sound=self.sound, encoding=self.encoding)
        if self.packed:
            body = packed(body, path, round(1 / (self.times[1] - self.times[0])))
        if self.rotation:
            body = turned(body, self.rotation)
        if self.trimmed:
            body = trimmed(body, self.times[self.trimmed])
        return body[: int(len(body) * self.share)]


def film(count: int, width: int = WIDTH, height: int = HEIGHT, *, rotation: int = 0) -> list[Rgb]:
    """Paint numbered pictures that are upright after a clockwise rotation by `rotation` degrees."""
    return [np.ascontiguousarray(np.rot90(moving(number, width, height), rotation // 90)) for number in range(count)]


def _steady(rate: Fraction | int, seconds: int = _SECONDS) -> list[Fraction]:
    return regular(int(rate * seconds), rate)


def _late(times: Sequence[Fraction], seconds: int) -> list[Fraction]:
    return [seconds + time for time in times]


_X264_OPEN = Encoding(
    options={"x264-params": "open-gop=1:keyint=12:min-keyint=12:bframes=3:b-adapt=0:b-pyramid=normal"}
)
_X264_ROLLING = Encoding(options={"x264-params": "intra-refresh=1:keyint=20:bframes=0"})
_X265_OPEN = Encoding(options={"x265-params": "open-gop=1:keyint=24:min-keyint=24:bframes=3"})
_GROUPS = Encoding(keyframe_every=12)
_B_FRAMES = Encoding(keyframe_every=12, options={"bf": "2"})

GOOD: tuple[Good, ...] = (
    Good("rate-10.mp4", "10 frames per second", _steady(10)),
    Good("rate-25.mp4", "25 frames per second", _steady(25), encoding=_GROUPS),
    Good("rate-30.mp4", "30 frames per second, a keyframe a second", _steady(30), encoding=Encoding(keyframe_every=30)),
    Good("rate-59.94.mp4", "60000/1001 frames per second", _steady(NTSC_60)),
    Good("changing.mp4", "5, then 50, then 24 frames per second", changing([(6, 5), (60, 50), (30, 24)])),
    Good("irregular.mp4", "gaps of 10 to 200 ms", irregular(40, 1), encoding=_GROUPS),
    Good("irregular.mkv", "gaps of 10 to 200 ms, HEVC in Matroska", irregular(40, 2), "libx265", encoding=_GROUPS),
    Good("irregular.webm", "gaps of 10 to 200 ms, VP9 in WebM", irregular(40, 3), "libvpx-vp9", encoding=_GROUPS),
    Good("turned-90.mp4", "rotated by 90 degrees", _steady(25, 2), rotation=90),
    Good("turned-180.mp4", "rotated by 180 degrees", _steady(25, 2), rotation=180),
    Good("turned-270.mp4", "rotated by 270 degrees", _steady(25, 2), rotation=270),
    Good("short-groups.mp4", "a keyframe every 5 frames", _steady(25), encoding=Encoding(keyframe_every=5)),
    Good("one-group.mp4", "one keyframe", _steady(25), encoding=Encoding(keyframe_every=1000)),
    Good("no-b-frames.mp4", "no B-frames", _steady(25), encoding=Encoding(keyframe_every=12, options={"bf": "0"})),
    Good("open-groups.mp4", "H.264 with open groups of pictures", _steady(25), encoding=_X264_OPEN),
    Good("rolling-refresh.mp4", "H.264 with intra refresh: one real keyframe", _steady(25), encoding=_X264_ROLLING),
    Good("hevc.mp4", "HEVC", _steady(25), "libx265", encoding=_GROUPS),
    Good("open-groups-hevc.mp4", "HEVC with open groups of pictures", _steady(25), "libx265", encoding=_X265_OPEN),
    Good("10-bit.mp4", "HEVC of 10 bits", _steady(25, 2), "libx265", encoding=Encoding(pixel_format="yuv420p10le")),
    Good("vp9.webm", "VP9", _steady(25), "libvpx-vp9", encoding=_GROUPS),
    Good(
        "hidden-frames.webm",
        "VP9 with frames that are never shown",
        _steady(25),
        "libvpx-vp9",
        encoding=Encoding(options={"deadline": "good", "auto-alt-ref": "1", "lag-in-frames": "16", "g": "40"}),
    ),
    Good("av1.mp4", "AV1", _steady(25, 2), "libsvtav1", encoding=_GROUPS),
    Good("av1.webm", "AV1 in WebM", _steady(25, 2), "libsvtav1"),
    Good("mpeg4.mp4", "MPEG-4 part 2 with B-frames", _steady(25), "mpeg4", encoding=_B_FRAMES),
    Good("mpeg4.avi", "MPEG-4 part 2 in AVI", _steady(25), "mpeg4", encoding=_GROUPS),
    Good("b-frames.avi", "MPEG-4 part 2 with B-frames in AVI", _steady(25), "mpeg4", encoding=_B_FRAMES),
    Good(
        "packed.avi",
        "MPEG-4 part 2 with B-frames as a packed bitstream",
        _steady(25),
        "mpeg4",
        encoding=_B_FRAMES,
        packed=True,
    ),
    Good("packed.mp4", "packed, with decoding times", _steady(25), "mpeg4", encoding=_B_FRAMES, packed=True),
    Good("packed.mkv", "packed, with decoding times", _steady(25), "mpeg4", encoding=_B_FRAMES, packed=True),
    Good("h264.mov", "H.264 in QuickTime", _steady(25), encoding=_GROUPS),
    Good("h264.mkv", "H.264 in Matroska", _steady(25), encoding=_GROUPS),
    Good("h264.avi", "H.264 with B-frames in AVI, with decoding times", _steady(25), encoding=_GROUPS),
    Good("h264.ts", "H.264 in an MPEG transport stream", _steady(25), encoding=_GROUPS),
    Good(
        "late.m2ts", "HEVC in a transport stream that begins at 7 s", _late(_steady(25), 7), "libx265", encoding=_GROUPS
    ),
    Good(
        "mpeg2.mpg",
        "MPEG-2 with B-frames in a program stream",
        _steady(25),
        "mpeg2video",
        encoding=_B_FRAMES,
    ),
    Good("mpeg2.ts", "MPEG-2 in a transport stream", _steady(25), "mpeg2video", encoding=_GROUPS),
    Good("h264.flv", "H.264 in FLV", _steady(25), encoding=_GROUPS),
    Good("wmv2.wmv", "Windows Media Video that begins at 2 s", _late(_steady(25), 2), "wmv2", encoding=_GROUPS),
    Good("index-last.mp4", "the index after the pictures", _steady(25), encoding=Encoding(12, fast_start=False)),
    Good("fragmented.mp4", "fragments", _steady(25), encoding=Encoding(12, fragmented=True)),
    Good("late.mp4", "begins at 2 s", _late(_steady(25), 2), encoding=_GROUPS),
    Good("late.mkv", "begins at 2 s, in Matroska", _late(_steady(25), 2), encoding=_GROUPS),
    Good("trimmed.mp4", "an edit list hides the first 30 frames", _steady(25), encoding=_GROUPS, trimmed=30),
    Good("sound.mp4", "sound that is longer than the pictures", _steady(25, 2), sound=3),
    Good("one-frame.mp4", "one frame", _steady(25)[:1]),
    Good(
        "odd.mp4", "161 x 97 pixels, 4:4:4", _steady(25, 2), size=(161, 97), encoding=Encoding(pixel_format="yuv444p")
    ),
    Good("odd.webm", "161 x 97 pixels, VP9", _steady(25, 2), "libvpx-vp9", size=(161, 97)),
    Good("odd.avi", "161 x 97 pixels, MPEG-4 part 2", _steady(25, 2), "mpeg4", size=(161, 97)),
    Good("cut.mp4", "three fifths of an MP4", _steady(25), encoding=_GROUPS, share=0.6),
    Good("cut.mkv", "three fifths of a Matroska", _steady(25), encoding=_GROUPS, share=0.6),
    Good("cut.flv", "three fifths of an FLV", _late(_steady(25), 7), encoding=Encoding(12, {"bf": "0"}), share=0.6),
    Good("cut.avi", "three fifths of an AVI", _steady(25), "mpeg4", encoding=_GROUPS, share=0.6),
)

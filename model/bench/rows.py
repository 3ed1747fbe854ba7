"""Defines the rows of the benchmark, one for each common kind of encoding."""

from __future__ import annotations

from videos.writer import Encoding

from .footage import FPS, NTSC, Footage

_HALF = FPS // 2

ALIGNED = "aligned"
"""Name of the row with a keyframe at each sampled time of the handler's default rate."""


def _rate(megabits: float) -> dict[str, str]:
    """Return the encoder's options for a bit rate. The blog's video has 71 MB in about a minute: 9.3 Mb/s."""
    return {"b": f"{megabits}M", "maxrate": f"{2 * megabits}M", "bufsize": f"{2 * megabits}M"}


def rows(seconds: int) -> list[Footage]:
    """Return the video of each row. The 4K video lasts a third of the seconds, because its frames cost more."""
    shifted = frozenset(range(_HALF, seconds * FPS, FPS))
    return [
        Footage(ALIGNED, seconds, Encoding(FPS, options=_rate(9.3))),
        Footage("shifted", seconds, Encoding(seconds * FPS, _rate(9.3), keyframes=shifted)),
        Footage("x264-defaults", seconds, Encoding(options=_rate(9.3) | {"g": "250"}), content="shots"),
        Footage("x264-g30-scene-cuts", seconds, Encoding(options=_rate(9.3) | {"g": "30"}), content="shots"),
        Footage(
            "phone-hevc",
            seconds,
            Encoding(FPS, options=_rate(8) | {"x265-params": "bframes=3:open-gop=0"}),
            "libx265",
        ),
        Footage(
            "camera-4k",
            max(1, seconds // 3),
            Encoding(2 * FPS, options=_rate(45)),
            rate=NTSC,
            width=3840,
            height=2160,
        ),
        Footage("screen-vfr", seconds, Encoding(options={"crf": "23", "g": "250"}), content="screen", rate=None),
    ]

"""The encodings that people have, a row of the benchmark for each."""

from __future__ import annotations

from videos.writer import Encoding

from .footage import FPS, NTSC, Footage

_HALF = FPS // 2

ALIGNED = "aligned"
"""The row with a keyframe at every second, which is what the handler looks at by default."""


def _rate(megabits: float) -> dict[str, str]:
    """Ask an encoder for a bit rate; the blog's video has 71 MB, of about a minute: 9.3 Mb/s."""
    return {"b": f"{megabits}M", "maxrate": f"{2 * megabits}M", "bufsize": f"{2 * megabits}M"}


def rows(seconds: int) -> list[Footage]:
    """List the rows' videos of so many seconds; the one in 4K, whose frames cost four times as much, has a third."""
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

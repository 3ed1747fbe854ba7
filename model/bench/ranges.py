"""Measures how many bytes of a video in S3 the handler reads: `python -m bench.ranges`."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from video_inference.part import WHOLE, Part
from video_inference.plan import Sampled
from video_inference.request import VideoRequest
from video_inference.s3_source import S3Source
from video_inference.video import Video
from videos.writer import Encoding

from . import bodies, footage
from .footage import Footage, repeat

MAX_RATIOS = {"bytes_read_overhead": 1.15, "bytes_read_share": 0.3}
"""Maximum ratios that the project aims for."""

BODY_MIB = 512
"""Size in MiB of the body whose transfer through TorchServe a request object saves."""

_CLIP_SECONDS, _LARGE_CLIP_SECONDS = 10, 2
_SECONDS = 120
_PARTS = 4
# About 0.1 frames per second. With exactly 0.1, all targets would be at keyframes.
_RARELY = Fraction(10, 101)
_ETAG = '"1"'
# Pictures are small, because the bytes count and not the decoding, but have the bytes of 1080p: 8 Mbit/s.
_COMMON = Footage(
    "parts",
    _CLIP_SECONDS,
    Encoding(keyframe_every=250, options={"b": "8M", "maxrate": "8M", "bufsize": "8M"}),
    width=480,
    height=270,
)
_LARGE = Footage(
    "parts-4k",
    _LARGE_CLIP_SECONDS,
    Encoding(keyframe_every=30, options={"b": "40M", "maxrate": "40M", "bufsize": "40M"}),
    width=3840,
    height=2160,
)


@dataclass(frozen=True)
class _FileClient:
    """Client for S3 with one object, the file at a path."""

    path: Path

    def get_object(self, **options: str) -> Mapping[str, object]:
        """Return the bytes of the option Range."""
        start, last = map(int, options["Range"].removeprefix("bytes=").split("-"))
        with self.path.open("rb") as file:
            file.seek(start)
            data = file.read(last - start + 1)
        size = self.path.stat().st_size
        return {"Body": io.BytesIO(data), "ContentRange": f"bytes {start}-{start + len(data) - 1}/{size}"}


def make_video(kind: Footage, seconds: int, suffix: str = ".mp4") -> Path:
    """Return the path of a video that repeats a clip. The video is generated if it does not exist."""
    path = footage.FOLDER / f"{Path(kind.file_name).stem}-{seconds}s{suffix}"
    if not path.exists():
        repeat(kind.file(), path, kind.seconds, seconds // kind.seconds)
    return path


def bytes_read(path: Path, fps: Fraction, part: Part = WHOLE, sampling: Sampled = "exact") -> int:
    """Return the number of bytes that the handler reads to sample a video or a part of it."""
    with S3Source(_FileClient(path), VideoRequest("videos", path.name, _ETAG, "")) as source:
        with Video(source) as video:
            for _frame in video.samples(fps, sampling=sampling, part=part):
                pass
        # Closing waits for the last read.
        source.close()
        return source.bytes_read


def measure(seconds: int = _SECONDS, common: Footage = _COMMON, large: Footage = _LARGE) -> dict[str, float]:
    """Measure the bytes that parts read, and those for few samples of a video with large pictures.

    Parameters
    ----------
    seconds
        Length of the videos in seconds.
    common, large
        The clips.

    Returns
    -------
    dict
        `bytes_read_overhead`: bytes that four equal parts read at one frame per second, divided by those of one request
        for the whole video; the same for Matroska. `whole_bytes_read_share`: bytes of the latter divided by the size.
        `bytes_read_share`: bytes read for a frame in ten seconds, divided by the size; the same with keyframes.
    """
    result: dict[str, float] = {}
    for name, suffix in (("", ".mp4"), ("matroska_", ".mkv")):
        path = make_video(common, seconds, suffix)
        whole = bytes_read(path, Fraction(1))
        length = Fraction(seconds, _PARTS)
        ends = [*(length * number for number in range(1, _PARTS)), None]
        read = sum(bytes_read(path, Fraction(1), Part(length * number, end)) for number, end in enumerate(ends))
        result[f"{name}bytes_read_overhead"] = round(read / whole, 3)
        result[f"{name}whole_bytes_read_share"] = round(whole / path.stat().st_size, 3)
    path = make_video(large, seconds)
    kinds: tuple[tuple[str, Sampled], ...] = (("bytes_read_share", "exact"), ("keyframe_bytes_read_share", "keyframe"))
    for name, sampling in kinds:
        result[name] = round(bytes_read(path, _RARELY, sampling=sampling) / path.stat().st_size, 3)
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="bench.ranges", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument(
        "--body", action="store_true", help=f"also send a body of {BODY_MIB} MiB to TorchServe, which takes minutes"
    )
    parser.add_argument(
        "--seconds", type=int, default=_SECONDS, help="length of the videos, a multiple of ten (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    if options.seconds < _CLIP_SECONDS or options.seconds % _CLIP_SECONDS != 0:
        parser.error(f"--seconds: {options.seconds} is not a multiple of {_CLIP_SECONDS}")
    result = measure(options.seconds)
    if options.body:
        result["body_seconds_saved"] = bodies.measure([BODY_MIB])[str(BODY_MIB)]
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            wanted = f"  (wanted: at most {MAX_RATIOS[name]:g})" if name in MAX_RATIOS else ""
            print(f"{name:<34} {value:>8}{wanted}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Draws a result on its video: an annotated video, an animated GIF of the sampled frames and, optionally, a sheet."""

from __future__ import annotations

import argparse
import json
import mmap
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image

from annotation.drawing import draw_captions, draw_detections
from annotation.errors import AnnotateError
from annotation.motion import HeldDetections
from annotation.movie import Movie
from annotation.reading import read_result
from annotation.stills import choose_evenly, make_still, write_animation, write_sheet
from video_inference.errors import ClientError
from video_inference.frame import Frame
from video_inference.video import Video

_MAX_MEMORY = 16 << 30
"""Memory limit in bytes. A video of 8192x4320 pixels took 6.4 GiB in a test, most of it for encoding."""

_MAX_HELD_INTERVALS = 2
"""Number of sampling intervals after which the boxes of a sampled frame disappear.

The next sample is at most this far away, also with `sampling=keyframe`, unless the video is damaged.
"""

_PROGRESS_SECONDS = 1.0
"""Minimum time between two lines about the progress."""


@dataclass(frozen=True)
class Annotated:
    """Paths of the written files; `sheet` is None if it was not requested."""

    movie: Path
    animation: Path
    sheet: Path | None


@dataclass(frozen=True)
class _AnnotatedFrame:
    """Annotated frame with its time in seconds; `is_sample` tells whether it is a sampled frame."""

    timestamp: Fraction
    picture: Image.Image
    is_sample: bool


def _annotated_frames(frames: Iterator[Frame], result: Mapping[str, Any]) -> Iterator[_AnnotatedFrame]:
    sampled: Sequence[Mapping[str, Any]] = result["frames"]
    size = (result["video"]["width"], result["video"]["height"])
    max_seconds = _MAX_HELD_INTERVALS / result["sampling"]["fps"]
    following, now = 0, Fraction(0)
    held: HeldDetections | None = None
    for number, frame in enumerate(frames):
        now, picture = frame.timestamp, Image.fromarray(frame.rgb())
        if number == 0 and size not in _possible_sizes(frame, picture, result):
            raise AnnotateError(
                f"The result belongs to another video: its pictures have {size[0]}x{size[1]} pixels, "
                f"not {picture.width}x{picture.height}. Pass the video that was sent."
            )
        if picture.size != size:
            # Boxes are in pixels of the first frame, even if later pictures have another size.
            picture = picture.resize(size)
        is_sample = False
        # By time, because the numbers of frames may differ from the handler's if the video is damaged.
        while following < len(sampled) and round(float(now), 6) >= sampled[following]["timestamp"]:
            following, is_sample = following + 1, True
        if is_sample:
            held = HeldDetections(sampled[following - 1 : following + 1], max_seconds)
        caption = f"{float(now):.2f} s"
        detections = None if held is None else held.at(float(now))
        if held is None or detections is None:
            caption += ", not sampled"
        else:
            draw_detections(picture, detections)
            caption += "" if is_sample else f", found at {held.timestamp:.2f} s"
        draw_captions(picture, caption, result["notice"])
        yield _AnnotatedFrame(now, picture, is_sample)
    if sampled[-1]["timestamp"] > float(now) + 1:
        raise AnnotateError(
            f"The result belongs to another video: it has a frame at {sampled[-1]['timestamp']:.2f} s, "
            f"but this video ends after {float(now):.2f} s. Pass the video that was sent."
        )


def _possible_sizes(frame: Frame, picture: Image.Image, result: Mapping[str, Any]) -> set[tuple[int, int]]:
    """Return the sizes in pixels that a result may state for a video with this first frame."""
    sizes = {picture.size}
    if result["schema_version"] == 1:
        # In version 1, boxes were in stored pixels, which may not be square, but upright.
        stored = (frame.picture.width, frame.picture.height)
        sizes |= {stored, stored[::-1]}
    return sizes


def _nothing(_share: float) -> None:
    """Ignore the progress."""


def annotate(
    video: Path, result: Path, out: Path, *, sheet: bool = False, progress: Callable[[float], None] = _nothing
) -> Annotated:
    """Write annotated.mp4, annotated.gif and, if requested, annotated.jpg.

    The video shows the detections of a sampled frame until the next one, with the time of the sampled frame. Boxes of
    objects that are in both frames move from one to the other. The GIF and the sheet show only sampled frames. Every
    file shows the model's notice.

    Parameters
    ----------
    video
        Path of the video.
    result
        Path of the handler's result for this video, a JSON document.
    out
        Folder for the files; created if it does not exist.
    sheet
        True to write the contact sheet.
    progress
        Called after each frame with the share of the video that is drawn, from 0 to 1.

    Raises
    ------
    AnnotateError
        If an input is missing or invalid, memory runs out, or a file cannot be written. No file is then written or
        changed.
    """
    document = read_result(result)
    paths = [out / f"annotated.{kind}" for kind in ("mp4", "gif", "jpg")[: 3 if sheet else 2]]
    drafts = [path.with_name(f".{path.name}.tmp") for path in paths]
    chosen = choose_evenly(len(document["frames"]))
    stills: list[Image.Image] = []
    seen = 0
    seconds = document["video"]["duration"] or document["frames"][-1]["timestamp"]
    try:
        body = _content(video)
        out.mkdir(parents=True, exist_ok=True)
        with Video(body) as source, Movie(drafts[0]) as movie:
            for frame in _annotated_frames(source.frames(), document):
                movie.add(frame.picture, frame.timestamp)
                progress(min(1.0, float(frame.timestamp) / seconds) if seconds > 0 else 1.0)
                if frame.is_sample:
                    if seen in chosen:
                        stills.append(make_still(frame.picture, len(chosen), sheet=sheet))
                    seen += 1
        for draft, write in zip(drafts[1:], (write_animation, write_sheet), strict=False):
            write(stills, draft)
        for draft, path in zip(drafts, paths, strict=True):
            draft.replace(path)
    except ClientError as error:
        raise AnnotateError(f"{video}: {error}") from error
    except (MemoryError, av.ExternalError) as error:
        # The encoder reports only an external error. Its input is always valid, so the cause is a lack of memory.
        raise AnnotateError(f"{video}: not enough memory to annotate this video{_limit()}.") from error
    except (OSError, av.FFmpegError) as error:
        raise AnnotateError(f"{error.filename or out}: {error.strerror}.") from error
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    return Annotated(paths[0], paths[1], paths[2] if sheet else None)


def _content(video: Path) -> memoryview:
    """Return the bytes of a file, which may be larger than the memory. They are unmapped with the last reference."""
    with video.open("rb") as file:
        # An empty file cannot be mapped.
        is_empty = os.fstat(file.fileno()).st_size == 0
        return memoryview(b"" if is_empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _limit() -> str:
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return "" if limit == resource.RLIM_INFINITY else f"; the limit is {limit >> 20} MiB"


def limit_memory(max_bytes: int = _MAX_MEMORY) -> None:
    """Limit this process's memory, so that a malicious video or result cannot exhaust the machine's memory.

    Linux counts all private memory (setrlimit(2), RLIMIT_DATA, since 4.7); macOS counts only a part of it.

    Parameters
    ----------
    max_bytes
        Limit in bytes. Three quarters of the machine's memory, or an earlier limit, apply if they are lower.
    """
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = min(max_bytes, machine * 3 // 4, *([] if hard == resource.RLIM_INFINITY else [hard]))
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path, required=True, help="video that was sent")
    parser.add_argument("--result", type=Path, required=True, help="result of the video, a JSON document")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--sheet", action="store_true", help="write annotated.jpg too: sampled frames side by side")
    parser.add_argument("--json", action="store_true", help="print the paths of the files as one JSON object")
    parser.add_argument("--progress", action="store_true", help="print the progress to stderr, once a second")
    options = parser.parse_args(arguments)
    progress = _printer() if options.progress else _nothing
    try:
        written = annotate(options.video, options.result, options.out, sheet=options.sheet, progress=progress)
    except AnnotateError as error:
        print(f"annotate.py: {error}", file=sys.stderr)
        return 1
    paths = {name: str(path) for name, path in vars(written).items() if path is not None}
    print(json.dumps(paths) if options.json else "\n".join(paths.values()))
    return 0


def _printer() -> Callable[[float], None]:
    reported = time.monotonic()

    def show(share: float) -> None:
        nonlocal reported
        if time.monotonic() - reported >= _PROGRESS_SECONDS:
            reported = time.monotonic()
            print(f"annotate.py: {100 * share:.2f} % drawn", file=sys.stderr, flush=True)

    return show


def _end(number: int, _frame: object) -> None:
    # SystemExit runs the finally blocks, which remove the drafts.
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    limit_memory()
    sys.exit(main())

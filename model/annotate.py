"""Draws a result's boxes on its video: an mp4 with the boxes held between samples, and a GIF of the sampled frames."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.video
import jsonschema
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from video_inference.errors import ClientError
from video_inference.video import Frame, Video

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_SCHEMA = Path(__file__).resolve().parent / "result.schema.json"
_COLOURS = ("#ff5470", "#ffd23f", "#3ddc97", "#4cc9f0", "#c77dff", "#ff9f1c", "#f15bb5", "#9ef01a")
_TICKS_PER_SECOND = 90_000
_GIF_WIDTHS = (480, 320, 200)
_GIF_BYTES = 3_000_000
_GIF_FRAMES = 24
_GIF_FRAME_MILLISECONDS = 700


class AnnotateError(Exception):
    """The annotated files cannot be made; the message says why."""


@dataclass(frozen=True)
class _Annotated:
    """A frame of the video with the boxes of the last sampled frame drawn on it; `is_sample` if it is one itself."""

    timestamp: Fraction
    picture: Image.Image
    is_sample: bool


def read_result(path: Path) -> dict[str, Any]:
    """Read a result and check it against the schema.

    Raises
    ------
    AnnotateError
        If it cannot be read or is no result.
    """
    try:
        result: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AnnotateError(f"The result {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise AnnotateError(f"The result {path} is not JSON: {error}.") from error
    schema = json.loads(_SCHEMA.read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    wrong = jsonschema.exceptions.best_match(validator.iter_errors(result))
    if wrong is not None:
        raise AnnotateError(f"{path} is not a result: at {wrong.json_path}, {wrong.message}.")
    return result


def _plate(picture: Image.Image, corner: tuple[float, float], text: str, font: Font, colour: str) -> None:
    """Write on a plate whose lower left corner is given, moved so that it lies within the picture."""
    pen = ImageDraw.Draw(picture)
    left, top, right, bottom = pen.textbbox((0, 0), text, font)
    width, height = right - left + 6, bottom - top + 6
    x = max(0.0, min(corner[0], picture.width - width))
    y = max(0.0, corner[1] - height)
    pen.rectangle((x, y, x + width, y + height), fill=colour)
    pen.text((x + 3 - left, y + 3 - top), text, fill="#101418", font=font)


def draw(picture: Image.Image, boxes: Mapping[str, Any], timestamp: float, notice: str | None) -> None:
    """Draw on a picture, in place.

    Parameters
    ----------
    picture
        A frame as displayed.
    boxes
        The result's frame whose detections are drawn, with label and score.
    timestamp
        Of the picture, in seconds.
    notice
        What viewers must be told, if anything.
    """
    line = max(2, picture.height // 180)
    font = ImageFont.load_default(max(11, picture.height // 26))
    pen = ImageDraw.Draw(picture)
    for detection in boxes["detections"]:
        colour = _COLOURS[detection["label_id"] * 7 % len(_COLOURS)]
        x1, y1, x2, y2 = detection["box"]
        pen.rectangle((x1, y1, x2, y2), outline=colour, width=line)
        _plate(picture, (x1, y1), f"{detection['label']} {detection['score']:.2f}", font, colour)
    time = f"{timestamp:.2f} s (boxes of {boxes['timestamp']:.2f} s)"
    _plate(picture, (0, picture.height), time, font, "#ffffff")
    if notice is not None:
        _plate(picture, (picture.width, picture.height), notice, font, "#ffffff")


def _annotated(frames: Iterator[Frame], result: Mapping[str, Any]) -> Iterator[_Annotated]:
    sampled: Sequence[Mapping[str, Any]] = result["frames"]
    size = (result["video"]["width"], result["video"]["height"])
    current = 0
    for frame in frames:
        while current + 1 < len(sampled) and sampled[current + 1]["index"] <= frame.index:
            current += 1
        picture = Image.fromarray(frame.rgb())
        if frame.index == 0 and picture.size != size:
            raise AnnotateError(
                f"The result is of another video: its pictures have {size[0]}x{size[1]} pixels, "
                f"not {picture.width}x{picture.height}."
            )
        draw(picture, sampled[current], float(frame.timestamp), result["notice"])
        yield _Annotated(frame.timestamp, picture, sampled[current]["index"] == frame.index)


class _Movie:
    """An H.264 mp4 being written, frame by frame with times; a context manager."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(path, "w", format="mp4", options={"movflags": "faststart"})
        self._stream: av.video.VideoStream | None = None

    def add(self, picture: Image.Image, timestamp: Fraction) -> None:
        """Append a picture at a time in seconds; all pictures have one size."""
        # H.264's colour format holds no odd row or column.
        width, height = picture.width // 2 * 2, picture.height // 2 * 2
        frame = av.VideoFrame.from_ndarray(np.asarray(picture.crop((0, 0, width, height))))
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", options={"crf": "23"})
            self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
            self._stream.codec_context.time_base = Fraction(1, _TICKS_PER_SECOND)
        frame.time_base = Fraction(1, _TICKS_PER_SECOND)
        frame.pts = round(timestamp * _TICKS_PER_SECOND)
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> _Movie:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None and self._stream is not None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()


def _write_animation(stills: Sequence[Image.Image], path: Path) -> None:
    for width in _GIF_WIDTHS:
        scale = min(1.0, width / stills[0].width)
        size = (round(stills[0].width * scale), max(1, round(stills[0].height * scale)))
        first, *rest = [
            still.resize(size, Image.Resampling.LANCZOS).quantize(128, dither=Image.Dither.NONE) for still in stills
        ]
        first.save(path, "GIF", save_all=True, append_images=rest, duration=_GIF_FRAME_MILLISECONDS, loop=0)
        if path.stat().st_size <= _GIF_BYTES:
            return


def _spread(indices: Sequence[int], count: int) -> set[int]:
    """Choose at most `count` of the numbers, evenly."""
    if len(indices) <= count:
        return set(indices)
    return {indices[position * (len(indices) - 1) // (count - 1)] for position in range(count)}


def annotate(video: Path, result: Path, out: Path) -> tuple[Path, Path]:
    """Write annotated.mp4 and annotated.gif.

    Parameters
    ----------
    video, result
        A video and what the handler answered for it.
    out
        The folder to write to; made if need be.

    Returns
    -------
    tuple of Path
        Of the mp4 and of the GIF. Neither is there, or is changed, after an error.

    Raises
    ------
    AnnotateError
        If an input is missing or is not what it should be, or a file cannot be written.
    """
    document = read_result(result)
    movie, animation = out / "annotated.mp4", out / "annotated.gif"
    drafts = [path.with_name(f".{path.name}.tmp") for path in (movie, animation)]
    chosen = _spread(range(len(document["frames"])), _GIF_FRAMES)
    stills: list[Image.Image] = []
    seen = 0
    try:
        body = video.read_bytes()
        out.mkdir(parents=True, exist_ok=True)
        with Video(body) as source, _Movie(drafts[0]) as target:
            for frame in _annotated(source.frames(), document):
                target.add(frame.picture, frame.timestamp)
                if frame.is_sample:
                    if seen in chosen:
                        stills.append(frame.picture)
                    seen += 1
        _write_animation(stills, drafts[1])
        for draft, path in zip(drafts, (movie, animation), strict=True):
            draft.replace(path)
    except ClientError as error:
        raise AnnotateError(f"{video}: {error}") from error
    except (OSError, av.FFmpegError) as error:
        raise AnnotateError(f"{error.filename or out}: {error.strerror}.") from error
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    return movie, animation


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path, required=True, help="the video that was sent")
    parser.add_argument("--result", type=Path, required=True, help="the JSON that came back")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--json", action="store_true", help="print the files' paths as one JSON object")
    options = parser.parse_args(arguments)
    try:
        movie, animation = annotate(options.video, options.result, options.out)
    except AnnotateError as error:
        print(f"annotate.py: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"movie": str(movie), "animation": str(animation)}))
    else:
        print(f"{movie}\n{animation}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

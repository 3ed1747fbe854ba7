"""Draws a result's boxes on its video: an mp4 with the boxes held between samples, and a GIF of the sampled frames."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import jsonschema
from PIL import Image, ImageDraw, ImageFont

from video_inference.errors import ClientError
from video_inference.video import Frame, Video

_SCHEMA = Path(__file__).resolve().parent / "result.schema.json"
_COLOURS = ("#ff5470", "#ffd23f", "#3ddc97", "#4cc9f0", "#c77dff", "#ff9f1c", "#f15bb5", "#9ef01a")
_GIF_WIDTH = 480
_GIF_FRAMES = 24
_GIF_FRAME_MILLISECONDS = 700
_GIF_COLOURS = 96


class AnnotateError(Exception):
    """The annotated files cannot be made; the message says why."""


@dataclass(frozen=True)
class _Caption:
    """What is written on a frame besides its boxes: the frame's time, its boxes' time in seconds, and the notice."""

    time: float
    boxes_time: float
    notice: str | None


def read_result(path: Path) -> dict[str, Any]:
    """Read a result and check it against the schema.

    Raises
    ------
    AnnotateError
        If it cannot be read or is no result.
    """
    try:
        result: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AnnotateError(f"The result {path} cannot be read: {error}.") from error
    schema = json.loads(_SCHEMA.read_text("utf-8"))
    wrong = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(result))
    if wrong is not None:
        raise AnnotateError(f"{path} is not a result: at {wrong.json_path}, {wrong.message}.")
    return result


def draw(picture: Image.Image, detections: list[Mapping[str, Any]], caption: _Caption) -> None:
    """Draw boxes with label and score, the time, and the notice on a picture, in place."""
    pen = ImageDraw.Draw(picture)
    line = max(2, picture.height // 180)
    font = ImageFont.load_default(max(11, picture.height // 26))
    for detection in detections:
        colour = _COLOURS[detection["label_id"] % len(_COLOURS)]
        x1, y1, x2, y2 = detection["box"]
        pen.rectangle((x1, y1, x2, y2), outline=colour, width=line)
        _write(pen, (x1, y1), f"{detection['label']} {detection['score']:.2f}", font, colour)
    time = f"{caption.time:.2f} s, boxes of {caption.boxes_time:.2f} s"
    _write(pen, (line, picture.height - line), time, font, "#ffffff")
    if caption.notice is not None:
        width = pen.textlength(caption.notice, font)
        _write(pen, (picture.width - width - 3 * line, picture.height - line), caption.notice, font, "#ffffff")


def _write(
    pen: ImageDraw.ImageDraw,
    corner: tuple[float, float],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: str,
) -> None:
    """Write dark text on a plate of the given colour whose lower left corner is given, moved to lie within the picture."""
    left, top, right, bottom = pen.textbbox((0, 0), text, font)
    width, height = right - left + 6, bottom - top + 4
    x = max(0.0, min(corner[0], pen.im.size[0] - width))
    y = max(0.0, corner[1] - height)
    pen.rectangle((x, y, x + width, y + height), fill=colour)
    pen.text((x + 3 - left, y + 2 - top), text, fill="#101418", font=font)


def _annotated(
    frames: Iterator[Frame], result: Mapping[str, Any]
) -> Iterator[tuple[Frame, Image.Image, bool]]:
    """Yield each frame, its picture with the boxes of the last sampled frame, and whether it is a sampled one itself."""
    sampled: list[Mapping[str, Any]] = result["frames"]
    current = 0
    for frame in frames:
        while current + 1 < len(sampled) and sampled[current + 1]["index"] <= frame.index:
            current += 1
        boxes = sampled[current]
        shown = boxes["detections"] if boxes["index"] <= frame.index else []
        picture = Image.fromarray(frame.rgb())
        draw(picture, shown, _Caption(float(frame.timestamp), boxes["timestamp"], result["notice"]))
        yield frame, picture, boxes["index"] == frame.index


def _even(picture: Image.Image) -> Image.Image:
    """Cut off the odd row or column that H.264's colour format cannot hold."""
    return picture.crop((0, 0, picture.width - picture.width % 2, picture.height - picture.height % 2))


def annotate(video: Path, result: Path, out: Path) -> dict[str, Any]:
    """Write annotated.mp4 and annotated.gif.

    Parameters
    ----------
    video, result
        A video and what the handler answered for it.
    out
        The folder to write to; made if need be.

    Returns
    -------
    dict
        Paths of both files, and how many frames each holds.

    Raises
    ------
    AnnotateError
        If an input is missing or is not what it should be, or a file cannot be written.
    """
    document = read_result(result)
    try:
        body = video.read_bytes()
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnnotateError(f"{error.filename}: {error.strerror}.") from error
    movie, animation = out / "annotated.mp4", out / "annotated.gif"
    wanted = _spread([frame["index"] for frame in document["frames"]], _GIF_FRAMES)
    stills: list[Image.Image] = []
    try:
        with Video(body) as source, av.open(movie, "w", options={"movflags": "faststart"}) as container:
            stream = None
            count = 0
            for frame, picture, is_sample in _annotated(source.frames(), document):
                if (picture.width, picture.height) != (document["video"]["width"], document["video"]["height"]):
                    raise AnnotateError(
                        f"{result} is of another video than {video}: {document['video']['width']}x"
                        f"{document['video']['height']} pixels, not {picture.width}x{picture.height}."
                    )
                if is_sample and frame.index in wanted:
                    stills.append(_still(picture))
                image = av.VideoFrame.from_image(_even(picture))
                if stream is None:
                    stream = container.add_stream("libx264", rate=25, options={"crf": "23"})
                    stream.width, stream.height, stream.pix_fmt = image.width, image.height, "yuv420p"
                    stream.codec_context.time_base = Fraction(1, 90_000)
                image.pts, image.time_base = round(frame.timestamp * 90_000), Fraction(1, 90_000)
                container.mux(stream.encode(image))
                count += 1
            if stream is not None:
                container.mux(stream.encode(None))
    except ClientError as error:
        raise AnnotateError(f"{video}: {error}") from error
    except OSError as error:
        raise AnnotateError(f"{movie} cannot be written: {error.strerror}.") from error
    return {}


def _spread(indices: list[int], count: int) -> set[int]:
    """Choose at most `count` of the numbers, evenly."""
    if len(indices) <= count:
        return set(indices)
    return {indices[position * (len(indices) - 1) // (count - 1)] for position in range(count)}


def _still(picture: Image.Image) -> Image.Image:
    width = min(_GIF_WIDTH, picture.width)
    size = (width, max(1, round(picture.height * width / picture.width)))
    return picture.resize(size, Image.Resampling.LANCZOS)

"""Encodes pictures at given times into videos of various codecs and containers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import Colorspace, VideoReformatter

from .pictures import Rgb, Rgb16, numbered

Codec = Literal["libx264", "libx265", "libvpx-vp9", "libsvtav1", "mpeg4", "mpeg2video", "wmv2", "libvpx", "mjpeg"]

Field = Literal["top", "bottom"]

_FAST_PRESETS: dict[Codec, dict[str, str]] = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "ultrafast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "8", "crf": "25"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
}
# These encoders take their own parameters as one option: name=value pairs, separated by colons.
_PARAMETER_OPTIONS: dict[Codec, str] = {"libx265": "x265-params", "libsvtav1": "svtav1-params"}
_NO_SCENE_CUTS = "1000000000"

MPEG4_TICKS = 60_000
"""Ticks per second of MPEG-4 part 2, which stores them in 16 bits."""
_DEFAULT_TICKS = 90_000

# SVT-AV1 writes to standard error by default. With this value, it writes only errors.
os.environ.setdefault("SVT_LOG", "1")


@dataclass(frozen=True)
class Encoding:
    """Options of an encoding.

    Attributes
    ----------
    keyframe_every
        Number of frames from one keyframe to the next; None to let the encoder decide.
    options
        Other options of the encoder, by FFmpeg's names.
    pixel_format
        FFmpeg's name of the pixel format.
    fast_start
        True if an MP4 has its index before its pictures.
    fragmented
        True if an MP4 consists of fragments with an index each, as some recorders and streaming services write.
    container_options
        Other options of the container, by FFmpeg's names.
    ticks
        Ticks per second, the unit of times; None for a default with enough precision.
    threads
        Number of encoder threads. With several, the content depends on the machine's number of cores.
    keyframes
        Numbers of additional keyframes.
    matrix
        Colour matrix; None for FFmpeg's default, BT.601. It is not written into the file, but `options` can do that.
    first_field
        The older field of interlaced pictures; None if they are progressive. `options` must make x264 encode fields.
    """

    keyframe_every: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"
    fast_start: bool = True
    fragmented: bool = False
    container_options: Mapping[str, str] = field(default_factory=dict)
    ticks: int | None = None
    threads: int = 1
    keyframes: frozenset[int] = frozenset()
    matrix: Colorspace | None = None
    first_field: Field | None = None


def _encoder_options(codec: Codec, encoding: Encoding) -> dict[str, str]:
    options = _FAST_PRESETS.get(codec, {}) | dict(encoding.options)
    parameters = {"log-level": "none"} if codec == "libx265" else {}
    every = encoding.keyframe_every
    if every is not None:
        if codec in _PARAMETER_OPTIONS:
            parameters["keyint"] = str(every)
        else:
            options |= {"g": str(every), "keyint_min": str(every)}
        if codec == "libx264":
            options |= {"sc_threshold": "0", "forced-idr": "1"}
        elif codec == "mpeg4":
            options["sc_threshold"] = _NO_SCENE_CUTS
        elif codec == "libx265":
            parameters |= {"min-keyint": str(every), "scenecut": "0"}
    if parameters:
        name = _PARAMETER_OPTIONS[codec]
        pairs = [f"{key}={value}" for key, value in parameters.items()]
        options[name] = ":".join([*pairs, *filter(None, [options.get(name)])])
    return options


def _container_options(path: Path, encoding: Encoding) -> dict[str, str]:
    options = dict(encoding.container_options)
    if path.suffix in (".mp4", ".mov"):
        if encoding.fragmented:
            options["movflags"] = "frag_keyframe+empty_moov+default_base_moof"
        elif encoding.fast_start:
            options["movflags"] = "faststart"
    return options


def write(
    path: Path,
    pictures: Iterable[Rgb | Rgb16],
    times: Sequence[Fraction],
    codec: Codec = "libx264",
    *,
    sound: float = 0,
    encoding: Encoding | None = None,
) -> bytes:
    """Encode pictures to a video, and return the content of the file.

    Parameters
    ----------
    path
        Path of the file. The suffix chooses the container.
    pictures
        RGB pictures of shape (height, width, 3), of 8 or 16 bits.
    times
        Times of the pictures in seconds.
    codec
        FFmpeg's name of the encoder.
    sound
        Length of a silent sound track in seconds; 0 for none.
    encoding
        Other options of the encoding.
    """
    encoding = encoding or Encoding()
    with av.open(path, "w", options=_container_options(path, encoding)) as container:
        rate = round(1 / (times[1] - times[0])) if len(times) > 1 else 25
        track = container.add_stream(codec, rate=rate, options=_encoder_options(codec, encoding))
        track.pix_fmt = encoding.pixel_format
        # An AVI and MPEG-2 have no times, only a frame rate.
        if path.suffix == ".avi" or codec == "mpeg2video":
            ticks = rate
        else:
            ticks = encoding.ticks or (MPEG4_TICKS if codec == "mpeg4" else _DEFAULT_TICKS)
        time_base = Fraction(1, ticks)
        track.codec_context.time_base = time_base
        track.codec_context.thread_count = encoding.threads
        audio = container.add_stream("aac", rate=48_000, layout="mono") if sound else None
        # One reformatter for all frames, because creating it for each frame takes longer than the conversion.
        reformatter = VideoReformatter()
        for number, (picture, time) in enumerate(zip(pictures, times, strict=True)):
            if not track.codec_context.is_open:
                track.height, track.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24" if picture.dtype == np.uint8 else "rgb48le")
            frame = reformatter.reformat(frame, format=encoding.pixel_format, dst_colorspace=encoding.matrix)
            frame.time_base = time_base
            frame.pts = round(time / time_base)
            if number in encoding.keyframes:
                frame.pict_type = PictureType.I
            if encoding.first_field is not None:
                frame = _interlaced(frame, encoding.first_field)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
        if audio is not None:
            _silence(container, audio, sound)
    return path.read_bytes()


def _interlaced(frame: av.VideoFrame, first_field: Field) -> av.VideoFrame:
    """Mark a picture as interlaced. FFmpeg's libx264 gets the order of the fields only from this mark."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 25)
    )
    order = {"top": "tff", "bottom": "bff"}[first_field]
    graph.link_nodes(source, graph.add("setfield", f"mode={order}"), graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()


def _silence(container: av.container.OutputContainer, audio: av.AudioStream, seconds: float) -> None:
    for start in range(0, round(seconds * 48_000), 1024):
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate, silence.pts = 48_000, start
        container.mux(audio.encode(silence))
    container.mux(audio.encode(None))


def write_numbered(path: Path, times: Sequence[Fraction], codec: Codec = "libx264") -> bytes:
    """Encode a numbered picture for each time."""
    return write(path, [numbered(index) for index in range(len(times))], times, codec)


def write_sound(path: Path) -> bytes:
    """Encode a second of silence without pictures."""
    with av.open(path, "w") as container:
        _silence(container, container.add_stream("aac", rate=48_000, layout="mono"), 1)
    return path.read_bytes()

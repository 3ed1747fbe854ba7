"""Decodes a video from memory as a stream of frames with their times, and knows whether it ended too early."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Literal

import av
import av.container
import av.video
import numpy as np
import numpy.typing as npt

from .errors import EmptyBodyError, NotAVideoError, NoVideoTrackError

Rgb = npt.NDArray[np.uint8]
Rotation = Literal[0, 90, 180, 270]

_CONTAINERS = "mov,mp4,matroska,webm,avi"
_SUPPORTED = "mp4, mov, mkv, webm or avi"
# Playlists name files and addresses that FFmpeg would open: only containers that hold their pictures are let in.
_OPEN_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
_MICROSECONDS = 1_000_000
_PROMISE_TOLERANCE = Fraction(1, 10)


@dataclass(frozen=True)
class VideoInfo:
    """What a video is.

    Attributes
    ----------
    width, height
        Pixels, as displayed: after rotation.
    duration
        Seconds, as the container promises; None when it promises none.
    rotation
        Degrees clockwise by which stored frames are turned for display.
    codec
        FFmpeg's name of it, such as "h264".
    """

    width: int
    height: int
    duration: float | None
    rotation: Rotation
    codec: str


@dataclass(frozen=True)
class Frame:
    """A decoded frame: its number in display order, its time in seconds from the first one, its picture as decoded."""

    index: int
    timestamp: Fraction
    picture: av.VideoFrame

    def rgb(self) -> Rgb:
        """Convert the picture to RGB as displayed, of shape (height, width, 3)."""
        pixels = np.asarray(self.picture.to_ndarray(format="rgb24"), dtype=np.uint8)
        return np.ascontiguousarray(np.rot90(pixels, -_rotation(self.picture) // 90))


def _rotation(picture: av.VideoFrame) -> Rotation:
    """Degrees clockwise, the nearest quarter turn; FFmpeg's angle is counterclockwise."""
    turns: tuple[Rotation, ...] = (0, 90, 180, 270)
    return turns[round(-picture.rotation / 90) % 4]


class Video:
    """A video in memory, open for one pass over its frames; a context manager.

    Parameters
    ----------
    body
        The file's bytes.
    threads
        Processor threads for the decoder.

    Raises
    ------
    EmptyBodyError, NotAVideoError, NoVideoTrackError
        If there is nothing to decode in it.
    """

    def __init__(self, body: bytes | bytearray | memoryview, threads: int = 1) -> None:
        if len(body) == 0:
            raise EmptyBodyError("The request's body is empty: send a video.")
        try:
            self._container = av.open(io.BytesIO(body), mode="r", options=_OPEN_OPTIONS)
        except av.ArgumentError as error:
            raise NotAVideoError(f"The body is in another format than {_SUPPORTED}.") from error
        except (av.FFmpegError, ValueError) as error:
            raise NotAVideoError(f"The body is not a video ({_SUPPORTED}): {_reason(error)}.") from error
        try:
            self._stream = self._choose_stream()
        except (NoVideoTrackError, NotAVideoError):
            self._container.close()
            raise
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = threads
        self._info: VideoInfo | None = None
        self._broke_off = False
        self._seen_until = Fraction(0)

    def _choose_stream(self) -> av.video.VideoStream:
        pictures = av.stream.Disposition.attached_pic
        for stream in self._container.streams.video:
            # A cover picture of a song is a video stream of one frame to FFmpeg.
            if stream.disposition & pictures:
                continue
            # PyAV's types do not say so, but a stream whose codec FFmpeg does not know has no context.
            if getattr(stream, "codec_context", None) is None:
                raise NotAVideoError("The video's codec is not known.")
            return stream
        raise NoVideoTrackError("The body holds no video track: send a file with moving pictures.")

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    @property
    def info(self) -> VideoInfo:
        """What the video is; known once its first frame was decoded, for the rotation stands on the frames."""
        if self._info is None:
            raise RuntimeError("no frame of this video was decoded yet")
        return self._info

    @property
    def truncated(self) -> bool:
        """Whether decoding broke off or packets ended before the container promised; known after the last frame."""
        if self._broke_off:
            return True
        promised = Fraction(self._container.duration or 0, _MICROSECONDS)
        if self._container.format.name == "avi":
            # FFmpeg corrects an AVI's duration by the file's size; the count of frames stays as the header has it.
            promised = max(promised, self._stream.frames * self._frame_seconds())
        tolerance = max(_PROMISE_TOLERANCE, 2 * self._frame_seconds())
        return promised - self._seen_until > tolerance

    def frames(self) -> Iterator[Frame]:
        """Decode the frames in display order, one at a time, to the end or to where decoding breaks off.

        Raises
        ------
        NotAVideoError
            If not a single frame can be decoded.
        """
        reason = "it holds no picture"
        first: Fraction | None = None
        last = Fraction(-1)
        index = 0
        pictures = self._pictures()
        while True:
            try:
                picture = next(pictures, None)
            except (av.FFmpegError, ValueError) as error:
                self._broke_off = True
                reason = _reason(error)
                break
            if picture is None:
                break
            if self._info is None:
                self._info = self._describe(picture)
            timestamp = self._time(picture)
            if first is None:
                first = timestamp or Fraction(0)
            shown = None if timestamp is None else timestamp - first
            if shown is None or shown <= last:
                # Some writers leave a frame's time out or repeat the one before: time goes on at the mean rate.
                shown = last + self._frame_seconds()
            if index == 0:
                shown = Fraction(0)
            last = shown
            yield Frame(index, shown, picture)
            index += 1
        if index == 0:
            raise NotAVideoError(f"No frame of the video can be decoded: {reason}.")

    def _pictures(self) -> Iterator[av.VideoFrame]:
        # Matroska promises the time of the end, the others that from the first picture or sound to it.
        from_zero = self._container.format.name.startswith("matroska")
        start = Fraction(0 if from_zero else self._container.start_time or 0, _MICROSECONDS)
        for packet in self._container.demux():
            if packet.pts is not None and packet.time_base is not None:
                # Any track counts: sound may last longer than pictures, and the container promises for both.
                end = (packet.pts + (packet.duration or 0)) * packet.time_base - start
                self._seen_until = max(self._seen_until, end)
            # Not the packet's own stream_index: it is 0 on the empty packets that end each track.
            if packet.stream is self._stream:
                yield from self._stream.codec_context.decode(packet)

    def _time(self, picture: av.VideoFrame) -> Fraction | None:
        if picture.pts is None or picture.time_base is None:
            return None
        return picture.pts * picture.time_base

    def _frame_seconds(self) -> Fraction:
        rate = self._stream.average_rate or self._stream.guessed_rate
        return 1 / rate if rate else Fraction(1, 25)

    def _describe(self, picture: av.VideoFrame) -> VideoInfo:
        rotation = _rotation(picture)
        width, height = picture.width, picture.height
        if rotation in (90, 270):
            width, height = height, width
        duration: float | None = None
        if self._stream.duration is not None and self._stream.time_base is not None:
            duration = float(self._stream.duration * self._stream.time_base)
        elif self._container.duration is not None:
            duration = self._container.duration / _MICROSECONDS
        return VideoInfo(width, height, duration, rotation, self._stream.codec_context.name)


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split()).rstrip(".")

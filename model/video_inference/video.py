"""A video in memory as a stream of its frames, or of samples of them, with their times."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import av
import av.video
import numpy as np
import numpy.typing as npt

from .errors import NotAVideoError
from .opening import Body, check_size, reason_of
from .plan import Expectation, NoPlanError, Packets, Stretch, Wanted, make_plan
from .sampling import sample_by_time
from .track import BrokenVideoError, Track

if TYPE_CHECKING:
    from .track import AnyPacket

Rgb = npt.NDArray[np.uint8]
Rotation = Literal[0, 90, 180, 270]

DEFAULT_MAX_PIXELS = 36_000_000
"""A little more than the 8192x4320 of digital cinema."""

_log = logging.getLogger(__name__)


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
        """Convert the picture to RGB as displayed, of shape (height, width, 3).

        Raises
        ------
        NotAVideoError
            If its pixels are of a kind that has no colours.
        """
        try:
            pixels = np.asarray(self.picture.to_ndarray(format="rgb24"), dtype=np.uint8)
        except (av.FFmpegError, ValueError) as error:
            raise NotAVideoError(f"The video's pictures cannot be converted to RGB: {reason_of(error)}.") from error
        return np.ascontiguousarray(np.rot90(pixels, -_rotation(self.picture) // 90))


def _rotation(picture: av.VideoFrame) -> Rotation:
    """Degrees clockwise, the nearest quarter turn; FFmpeg's angle is counterclockwise."""
    turns: tuple[Rotation, ...] = (0, 90, 180, 270)
    return turns[round(-picture.rotation / 90) % 4]


class Video:
    """A video in memory, open for one pass over its frames or over samples of them; a context manager.

    Parameters
    ----------
    body
        The file's bytes; they are not copied and must stay as they are until the video is closed.
    threads
        Processor threads for the decoder.
    max_pixels
        Pictures of more are refused.

    Raises
    ------
    EmptyBodyError, NotAVideoError, NoVideoTrackError, TooLargePictureError
        If there is nothing to decode in it.
    """

    def __init__(self, body: Body, threads: int = 1, max_pixels: int = DEFAULT_MAX_PIXELS) -> None:
        self._body = body
        self._threads = threads
        self._max_pixels = max_pixels
        self._info: VideoInfo | None = None
        self._broke_off = False
        self._track = Track(body, threads, max_pixels)
        self._deadline: float | None = None
        self._late = False
        self.decoded = 0
        """Frames that came out of the decoder so far."""

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._track.close()

    @property
    def pixels(self) -> int:
        """How many a picture has, as the container says; at least 1."""
        return max(1, self._track.pixels)

    @property
    def info(self) -> VideoInfo:
        """What the video is; known once its first frame was decoded, for the rotation stands on the frames."""
        if self._info is None:
            raise RuntimeError("no frame of this video was decoded yet")
        return self._info

    @property
    def truncated(self) -> bool:
        """Whether the frames end before the container promised, as decoding broke off, packets ended or time was over.

        Known after the last frame.
        """
        return self._broke_off or self._late or self._track.ends_early

    def frames(self) -> Iterator[Frame]:
        """Decode the frames in display order, one at a time, to the end or to where decoding breaks off.

        Raises
        ------
        NotAVideoError, EncryptedVideoError, TooLargePictureError
            If not a single frame can be decoded.
        """
        first: Fraction | None = None
        last = Fraction(-1)
        index = 0
        reason = "it holds no picture"
        pictures = self._pictures()
        while True:
            try:
                picture = next(pictures, None)
            except BrokenVideoError as error:
                self._broke_off = True
                reason = str(error)
                break
            if picture is None:
                break
            timestamp = self._time(picture)
            if first is None:
                first = timestamp or Fraction(0)
            shown = None if timestamp is None else timestamp - first
            if shown is None or shown <= last:
                # Some containers or writers leave a frame's time out or repeat the one before: on at the mean rate.
                shown = last + self._track.frame_seconds
            if index == 0:
                shown = Fraction(0)
            last = shown
            yield Frame(index, shown, picture)
            index += 1
        if index == 0 and not self._late:
            raise NotAVideoError(f"No frame of the video can be decoded: {reason}.")

    def samples(self, fps: Fraction, deadline: float | None = None) -> Iterator[Frame]:
        """Decode the frames nearest to the times 0, 1/fps, 2/fps and so on, and as little else as that takes.

        They are the frames that `sample_by_time` chooses from all. Where the packets' times do not tell which those
        are, all are decoded.

        Parameters
        ----------
        fps
            Wanted frames per second, above 0.
        deadline
            When to stop decoding, in seconds of `time.monotonic`; the frames end there.

        Raises
        ------
        NotAVideoError, EncryptedVideoError, TooLargePictureError
            If not a single frame can be decoded.
        """
        self._deadline = deadline
        last = Fraction(-1)
        try:
            for frame in self._planned(fps):
                yield frame
                last = frame.timestamp
        except (NoPlanError, BrokenVideoError) as doubt:
            _log.info("Every frame is decoded: %s.", doubt)
        else:
            return
        if self._is_late():
            return
        self._track.close()
        self._track = Track(self._body, self._threads, self._max_pixels)
        for frame in sample_by_time(self.frames(), fps):
            if frame.timestamp > last:
                yield frame

    def _planned(self, fps: Fraction) -> Iterator[Frame]:
        """Decode the frames that a plan made from the packets asks for; each one that is yielded is right.

        Raises
        ------
        NoPlanError, BrokenVideoError
            If there is no plan, or what comes out is not what it says.
        """
        track = self._track
        packets = track.survey()
        plan = make_plan(packets, track.tick, fps, reorders=track.reorders)
        # Seeking would rely on the container's index, and not all are right: reading past costs next to nothing.
        numbered = enumerate(track.packets_again())
        for stretch in plan:
            for wanted, picture in self._decode(stretch, packets, numbered):
                yield Frame(wanted.index, wanted.timestamp, picture)
            if self._late:
                return

    def _decode(
        self, stretch: Stretch, packets: Packets, numbered: Iterator[tuple[int, AnyPacket]]
    ) -> Iterator[tuple[Wanted, av.VideoFrame]]:
        track = self._track
        expectation = Expectation(stretch, packets, may_skip=track.can_skip)
        times = {wanted.shown_at for wanted in stretch.wanted}
        for number, packet in numbered:
            if self._is_late():
                return
            if number < stretch.first:
                continue
            if (packet.pts, packet.size) != (packets.shown_at[number], packets.sizes[number]):
                raise NoPlanError("the container gives other packets when it is read again")
            pictures = track.decode(packet, skip_unreferenced=track.can_skip and packet.pts not in times)
            yield from self._take(pictures, expectation)
            if number == stretch.last:
                break
        yield from self._take(track.decode(None), expectation)
        track.restart_decoder()
        expectation.finish()

    def _take(self, pictures: list[av.VideoFrame], expectation: Expectation) -> Iterator[tuple[Wanted, av.VideoFrame]]:
        for picture in pictures:
            self._note(picture)
            if picture.interlaced_frame:
                raise NoPlanError("two packets may make one frame of an interlaced video")
            wanted = expectation.take(picture.pts)
            if wanted is not None:
                if picture.is_corrupt:
                    raise NoPlanError(f"the frame at {picture.pts} is damaged")
                yield wanted, picture

    def _pictures(self) -> Iterator[av.VideoFrame]:
        for packet in self._track.packets():
            if self._is_late():
                return
            for picture in self._track.decode(packet):
                self._note(picture)
                yield picture

    def _is_late(self) -> bool:
        self._late = self._late or (self._deadline is not None and time.monotonic() >= self._deadline)
        return self._late

    def _time(self, picture: av.VideoFrame) -> Fraction | None:
        if picture.pts is None or picture.time_base is None or not self._track.has_times:
            return None
        return picture.pts * picture.time_base

    def _note(self, picture: av.VideoFrame) -> None:
        self.decoded += 1
        if self._info is not None:
            if picture.width * picture.height > self._max_pixels:
                raise BrokenVideoError("the pictures grow over the limit")
            return
        check_size(picture.width, picture.height, self._max_pixels)
        rotation = _rotation(picture)
        width, height = picture.width, picture.height
        if rotation in (90, 270):
            width, height = height, width
        self._info = VideoInfo(width, height, self._track.duration, rotation, self._track.codec)

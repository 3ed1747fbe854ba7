"""Properties of a video and of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import av.video

from .picture import Rgb, Rotation, orientation_of, to_rgb, transfer_of
from .plan import Sampled


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video.

    Attributes
    ----------
    width, height
        Size of the first frame in pixels, as displayed: upright and with square pixels.
    duration
        Duration in seconds that the container states; None if it states none.
    rotation
        Clockwise rotation of stored frames for display, in degrees, after mirroring if the file requires it.
    codec
        FFmpeg's name of the codec, such as "h264".
    track
        Index of the track among the container's video streams, from 0.
    start
        Time at which players show the first frame, in seconds.
    transfer
        FFmpeg's name of the transfer characteristic, such as "smpte2084"; None without a tag.
    time_base
        Unit of the frames' `pts` in seconds.
    """

    width: int
    height: int
    duration: float | None
    rotation: Rotation
    codec: str
    track: int
    start: Fraction
    transfer: str | None
    time_base: Fraction


@dataclass(frozen=True)
class Appearance:
    """Properties of `VideoInfo` that the first frame has."""

    width: int
    height: int
    rotation: Rotation
    transfer: str | None


def appearance_of(picture: av.VideoFrame, width: int) -> Appearance:
    """Return the properties of a first frame as displayed.

    Parameters
    ----------
    picture
        Decoded picture, as stored.
    width
        Width of the stored picture in square pixels.
    """
    rotation, height = orientation_of(picture).rotation, picture.height
    if rotation in (90, 270):
        width, height = height, width
    return Appearance(width, height, rotation, transfer_of(picture))


@dataclass(frozen=True)
class Frame:
    """A decoded frame.

    Attributes
    ----------
    index
        Number of the frame in display order, from 0. See also `Video.numbers_frames`.
    ticks
        Time from the first frame, in ticks.
    tick
        Length of a tick in seconds.
    picture
        Decoded picture, as stored.
    width
        Width of the stored picture in square pixels.
    pts
        Presentation time in ticks, as the container stores it. Counted if the container stores none.
    sampled
        `exact` for the frame nearest to the target time, `keyframe` for a keyframe that replaces it.
    k
        Number of the target k/fps; None if the frame was not sampled.
    """

    index: int
    ticks: int
    tick: Fraction
    picture: av.VideoFrame
    width: int
    pts: int
    sampled: Sampled = "exact"
    k: int | None = None

    @property
    def timestamp(self) -> Fraction:
        """Time from the first frame, in seconds."""
        return self.ticks * self.tick

    def rgb(self) -> Rgb:
        """Convert the picture to RGB as displayed, of shape (height, width, 3).

        Raises
        ------
        NotAVideoError
            If the pixel format has no colours.
        """
        return to_rgb(self.picture, self.width)

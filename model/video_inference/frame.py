"""What is known of a video and of each of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import av.video

from .picture import Rgb, Rotation, to_rgb
from .plan import Sampled


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video.

    Attributes
    ----------
    width, height
        Pixels of the first frame, as displayed: upright and with square pixels.
    duration
        Seconds, as the container promises; None when it promises none.
    rotation
        Degrees clockwise by which stored frames are turned for display, after mirroring if the file asks for that.
    codec
        FFmpeg's name of it, such as "h264".
    track
        Which of the container's video streams it is, from 0.
    start
        Seconds at which players show the first frame.
    transfer
        FFmpeg's name of the transfer characteristic, such as "smpte2084"; None if it has no tag.
    """

    width: int
    height: int
    duration: float | None
    rotation: Rotation
    codec: str
    track: int
    start: Fraction
    transfer: str | None


@dataclass(frozen=True)
class Frame:
    """A decoded frame.

    Attributes
    ----------
    index
        Its number in display order.
    ticks
        Its time from the first frame.
    tick
        Seconds.
    picture
        As decoded.
    width
        Pixels of the stored picture's rows when they are made square.
    sampled
        Whether it is the frame nearest to a target time, or a keyframe in its place.
    """

    index: int
    ticks: int
    tick: Fraction
    picture: av.VideoFrame
    width: int
    sampled: Sampled = "exact"

    @property
    def timestamp(self) -> Fraction:
        """Seconds from the first frame."""
        return self.ticks * self.tick

    def rgb(self) -> Rgb:
        """Convert the picture to RGB as displayed, of shape (height, width, 3).

        Raises
        ------
        NotAVideoError
            If its pixels are of a kind that has no colours.
        """
        return to_rgb(self.picture, self.width)

"""Defines the part of a video that a request asks for."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from fractions import Fraction
from math import ceil


@dataclass(frozen=True)
class Part:
    """A part of a video, in seconds from its first shown frame. It owns the samples with start <= k/fps < end.

    Attributes
    ----------
    start
        Start, at least 0.
    end
        End, after the start; None for the end of the video.
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None

    @property
    def is_whole(self) -> bool:
        """True if this is the whole video."""
        return self.start == 0 and self.end is None

    def numbers(self, fps: Fraction) -> range:
        """Return the numbers k of the samples that the part owns, if the video has them."""
        return range(ceil(self.start * fps), sys.maxsize if self.end is None else ceil(self.end * fps))

    def ends_by(self, seconds: Fraction) -> bool:
        """Tell whether the part ends at a time or before it."""
        return self.end is not None and self.end <= seconds


WHOLE = Part()

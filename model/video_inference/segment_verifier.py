"""Compares the frames from the decoder with those that a plan expects."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import av.video

from .plan import DecodeSegment, NoPlanError, Packets, TargetFrame


class SegmentVerifier:
    """Finds the targets of a segment among the frames from the decoder. After damage, finds the nearest frames instead.

    Parameters
    ----------
    segment
        Segment that is decoded.
    packets
        Packets that the plan was made from.
    may_skip
        True if the decoder may skip frames that are not targets, before any damage.
    max_distance
        Maximum distance in ticks between a target and the frame that replaces it.
    """

    def __init__(self, segment: DecodeSegment, packets: Packets, *, may_skip: bool, max_distance: Fraction) -> None:
        self.is_damaged = False
        """True if a packet of this segment was refused."""
        self._start = packets.pts[segment.first]
        self._may_skip = may_skip
        self._max_distance = max_distance
        due = range(segment.first, segment.last + 1)
        self._due: Iterator[int] = iter(sorted(packets.pts[number] for number in due if not packets.hidden[number]))
        # Targets that are not found yet, in order of time.
        self._targets = {target.pts: target for target in segment.targets}
        self._never_skipped = set(self._targets)
        if not packets.hidden[segment.first]:
            # If the decoder skips the keyframe, it cannot start there. That happens with intra refresh.
            self._never_skipped.add(self._start)
        self._held: av.VideoFrame | None = None
        self._keyframe_is_intact = False

    def take(self, picture: av.VideoFrame) -> Iterator[tuple[TargetFrame, av.VideoFrame]]:
        """Add the next frame from the decoder, and yield the targets that it or the previous frame matches.

        Raises
        ------
        NoPlanError
            If it is not the expected frame, without damage.
        """
        if picture.pts is None:
            raise NoPlanError("a decoded frame has no time")
        if self.is_damaged:
            if picture.pts < self._start:
                return
            while self._targets and (first := next(iter(self._targets))) <= picture.pts:
                yield from self._nearest(self._targets.pop(first), picture)
        else:
            if picture.interlaced_frame:
                raise NoPlanError("two packets may make one frame of an interlaced video")
            target = self._expected(picture.pts)
            if picture.pts == self._start:
                self._keyframe_is_intact = not picture.is_corrupt
            if target is not None:
                if picture.is_corrupt and not self._keyframe_is_intact:
                    # The keyframe is damaged too, so decoding may have to start earlier.
                    raise NoPlanError(f"the frame at {picture.pts} is damaged")
                yield target, picture
        self._held = picture

    def finish(self) -> Iterator[tuple[TargetFrame, av.VideoFrame]]:
        """Yield the remaining targets that the last frame matches.

        Raises
        ------
        NoPlanError
            If a target is missing, without damage.
        """
        if self._targets and not self.is_damaged:
            raise NoPlanError(f"the decoder does not return the frame at {min(self._targets)}")
        for target in self._targets.values():
            yield from self._nearest(target, None)

    def _expected(self, pts: int) -> TargetFrame | None:
        """Check that a frame is the next one, and return its target if it has one."""
        if pts < self._start:
            return None
        for due in self._due:
            if due < self._start:
                continue
            if due == pts:
                return self._targets.pop(pts, None)
            if due in self._never_skipped or not self._may_skip:
                break
        raise NoPlanError(f"the decoder returns a frame at {pts} that is not the next one")

    def _nearest(self, target: TargetFrame, after: av.VideoFrame | None) -> Iterator[tuple[TargetFrame, av.VideoFrame]]:
        distances = {
            abs(one.pts - target.pts): one for one in (self._held, after) if one is not None and one.pts is not None
        }
        distance = min(distances, default=None)
        if distance is not None and distance <= self._max_distance:
            yield target, distances[distance]

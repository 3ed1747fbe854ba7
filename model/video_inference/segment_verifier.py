"""Matches the frames that come out of the decoder with those that a plan counts on."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import av.video

from .plan import DecodeSegment, NoPlanError, Packets, TargetFrame


class SegmentVerifier:
    """Checks, for one segment, that the frames which come out of the decoder are the ones that the plan counts on.

    Parameters
    ----------
    segment
        What is decoded.
    may_skip
        Whether the decoder was told to leave out frames that are not wanted.
    """

    def __init__(self, segment: DecodeSegment, packets: Packets, *, may_skip: bool) -> None:
        start = packets.pts[segment.first]
        self._start = start
        self._may_skip = may_skip
        due = range(segment.first, segment.last + 1)
        self._due: Iterator[int] = iter(sorted(packets.pts[number] for number in due if not packets.hidden[number]))
        self._targets = {target.pts: target for target in segment.targets}
        if not packets.hidden[segment.first]:
            # A decoder that cannot start at the keyframe leaves it out: pictures that refresh themselves bit by bit.
            self._never_skipped = {start, *self._targets}
        else:
            self._never_skipped = set(self._targets)

    def take(self, pts: int | None) -> TargetFrame | None:
        """Take a frame that came out, by its time in ticks; tell which wanted one it is, if it is one.

        Raises
        ------
        NoPlanError
            If it is not the frame whose turn it is.
        """
        if pts is None:
            raise NoPlanError("a decoded frame has no time")
        if pts < self._start:
            return None
        for due in self._due:
            if due < self._start:
                continue
            if due == pts:
                return self._targets.pop(pts, None)
            if due in self._never_skipped or not self._may_skip:
                break
        raise NoPlanError(f"the decoder shows a frame at {pts} that is not the next one")

    @property
    def missing(self) -> list[TargetFrame]:
        """The wanted frames that have not come out yet, in order of time."""
        return list(self._targets.values())

    def finish(self) -> None:
        """Say that the segment is over.

        Raises
        ------
        NoPlanError
            If a wanted frame did not come out.
        """
        if self._targets:
            raise NoPlanError(f"the decoder does not show the frame at {min(self._targets)}")


class SegmentMatcher:
    """Finds a segment's wanted frames among those that come out; from the first damage on, the ones nearest to them.

    Parameters
    ----------
    segment
        What is decoded.
    may_skip
        Whether the decoder is told to leave out frames that are not wanted, as long as nothing is damaged.
    max_distance
        Ticks by which a frame may differ from the wanted one in whose place it is taken.
    """

    def __init__(self, segment: DecodeSegment, packets: Packets, *, may_skip: bool, max_distance: Fraction) -> None:
        self._verifier = SegmentVerifier(segment, packets, may_skip=may_skip)
        self._start = packets.pts[segment.first]
        self._max_distance = max_distance
        self._missing: list[TargetFrame] | None = None
        self._held: av.VideoFrame | None = None
        self._keyframe_is_intact = False

    @property
    def is_damaged(self) -> bool:
        """Whether there was damage in this segment."""
        return self._missing is not None

    def damage(self) -> None:
        """Note that a packet of the segment was refused."""
        if self._missing is None:
            self._missing = self._verifier.missing

    def take(self, picture: av.VideoFrame) -> Iterator[tuple[TargetFrame, av.VideoFrame]]:
        """Take the next frame that came out; tell which wanted frames it or the one before it stands for.

        Raises
        ------
        NoPlanError
            If it is not the frame whose turn it is, although nothing is damaged.
        """
        if picture.pts is None:
            raise NoPlanError("a decoded frame has no time")
        if self._missing is None:
            yield from self._verified(picture)
        elif picture.pts < self._start:
            return
        while self._missing and self._missing[0].pts <= picture.pts:
            yield from self._nearest(self._missing.pop(0), picture)
        self._held = picture

    def finish(self) -> Iterator[tuple[TargetFrame, av.VideoFrame]]:
        """Tell which of the other wanted frames the last one that came out stands for.

        Raises
        ------
        NoPlanError
            If a wanted frame did not come out, although nothing is damaged.
        """
        if self._missing is None:
            self._verifier.finish()
        for target in self._missing or ():
            yield from self._nearest(target, None)

    def _verified(self, picture: av.VideoFrame) -> Iterator[tuple[TargetFrame, av.VideoFrame]]:
        if picture.interlaced_frame:
            raise NoPlanError("two packets may make one frame of an interlaced video")
        target = self._verifier.take(picture.pts)
        if picture.pts == self._start:
            self._keyframe_is_intact = not picture.is_corrupt
        if target is not None:
            if picture.is_corrupt and not self._keyframe_is_intact:
                # Decoding may have to start earlier.
                raise NoPlanError(f"the frame at {picture.pts} is damaged")
            yield target, picture

    def _nearest(self, target: TargetFrame, after: av.VideoFrame | None) -> Iterator[tuple[TargetFrame, av.VideoFrame]]:
        distances = {
            abs(one.pts - target.pts): one for one in (self._held, after) if one is not None and one.pts is not None
        }
        distance = min(distances, default=None)
        if distance is not None and distance <= self._max_distance:
            yield target, distances[distance]

"""Interpolates detections between two sampled frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Detection = Mapping[str, Any]
Box = Sequence[float]
"""Left, top, right and bottom in pixels."""

_MIN_OVERLAP = 0.2
"""Minimum intersection over union of two boxes that count as the same object."""

_MAX_PAIRS = 100_000
"""Maximum number of compared pairs of boxes. Only malicious results have more: a frame has up to 100 detections."""


class Motion:
    """Motion of detections from a sampled frame to the next one.

    Overlapping boxes of the same label count as the same object, the largest overlap first. Other boxes do not move.
    Detections with masks do not move either, because the outline between two masks is unknown.

    Parameters
    ----------
    before, after
        Detections of the two sampled frames.
    """

    def __init__(self, before: Sequence[Detection], after: Sequence[Detection]) -> None:
        self._before = before
        self._targets: dict[int, Box] = {}
        if len(before) * len(after) > _MAX_PAIRS:
            return
        pairs = [
            (_overlap(one["box"], other["box"]), number, position)
            for number, one in enumerate(before)
            for position, other in enumerate(after)
            if one["label_id"] == other["label_id"] and "mask" not in one
        ]
        taken: set[int] = set()
        for overlap, number, position in sorted(pairs, reverse=True):
            if overlap >= _MIN_OVERLAP and number not in self._targets and position not in taken:
                taken.add(position)
                self._targets[number] = after[position]["box"]

    def at(self, share: float) -> list[Detection]:
        """Return the detections after a share, 0 to 1, of the time between the frames."""
        return [
            {**detection, "box": _interpolate(detection["box"], self._targets[number], share)}
            if number in self._targets
            else detection
            for number, detection in enumerate(self._before)
        ]


def _interpolate(start: Box, end: Box, share: float) -> list[float]:
    return [one + (other - one) * share for one, other in zip(start, end, strict=True)]


def _overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (both - shared)

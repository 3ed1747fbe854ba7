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


class HeldDetections:
    """Detections that are drawn from a sampled frame until the next one. They move towards the next frame.

    Overlapping boxes of the same label count as the same object, the largest overlap first. Other boxes do not move.
    Detections with masks do not move either, because the outline between two masks is unknown.

    Parameters
    ----------
    sampled
        A frame of the result and, if it is not the last one, the next one.
    max_seconds
        Seconds after which the detections disappear.
    """

    def __init__(self, sampled: Sequence[Mapping[str, Any]], max_seconds: float) -> None:
        self.timestamp: float = sampled[0]["timestamp"]
        self._max_seconds = max_seconds
        self._interval = sampled[-1]["timestamp"] - self.timestamp
        self._before: Sequence[Detection] = sampled[0]["detections"]
        # Without a next frame near this one, boxes do not move.
        is_near = 0 < self._interval <= max_seconds
        self._targets = _same_objects(self._before, sampled[-1]["detections"]) if is_near else {}

    def at(self, now: float) -> list[Detection] | None:
        """Return the detections to draw at a time in seconds; None if the sampled frame is too long ago."""
        passed = now - self.timestamp
        if passed > self._max_seconds:
            return None
        share = passed / self._interval if passed > 0 and self._interval > 0 else 0.0
        return [
            {**detection, "box": _interpolate(detection["box"], self._targets[number], share)}
            if number in self._targets
            else detection
            for number, detection in enumerate(self._before)
        ]


def _same_objects(before: Sequence[Detection], after: Sequence[Detection]) -> dict[int, Box]:
    """Return the later boxes of objects that are in both frames, by the number of the earlier detection."""
    targets: dict[int, Box] = {}
    if len(before) * len(after) > _MAX_PAIRS:
        return targets
    pairs = [
        (_overlap(one["box"], other["box"]), number, position)
        for number, one in enumerate(before)
        for position, other in enumerate(after)
        if one["label_id"] == other["label_id"] and "mask" not in one
    ]
    taken: set[int] = set()
    for overlap, number, position in sorted(pairs, reverse=True):
        if overlap >= _MIN_OVERLAP and number not in targets and position not in taken:
            taken.add(position)
            targets[number] = after[position]["box"]
    return targets


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

"""Writes one video's result in the form that result.schema.json describes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .detector import Card, Detection
from .settings import Settings
from .video import VideoInfo

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Looked:
    """A frame that was looked at: its number, its time in seconds, and what was found in it."""

    index: int
    timestamp: float
    detections: Sequence[Detection]


@dataclass(frozen=True)
class Timing:
    """Seconds spent decoding, in the model (the two overlap), and from body to result."""

    decode_seconds: float
    inference_seconds: float
    total_seconds: float


def _detection(detection: Detection) -> dict[str, object]:
    # A hundredth of a pixel and a ten-thousandth of a score say all there is to know in half the bytes.
    return {
        "label": detection.label,
        "label_id": detection.label_id,
        "score": round(detection.score, 4),
        "box": [round(side, 2) for side in detection.box],
    }


def document(
    card: Card,
    settings: Settings,
    video: VideoInfo,
    frames: Sequence[Looked],
    *,
    truncated: bool,
    timing: Timing,
) -> dict[str, object]:
    """Put one video's result together, ready for JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "notice": card.notice,
        "model": {
            "name": card.name,
            "weights": card.weights_sha256,
            "classes": {str(label_id): label for label_id, label in card.classes.items()},
        },
        "video": {
            "width": video.width,
            "height": video.height,
            "duration": None if video.duration is None else round(video.duration, 6),
            "rotation": video.rotation,
            "codec": video.codec,
        },
        "sampling": {
            "fps": float(settings.sample_fps),
            "score_threshold": settings.score_threshold,
        },
        "truncated": truncated,
        "frames": [
            {
                "index": frame.index,
                "timestamp": round(frame.timestamp, 6),
                "detections": [_detection(detection) for detection in frame.detections],
            }
            for frame in frames
        ],
        "timing": {
            "decode_seconds": round(timing.decode_seconds, 4),
            "inference_seconds": round(timing.inference_seconds, 4),
            "total_seconds": round(timing.total_seconds, 4),
        },
    }

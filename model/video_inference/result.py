"""Writes the result of a video, frame by frame, in the formats of result.schema.json."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from . import VERSION
from .damage import Damage, Truncation
from .detector import Card
from .frame import VideoInfo
from .hardware import Hardware
from .network import Detection
from .options import Format, Options
from .part import WHOLE, Part
from .plan import Sampled

SCHEMA_VERSION = 3

_GZIP_LEVEL = 6
# Selects gzip's header and trailer in zlib. The header has no time, so equal results have equal bytes.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Timing:
    """Seconds spent decoding, in the model (these two overlap), and in total from body to result."""

    decode_seconds: float
    inference_seconds: float
    total_seconds: float


@dataclass(frozen=True)
class Sample:
    """A sampled frame: number of its target, `Frame.pts`, `Frame.index`, seconds from the first frame, and how."""

    k: int
    pts: int
    index: int | None
    timestamp: Fraction
    sampled: Sampled


def header(card: Card, hardware: Hardware, options: Options, video: VideoInfo, part: Part = WHOLE) -> dict[str, object]:
    """Return the header of a result: everything that is known before the first frame is processed."""
    return {
        "schema_version": SCHEMA_VERSION,
        "notice": card.notice,
        "handler": {
            "version": VERSION,
            "device": hardware.device,
            "driver": hardware.driver,
            "cuda": hardware.cuda,
            "precision": hardware.precision,
        },
        "part": {"from": _number(part.start), "to": None if part.end is None else _number(part.end)},
        "model": {
            "name": card.name,
            "weights": card.weights_sha256,
            "classes": {str(label_id): label for label_id, label in card.classes.items()},
        },
        "video": {
            **vars(video),
            "duration": None if video.duration is None else round(video.duration, 6),
            "start": round(float(video.start), 6),
            "time_base": f"{video.time_base.numerator}/{video.time_base.denominator}",
        },
        "sampling": {
            "fps": float(options.fps),
            "score_threshold": options.score_threshold,
            "masks": "rle" if options.masks else "none",
            "max_side": options.max_side,
        },
    }


def frame(sample: Sample, detections: Sequence[Detection]) -> dict[str, object]:
    """Return the result of a sampled frame."""
    return {
        "k": sample.k,
        "pts": sample.pts,
        "index": sample.index,
        "timestamp": round(float(sample.timestamp), 6),
        "sampled": sample.sampled,
        "detections": [_detection(detection) for detection in detections],
    }


def ending(timing: Timing, truncation: Truncation | None, damage: Damage) -> dict[str, object]:
    """Return the ending of a result: everything that is known only after the last frame."""
    return {
        "truncated": truncation is not None,
        "truncation": None
        if truncation is None
        else {"reason": truncation.reason, "until": round(float(truncation.until), 6)},
        "damage": {
            "packets": damage.packets,
            "gaps": [{"from": round(float(gap.start), 6), "to": round(float(gap.end), 6)} for gap in damage.gaps],
        },
        "timing": {name: round(seconds, 4) for name, seconds in vars(timing).items()},
    }


def _detection(detection: Detection) -> dict[str, object]:
    # Two decimals of a pixel and four of a score are precise enough, and halve the size.
    written: dict[str, object] = {
        "label": detection.label,
        "label_id": detection.label_id,
        "score": round(detection.score, 4),
        "box": [round(side, 2) for side in detection.box],
    }
    if detection.mask is not None:
        written["mask"] = vars(detection.mask)
    return written


class Writer:
    """Serialises a result from its header, frames and ending, and keeps only the serialised bytes.

    Parameters
    ----------
    form
        One JSON document, or a line of JSON for each part.
    compressed
        True to compress the result with gzip.
    """

    def __init__(self, form: Format, *, compressed: bool) -> None:
        self._lines = form == "ndjson"
        self._packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW) if compressed else None
        self._pieces: list[bytes] = []
        self.frames = 0
        """Number of frames written so far."""

    def begin(self, head: Mapping[str, object]) -> None:
        """Write the header."""
        if self._lines:
            self._line("header", head)
        else:
            self._write(_json(head)[:-1] + ',"frames":[')

    def add(self, found: Mapping[str, object]) -> None:
        """Write the next frame."""
        if self._lines:
            self._line("frame", found)
        else:
            self._write(("," if self.frames else "") + _json(found))
        self.frames += 1

    def end(self, tail: Mapping[str, object]) -> bytes:
        """Write the ending, and return the whole result."""
        if self._lines:
            self._line("ending", {"frames": self.frames, **tail})
        else:
            self._write("]," + _json(tail)[1:])
        if self._packer is not None:
            self._pieces.append(self._packer.flush())
        return b"".join(self._pieces)

    def _line(self, kind: str, part: Mapping[str, object]) -> None:
        self._write(_json({"kind": kind, **part}) + "\n")

    def _write(self, text: str) -> None:
        data = text.encode("ascii")
        self._pieces.append(data if self._packer is None else self._packer.compress(data))


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))

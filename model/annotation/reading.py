"""Reads a result from a file, and checks it against its schema and its detections against the video's size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from annotation.errors import AnnotateError

_SCHEMA = Path(__file__).resolve().parent.parent / "result.schema.json"


def read_result(path: Path) -> dict[str, Any]:
    """Read a result that is one JSON document.

    Raises
    ------
    AnnotateError
        If the file cannot be read, is not a result, has no frames, or has a detection that exceeds the video's
        pictures.
    """
    try:
        result: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AnnotateError(f"The result {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise AnnotateError(f"The result {path} is not JSON: {error}.") from error
    schema = json.loads(_SCHEMA.read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    wrong = jsonschema.exceptions.best_match(validator.iter_errors(result))
    if wrong is not None:
        raise AnnotateError(f"{path} is not a result: at {wrong.json_path}, {wrong.message}.")
    if not result["frames"]:
        raise AnnotateError(f"{path} is the result of a part that has no frames. Pass the result of the whole video.")
    for frame_number, frame in enumerate(result["frames"]):
        for number, detection in enumerate(frame["detections"]):
            if not _is_within(detection, result["video"]):
                raise AnnotateError(
                    f"{path} is not a result: $.frames[{frame_number}].detections[{number}] does not lie within "
                    f"the video's pictures of {result['video']['width']}x{result['video']['height']} pixels."
                )
    return result


def _is_within(detection: Mapping[str, Any], video: Mapping[str, Any]) -> bool:
    """Tell whether box and mask lie within the pictures. Drawing needs time and memory in proportion to them."""
    width, height = video["width"], video["height"]
    left, top, right, bottom = detection["box"]
    # One pixel of tolerance, because boxes are scaled and rounded.
    if not (left <= right <= width + 1 and top <= bottom <= height + 1):
        return False
    if "mask" not in detection:
        return True
    (x, y), (rows, columns) = detection["mask"]["origin"], detection["mask"]["size"]
    return bool(x + columns <= width and y + rows <= height)

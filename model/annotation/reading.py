"""Reads a result from a file and checks it against its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from annotation.errors import AnnotateError

_SCHEMA = Path(__file__).resolve().parent.parent / "result.schema.json"


def read_result(path: Path) -> dict[str, Any]:
    """Read a result: one document, not lines.

    Raises
    ------
    AnnotateError
        If it cannot be read or is no result.
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
    return result

"""A handler that returns what it gets, so that an instance starts quickly. The text "error" makes the request fail."""

from __future__ import annotations

import json
from typing import Any


def model_fn(_model_dir: str) -> object:
    """Return the model, which is nothing."""
    return object()


def input_fn(body: str | bytes, _content_type: str) -> Any:
    """Decode JSON. The SageMaker SDK v2 sends no content type with an asynchronous request."""
    return json.loads(body)


def predict_fn(data: Any, _model: object) -> Any:
    """Return the input."""
    if data == "error":
        message = "The input is an error."
        raise ValueError(message)
    return {"echo": data}


def output_fn(prediction: Any, _accept: str) -> tuple[str, str]:
    """Encode the answer."""
    return json.dumps(prediction), "application/json"

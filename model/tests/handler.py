"""Helpers of the handler's tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import inference
from tests.conftest import MODULE
from tests.s3_server import FakeS3

SCHEMA = json.loads((MODULE / "result.schema.json").read_text("utf-8"))

REQUEST_TYPE = "application/vnd.async-video.request+json"


class Context:
    """Request context of a server. Header names keep their spelling."""

    def __init__(self, headers: Mapping[str, str] | None = None, gpu: int | None = None) -> None:
        self.status = (200, "OK")
        self.system_properties: Mapping[str, object] = {"model_dir": "/opt/ml/model", "gpu_id": gpu}
        # TorchServe adds the headers of each part.
        self._headers = {"body": {"content-type": "video/mp4"}, **(headers or {})}

    def get_all_request_header(self, idx: int) -> Mapping[str, object]:
        assert idx == 0
        return self._headers

    def set_response_status(self, code: int, phrase: str) -> None:
        self.status = (code, phrase)


def without_times(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "timing"}


def invoke(
    model: inference.Model, body: bytes | str | None, attributes: str | None = None, accept: str | None = "*/*"
) -> tuple[int, dict[str, Any]]:
    context = Context({} if attributes is None else {"X-Amzn-SageMaker-Custom-Attributes": attributes})
    answer, content_type = inference.transform_fn(model, body, "video/mp4", accept, context)
    assert content_type == "application/json"
    return context.status[0], json.loads(answer)


def point(
    model: inference.Model, fake: FakeS3, attributes: str = "", changes: Mapping[str, object] | None = None
) -> tuple[int, dict[str, Any]]:
    """Send a request for the video `videos/input/street.mp4`."""
    name = "videos/input/street.mp4"
    request = {"video": f"s3://{name}", "etag": fake.etag(name), **(changes or {})}
    context = Context({"X-Amzn-SageMaker-Custom-Attributes": attributes})
    answer, _ = inference.transform_fn(model, json.dumps(request).encode(), REQUEST_TYPE, "*/*", context)
    return context.status[0], json.loads(answer)

"""Hosts the handler in AWS's Ray Serve image, whose adapter passes SageMaker's requests on to the route /."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import ray
from ray import serve
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

# From code/, which the image puts on the path beside this file's folder.
import inference


class _Context:
    """What the handler uses of a server's request context."""

    def __init__(self, headers: Headers) -> None:
        self.status = 200
        self._headers = headers

    def get_all_request_header(self, _idx: int) -> Mapping[str, object]:
        """Give the headers of the request."""
        return dict(self._headers)

    def set_response_status(self, code: int, _phrase: str) -> None:
        """Answer with another status than 200; HTTP/1.1 servers may choose their own phrase."""
        self.status = code


class VideoInference:
    """A worker with a model of its own, which looks at one video at a time."""

    def __init__(self) -> None:
        self._model = inference.model_fn(str(Path(__file__).resolve().parent))

    async def __call__(self, request: Request) -> Response:
        """Answer one request; health checks are answered meanwhile."""
        context = _Context(request.headers)
        answer, content_type = await asyncio.to_thread(
            inference.transform_fn,
            self._model,
            await request.body(),
            request.headers.get("content-type"),
            request.headers.get("accept"),
            context,
        )
        return Response(answer, context.status, media_type=content_type)


def application(_: dict[str, str]) -> serve.Application:
    """Make as many workers as SageMaker sends requests at a time; they share the graphics processors."""
    workers = int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS", "1"))
    processors = ray.cluster_resources().get("GPU", 0)
    deployment = serve.deployment(VideoInference).options(
        num_replicas=workers,
        max_ongoing_requests=1,
        # No CPU is set aside: a replica that finds none free would wait for ever.
        ray_actor_options={"num_cpus": 0, "num_gpus": min(1, processors / workers)},
    )
    return deployment.bind()

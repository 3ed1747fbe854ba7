"""Serves the handler in AWS's Ray Serve image, whose adapter forwards SageMaker's requests to the route /."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import ray
from ray import serve
from ray.exceptions import RayError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

# Module in code/, which the image adds to the path next to this file's folder.
import inference

_MODEL_DIR = str(Path(__file__).resolve().parent)

# Equal to the time limit of a TorchServe worker (infra/container-environment.ts).
_LOAD_SECONDS = 600

# Ray configures only its own loggers. Without this, the handler's line about its device is not logged.
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
_log = logging.getLogger(__name__)


class ModelLoadError(Exception):
    """The model does not load, so no request can be answered."""


class _Context:
    """Request context with the headers and the status of an answer."""

    def __init__(self, headers: Headers) -> None:
        self.status = 200
        self._headers = headers

    def get_all_request_header(self, _idx: int) -> Mapping[str, object]:
        """Return the headers of the request."""
        return dict(self._headers)

    def set_response_status(self, code: int, _phrase: str) -> None:
        """Set the status. The phrase is ignored, because HTTP/1.1 servers may choose it."""
        self.status = code


class VideoInference:
    """Worker with its own copy of the model; processes one video at a time."""

    def __init__(self) -> None:
        self._model = inference.model_fn(_MODEL_DIR)

    async def __call__(self, request: Request) -> Response:
        """Answer a request. Health checks are answered at the same time."""
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


def _load_once() -> str | None:
    """Load the model, and return the reason if that fails."""
    try:
        inference.model_fn(_MODEL_DIR)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def application(_: dict[str, str]) -> serve.Application:
    """Build the application with one worker per concurrent request of SageMaker. The workers share the GPUs.

    The model is loaded once before the application has a route. Ray restarts a worker that fails to load without limit,
    and Ray's health check, which answers SageMaker's, succeeds as soon as there is a route
    (`ProxyRouter.ready_for_traffic` in Ray 2.59).

    Raises
    ------
    ModelLoadError
        If the model does not load, for example because a required GPU is missing. The container never becomes healthy.
    """
    workers = int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS", "1"))
    processors = ray.cluster_resources().get("GPU", 0)
    # A process that requests no GPU sees none.
    share = min(1, processors / workers)
    # The process ends after one call and frees its GPU.
    load_once = ray.remote(num_cpus=0, num_gpus=share, max_calls=1, max_retries=0)(_load_once)
    try:
        problem = ray.get(load_once.remote(), timeout=_LOAD_SECONDS)
    except RayError as error:
        problem = f"{type(error).__name__}: {error}"
    if problem is not None:
        reason = f"The model does not load, so nothing is served: {problem}"
        # Ray retries several times before it logs the error.
        _log.critical(reason)
        raise ModelLoadError(reason)
    deployment = serve.deployment(VideoInference).options(
        num_replicas=workers,
        max_ongoing_requests=1,
        # No CPU is reserved, because a replica without a free CPU would wait without end.
        ray_actor_options={"num_cpus": 0, "num_gpus": share},
    )
    return deployment.bind()

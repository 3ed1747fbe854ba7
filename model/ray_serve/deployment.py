"""Hosts the handler in AWS's Ray Serve image, whose adapter passes SageMaker's requests on to the route /."""

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

# From code/, which the image puts on the path beside this file's folder.
import inference

_MODEL_DIR = str(Path(__file__).resolve().parent)

# As long as TorchServe gives a worker (infra/container-environment.ts).
_LOAD_SECONDS = 600

# Ray configures only its loggers, and the handler logs on which device it is ready.
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
_log = logging.getLogger(__name__)


class ModelLoadError(Exception):
    """The model does not load: no request could be answered."""


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
    """A worker with a separate model, which processes one video at a time."""

    def __init__(self) -> None:
        self._model = inference.model_fn(_MODEL_DIR)

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


def _load_once() -> str | None:
    """Load the model; returns why that failed."""
    try:
        inference.model_fn(_MODEL_DIR)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def application(_: dict[str, str]) -> serve.Application:
    """Make as many workers as SageMaker sends requests at a time; they share the graphics processors.

    Ray starts a worker that fails to load the model again and again, and its health check, which SageMaker's is
    forwarded to, succeeds as soon as there is a route (`ProxyRouter.ready_for_traffic` in Ray 2.59). So the model is
    loaded once before there is one.

    Raises
    ------
    ModelLoadError
        If the model does not load, for example because a required GPU is missing: the container never becomes healthy.
    """
    workers = int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS", "1"))
    processors = ray.cluster_resources().get("GPU", 0)
    # A process that asks for no GPU sees none.
    share = min(1, processors / workers)
    # After one call the process ends and frees its GPU.
    load_once = ray.remote(num_cpus=0, num_gpus=share, max_calls=1, max_retries=0)(_load_once)
    try:
        problem = ray.get(load_once.remote(), timeout=_LOAD_SECONDS)
    except RayError as error:
        problem = f"{type(error).__name__}: {error}"
    if problem is not None:
        reason = f"The model does not load, so nothing is served: {problem}"
        # Ray tries several times before it shows the error.
        _log.critical(reason)
        raise ModelLoadError(reason)
    deployment = serve.deployment(VideoInference).options(
        num_replicas=workers,
        max_ongoing_requests=1,
        # No CPU is set aside: a replica that finds none free would wait for ever.
        ray_actor_options={"num_cpus": 0, "num_gpus": share},
    )
    return deployment.bind()

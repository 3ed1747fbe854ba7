"""The handler that SageMaker's PyTorch container calls: a video in, the objects of its sampled frames as JSON out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import torch

from video_inference.ahead import Ahead
from video_inference.detector import Detector
from video_inference.errors import ClientError
from video_inference.options import JSON, Options, read_options
from video_inference.result import Timing, Writer, ending, frame, header
from video_inference.settings import Settings, read_settings
from video_inference.video import Rgb, Video

_FRAMES_AHEAD = 4
_BYTES_AHEAD = 256 * 1024 * 1024
_BYTES_PER_PIXEL = 3
_CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"

_log = logging.getLogger(__name__)


class WorkerContext(Protocol):
    """What the handler uses of a server's context when it loads the model; TorchServe's is one."""

    @property
    def system_properties(self) -> Mapping[str, object]:
        """What the server has assigned to the worker; `gpu_id` is the number of a graphics processor, or None."""


class Context(Protocol):
    """What the handler uses of a server's request context; TorchServe's is one."""

    def get_request_header(self, idx: int, key: str) -> str | None:
        """Give a header of the request, by its name as it was sent."""

    def set_response_status(self, code: int, phrase: str) -> None:
        """Answer the request with another status than 200."""


@dataclass(frozen=True)
class Model:
    """What `model_fn` loads once per worker: the detector and how the worker looks at videos."""

    detector: Detector
    settings: Settings


def model_fn(model_dir: str, context: WorkerContext | None = None) -> Model:
    """Load the model of an unpacked artifact; device, precision and threads are chosen here.

    Parameters
    ----------
    model_dir
        Where the artifact is unpacked.
    context
        The server's, for the graphics processor that it assigns to this worker. A server without one shows each worker
        only its own, as Ray does.

    Raises
    ------
    ArtifactError, SettingError
        If the artifact or an environment variable is wrong: the worker must not become ready.
    """
    settings = read_settings()
    # FFmpeg complains of every damaged packet, in its decoding threads. Even at its default level PyAV's callback takes
    # Python's lock for it, and hangs for ever if whoever holds the lock is closing the decoder: no level turns it off.
    av.logging.set_level(None)
    gpu = None if context is None else context.system_properties.get("gpu_id")
    detector = Detector.load(Path(model_dir), gpu if isinstance(gpu, int) else None)
    # The small model's steps are too short to share: threads that wait for each other took several times the work.
    torch.set_num_threads(1 if detector.card.architecture == "maskrcnn_small" else settings.threads)
    detector.warm_up()
    _log.info("Model %s is ready on %s.", detector.card.name, detector.hardware)
    return Model(detector, settings)


def transform_fn(
    model: Model,
    body: bytes | bytearray | str | None,
    content_type: str | None,
    accept: str | None,
    context: Context | None = None,
) -> tuple[str | bytes, str]:
    """Answer one request.

    Parameters
    ----------
    model
        From `model_fn`.
    body
        The video file's bytes. (Toolkits decode bodies of text types, which are no videos anyway.)
    content_type
        Not judged: what the bytes are is seen by opening them.
    accept
        The media types that the caller takes: application/json, application/x-ndjson or application/gzip.
    context
        The server's, for the header with the caller's options and for the status of a refusal.

    Returns
    -------
    tuple of str or bytes, and str
        The answer (bytes if it is compressed) and its content type.

    Raises
    ------
    ClientError
        Only without a context; with one, the answer is a 4xx whose JSON body gives the reason. A server that turns
        raised errors into answers adds a traceback, which is not for the caller's eyes.
    """
    try:
        options = read_options(_attributes(context), accept, model.settings)
        data = body.encode() if isinstance(body, str) else body
        answer = _look_at(model, data or b"", options)
        return answer if options.gzip else answer.decode("ascii"), options.content_type
    except ClientError as error:
        if context is None:
            raise
        context.set_response_status(error.status, error.phrase)
        return json.dumps({"error": str(error)}), JSON


def _attributes(context: Context | None) -> str | None:
    if context is None:
        return None
    # TorchServe looks names up as they were sent: as AWS writes them, or as HTTP/2 and many clients do.
    names = (_CUSTOM_ATTRIBUTES, _CUSTOM_ATTRIBUTES.lower())
    return next((value for name in names if (value := context.get_request_header(0, name))), None)


def _look_at(model: Model, body: bytes | bytearray, options: Options) -> bytes:
    settings, detector = model.settings, model.detector
    started = time.perf_counter()
    inference_seconds = 0.0
    writer = Writer(options.format, compressed=options.gzip)
    with Video(body, settings.threads, settings.max_pixels) as video:
        # A few small pictures or one large: what waits must not depend on the video.
        fitting = max(1, _BYTES_AHEAD // (video.pixels * _BYTES_PER_PIXEL))
        batch = min(detector.hardware.batch, fitting)
        # Leaving the inner block stops the decoding thread before the video under it is closed.
        with Ahead(_pictures(video, options.fps), min(max(_FRAMES_AHEAD, 2 * batch), fitting)) as pictures:
            for number, frames in enumerate(pictures.batches(batch)):
                if number == 0:
                    writer.begin(header(detector.card, detector.hardware, options, video.info))
                before = time.perf_counter()
                found = detector.detect(
                    [rgb for _, _, rgb in frames],
                    options.score_threshold,
                    masks=options.masks,
                    max_side=options.max_side,
                )
                inference_seconds += time.perf_counter() - before
                for (index, timestamp, _), detections in zip(frames, found, strict=True):
                    writer.add(frame(index, timestamp, detections))
        timing = Timing(pictures.busy_seconds, inference_seconds, time.perf_counter() - started)
        return writer.end(ending(timing, truncated=video.truncated))


def _pictures(video: Video, fps: Fraction) -> Iterator[tuple[int, float, Rgb]]:
    for sample in video.samples(fps):
        yield sample.index, float(sample.timestamp), sample.rgb()

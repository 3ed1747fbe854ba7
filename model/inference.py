"""The handler that SageMaker's PyTorch container calls: a video in, the objects of its sampled frames as JSON out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from http import HTTPStatus
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import av
import torch

from video_inference.damage import Truncation
from video_inference.deadline import seconds_to_answer
from video_inference.detector import Detector
from video_inference.errors import ClientError, EmptyBodyError, TooLittleTimeError
from video_inference.faults import end_worker, free_memory, is_out_of_memory, is_sticky
from video_inference.options import JSON, Options, read_options
from video_inference.picture import Rgb
from video_inference.prefetcher import Prefetcher
from video_inference.result import Sample, Timing, Writer, ending, frame, header
from video_inference.settings import Settings, read_settings
from video_inference.video import Video

_MIN_PREFETCHED_FRAMES = 4
_MAX_PREFETCHED_BYTES = 256 * 1024 * 1024
_BYTES_PER_PIXEL = 3
_CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
# The emulator sends it. Whether SageMaker passes it to a container of an asynchronous endpoint is unconfirmed.
_INFERENCE_ID = "x-amzn-sagemaker-inference-id"
_FORMS = ("multipart/", "application/x-www-form-urlencoded")

_OUT_OF_MEMORY = "The server ran out of memory, even with one frame at a time: try again, or set a smaller max_side."
_FAILED = "The handler failed on this request: the endpoint's log has the reason."

_log = logging.getLogger(__name__)


class WorkerContext(Protocol):
    """What the handler uses of a server's context when it loads the model; TorchServe's is one."""

    @property
    def system_properties(self) -> Mapping[str, object]:
        """What the server has assigned to the worker; `gpu_id` is the number of a graphics processor, or None."""


class Context(Protocol):
    """What the handler uses of a server's request context; TorchServe's is one."""

    def get_all_request_header(self, idx: int) -> Mapping[str, object]:
        """Give the request's headers by their names as they were sent; values that are no text are the server's."""

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
    ArtifactError, SettingError, HardwareError
        If the artifact or an environment variable is wrong, or the environment requires a graphics processor that CUDA
        cannot use: the worker must not become ready.
    """
    settings = read_settings()
    # FFmpeg complains of every damaged packet, in its decoding threads. Even at its default level PyAV's callback takes
    # Python's lock for it, and hangs for ever if whoever holds the lock is closing the decoder: no level turns it off.
    av.logging.set_level(None)
    _disable_body_decoding()
    gpu = None if context is None else context.system_properties.get("gpu_id")
    detector = Detector.load(Path(model_dir), gpu if isinstance(gpu, int) else None, require_gpu=settings.require_gpu)
    # The small model's steps are too short to share: threads that wait for each other took several times the work.
    torch.set_num_threads(1 if detector.card.architecture == "maskrcnn_small" else settings.threads)
    detector.warm_up()
    _log.info("Model %s is ready on %s.", detector.card.name, detector.hardware)
    return Model(detector, settings)


def _disable_body_decoding() -> None:
    """Stop SageMaker's toolkit from decoding bodies of the types application/json and text/csv.

    It does so before it calls the handler (sagemaker_inference 1.10.1, transformer.py), and answers with a traceback if
    they are no UTF-8, which videos are not. Ray's image has no toolkit.
    """
    if find_spec("sagemaker_inference") is not None:
        import_module("sagemaker_inference.content_types").UTF8_TYPES.clear()


def transform_fn(
    model: Model,
    body: bytes | bytearray | str | None,
    content_type: str | None,
    accept: str | None,
    context: Context | None = None,
) -> tuple[str | bytes, str]:
    """Answer one request.

    A lost graphics processor ends the process instead: the server answers for it and starts another worker.

    Parameters
    ----------
    model
        From `model_fn`.
    body
        The video file's bytes. (Text is what a toolkit has decoded, which is no video anyway.)
    content_type
        Of the request. What the bytes are is seen by opening them; it only explains why there are none.
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
    Exception
        Only without a context; with one, the answer is a 4xx or 5xx whose JSON body gives the reason. A server that
        turns raised errors into answers adds a traceback, which is not for the caller's eyes.
    """
    received = time.monotonic()
    headers: dict[str, str] = {}
    try:
        headers = _headers(context)
        options = read_options(headers.get(_CUSTOM_ATTRIBUTES), headers.get("accept", accept), model.settings)
        data = body.encode() if isinstance(body, str) else body or b""
        # TorchServe parses forms and leaves nothing of most. Ray passes on the form, which starts with a boundary.
        if content_type is not None and content_type.lower().startswith(_FORMS) and data[:2] in (b"", b"--"):
            raise EmptyBodyError(
                "The body is a form: send the video's bytes as the body, with a type such as video/mp4."
            )
        answer = _process_video(model, data, options, received)
        return answer if options.gzip else answer.decode("ascii"), options.content_type
    except Exception as error:
        if is_sticky(error):
            end_worker(error)
        if context is None:
            raise
        status, reason = _refusal(error)
        if isinstance(error, ClientError):
            # The reason is one line and names no content. Escapes keep a caller's header from adding lines to the log.
            inference_id = ascii(headers[_INFERENCE_ID]) if _INFERENCE_ID in headers else "without an inference id"
            _log.warning("Refused request %s with status %d: %s", inference_id, status, ascii(reason)[1:-1])
    context.set_response_status(status, status.phrase)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        # Only now: the error's traceback held what is to be freed.
        free_memory()
    # The status, too: SageMaker puts the body into the failure object, which says nothing else about the answer.
    return json.dumps({"error": reason, "code": status.value}), JSON


def _refusal(error: Exception) -> tuple[HTTPStatus, str]:
    """Choose the status and the one line that a caller gets for an error."""
    if isinstance(error, ClientError):
        return error.status, str(error)
    _log.error("A request failed.", exc_info=error)
    if is_out_of_memory(error):
        return HTTPStatus.SERVICE_UNAVAILABLE, _OUT_OF_MEMORY
    return HTTPStatus.INTERNAL_SERVER_ERROR, _FAILED


def _headers(context: Context | None) -> dict[str, str]:
    """Give the request's headers by their names in small letters: in HTTP, names have no case."""
    if context is None:
        return {}
    sent = context.get_all_request_header(0)
    return {name.lower(): value for name, value in sent.items() if isinstance(value, str)}


def _process_video(model: Model, body: bytes | bytearray, options: Options, received: float) -> bytes:
    settings, detector = model.settings, model.detector
    deadline = None if options.timeout is None else received + seconds_to_answer(options.timeout, len(body))
    started = time.perf_counter()
    inference_seconds, reached = 0.0, Fraction(0)
    writer = Writer(options.format, compressed=options.gzip)
    with Video(body, settings.threads, settings.max_pixels) as video:
        # A few small pictures or one large: what waits must not depend on the video.
        fitting = max(1, _MAX_PREFETCHED_BYTES // (video.pixels * _BYTES_PER_PIXEL))
        batch = min(detector.hardware.batch, fitting)
        # Leaving the inner block stops the decoding thread before the video under it is closed.
        with Prefetcher(
            _pictures(video, options, deadline), min(max(_MIN_PREFETCHED_FRAMES, 2 * batch), fitting)
        ) as pictures:
            for number, frames in enumerate(pictures.batches(batch, deadline)):
                if number == 0:
                    writer.begin(header(detector.card, detector.hardware, options, video.info))
                before = time.perf_counter()
                found = detector.detect(
                    [rgb for _, rgb in frames],
                    options.score_threshold,
                    masks=options.masks,
                    max_side=options.max_side,
                    size=(video.info.width, video.info.height),
                )
                inference_seconds += time.perf_counter() - before
                for (sample, _), detections in zip(frames, found, strict=True):
                    writer.add(frame(sample, detections))
                    reached = sample.timestamp
        if not writer.frames:
            raise TooLittleTimeError(
                f"No frame was looked at within the {options.timeout} s that the invocation may take: "
                "set a longer timeout, or send a smaller video."
            )
        timing = Timing(pictures.busy_seconds, inference_seconds, time.perf_counter() - started)
        truncation = Truncation("deadline", reached) if pictures.deadline_passed else video.truncation
        return writer.end(ending(timing, truncation, video.damage))


def _pictures(video: Video, options: Options, deadline: float | None) -> Iterator[tuple[Sample, Rgb]]:
    for one in video.samples(options.fps, deadline, sampling=options.sampling):
        yield Sample(one.index, one.timestamp, one.sampled), one.rgb()

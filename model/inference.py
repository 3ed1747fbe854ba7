"""Handler that SageMaker's PyTorch container calls: detects the objects in sampled frames of a video."""

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
from video_inference.errors import ClientError, EmptyBodyError, ForbiddenSourceError, TooLittleTimeError
from video_inference.gpu_errors import end_worker, free_memory, is_out_of_memory, is_sticky
from video_inference.opening import Body
from video_inference.options import JSON, Options, read_options
from video_inference.part import WHOLE, Part
from video_inference.picture import Rgb
from video_inference.prefetcher import Prefetcher
from video_inference.request import is_request, read_request
from video_inference.result import Sample, Timing, Writer, ending, frame, header
from video_inference.s3_source import S3, SourceUnavailableError
from video_inference.settings import Settings, read_settings
from video_inference.track_errors import LateError
from video_inference.video import Video

_MIN_PREFETCHED_FRAMES = 4
_MAX_PREFETCHED_BYTES = 256 * 1024 * 1024
_BYTES_PER_PIXEL = 3
_CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
# The emulator sends this header. It is unconfirmed whether SageMaker sends it to asynchronous endpoints.
_INFERENCE_ID = "x-amzn-sagemaker-inference-id"
_FORMS = ("multipart/", "application/x-www-form-urlencoded")

_OUT_OF_MEMORY = "The server ran out of memory, even with one frame at a time: try again, or set a smaller max_side."
_UNAVAILABLE = "The video cannot be read from S3 at the moment: try again."
_FAILED = "The handler failed on this request: see the endpoint's log for the reason."

_log = logging.getLogger(__name__)

ReceivedBody = bytes | bytearray | str | Mapping[str, object] | None
"""Body as a server passes it: text and mappings are decoded bodies."""


class WorkerContext(Protocol):
    """Part of a server's context that the handler uses to load the model. TorchServe's context has it."""

    @property
    def system_properties(self) -> Mapping[str, object]:
        """Properties of the worker; `gpu_id` is the number of the assigned GPU, or None."""


class Context(Protocol):
    """Part of a server's request context that the handler uses. TorchServe's context has it."""

    def get_all_request_header(self, idx: int) -> Mapping[str, object]:
        """Return the request's headers with their names as sent. Values that are not text were added by the server."""

    def set_response_status(self, code: int, phrase: str) -> None:
        """Set the status of the answer, which is 200 by default."""


@dataclass(frozen=True)
class Model:
    """State that `model_fn` loads once per worker: the detector, the settings, and access to S3 if it is allowed."""

    detector: Detector
    settings: Settings
    s3: S3 | None = None


def model_fn(model_dir: str, context: WorkerContext | None = None) -> Model:
    """Load the model of an unpacked artifact, and choose device, precision and number of threads.

    Parameters
    ----------
    model_dir
        Folder of the unpacked artifact.
    context
        Context of the server, with the GPU that it assigns to this worker. None if each worker sees only its own GPU,
        as with Ray.

    Raises
    ------
    ArtifactError
        If the artifact is incomplete or damaged.
    SettingError
        If an environment variable is invalid.
    HardwareError
        If a GPU is required but CUDA cannot use it.
    Boto3Error
        If requests may point to videos in S3, but boto3 is missing.
    """
    settings = read_settings()
    s3 = None if settings.allowed_sources is None else S3(settings.allowed_sources)
    # FFmpeg logs every damaged packet in its decoding threads. At any other level, PyAV's log callback waits for the
    # GIL, which is a deadlock if the thread with the GIL is closing the decoder.
    av.logging.set_level(None)
    _disable_body_decoding()
    gpu = None if context is None else context.system_properties.get("gpu_id")
    detector = Detector.load(Path(model_dir), gpu if isinstance(gpu, int) else None, require_gpu=settings.require_gpu)
    # The steps of the small model are too short for several threads, which spent most of their time waiting.
    torch.set_num_threads(1 if detector.card.architecture == "maskrcnn_small" else settings.threads)
    detector.warm_up()
    _log.info("Model %s is ready on %s.", detector.card.name, detector.hardware)
    return Model(detector, settings, s3)


def _disable_body_decoding() -> None:
    """Stop SageMaker's toolkit from decoding bodies of the types application/json and text/csv.

    The toolkit decodes them as UTF-8 before it calls the handler (sagemaker_inference 1.10.1, transformer.py). For a
    video, that fails with a traceback. Ray's image has no toolkit.
    """
    if find_spec("sagemaker_inference") is not None:
        import_module("sagemaker_inference.content_types").UTF8_TYPES.clear()


def transform_fn(
    model: Model,
    body: ReceivedBody,
    content_type: str | None,
    accept: str | None,
    context: Context | None = None,
) -> tuple[str | bytes, str]:
    """Answer one request.

    If the GPU is lost, the process ends without an answer. The server then answers and starts another worker.

    Parameters
    ----------
    model
        Return value of `model_fn`.
    body
        Content of the video file, or a request object that points to it. Text and a mapping are bodies that a toolkit
        or server has decoded, so they are not videos.
    content_type
        Content type of the request. It tells a request object, and explains an empty body or a form.
    accept
        Media types that the caller accepts: application/json, application/x-ndjson or application/gzip.
    context
        Request context of the server, with the headers. It receives the status of a refusal.

    Returns
    -------
    tuple of str or bytes, and str
        The answer (bytes if compressed) and its content type. For an error, the answer is a JSON body with the reason,
        and the status is 4xx or 5xx.

    Raises
    ------
    Exception
        Only without a context. A server would add a traceback to the answer, which callers must not see.
    """
    received = time.monotonic()
    headers: dict[str, str] = {}
    try:
        headers = _headers(context)
        headers.setdefault("accept", accept or "")
        answer, options = _answer(model, body, content_type, headers, received)
        return answer if options.gzip else answer.decode("ascii"), options.content_type
    except Exception as error:
        if is_sticky(error):
            end_worker(error)
        if context is None:
            raise
        status, reason = _refusal(error)
        if isinstance(error, ClientError):
            # The reason is one line without content of the body. Escapes prevent a header from adding lines to the log.
            inference_id = ascii(headers[_INFERENCE_ID]) if _INFERENCE_ID in headers else "without an inference id"
            _log.warning("Refused request %s with status %d: %s", inference_id, status, ascii(reason)[1:-1])
    context.set_response_status(status, status.phrase)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        # Outside the except block, because the error's traceback references the memory.
        free_memory()
    # The body includes the status, because SageMaker's failure object has only the body of the answer.
    return json.dumps({"error": reason, "code": status.value}), JSON


def _answer(
    model: Model,
    body: ReceivedBody,
    content_type: str | None,
    headers: Mapping[str, str],
    received: float,
) -> tuple[bytes, Options]:
    """Process the video of a request, which is the body, or which the body points to."""
    points = is_request(content_type, body)
    data = body.encode() if isinstance(body, str) else b"" if isinstance(body, Mapping) else body or b""
    request = read_request(data) if points else None
    given = ["" if request is None else request.attributes, headers.get(_CUSTOM_ATTRIBUTES, "")]
    options = read_options(";".join(part for part in given if part.strip()), headers["accept"], model.settings)
    deadline = None if options.timeout is None else received + seconds_to_answer(options.timeout, len(data))
    if request is not None:
        if model.s3 is None:
            raise ForbiddenSourceError(
                "This endpoint reads no videos from S3, because ALLOWED_SOURCES is not set: send the video as the body."
            )
        try:
            with model.s3.open(request, deadline) as source:
                return _process_video(model, source, options, deadline, request.part), options
        except LateError as error:
            raise _too_little_time(options) from error
    # For most forms, TorchServe passes an empty body. Ray passes the form, which starts with a boundary.
    if content_type is not None and content_type.lower().startswith(_FORMS) and data[:2] in (b"", b"--"):
        raise EmptyBodyError(
            "The body is a form: send the video's bytes as the body, with a content type such as video/mp4."
        )
    return _process_video(model, data, options, deadline), options


def _refusal(error: Exception) -> tuple[HTTPStatus, str]:
    """Return the status and the reason in one line that a caller gets for an error."""
    if isinstance(error, ClientError):
        return error.status, str(error)
    _log.error("A request failed.", exc_info=error)
    if is_out_of_memory(error):
        return HTTPStatus.SERVICE_UNAVAILABLE, _OUT_OF_MEMORY
    if isinstance(error, SourceUnavailableError):
        return HTTPStatus.SERVICE_UNAVAILABLE, _UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR, _FAILED


def _headers(context: Context | None) -> dict[str, str]:
    """Return the request's headers with lower-case names, because names are case-insensitive in HTTP."""
    if context is None:
        return {}
    sent = context.get_all_request_header(0)
    return {name.lower(): value for name, value in sent.items() if isinstance(value, str)}


def _process_video(model: Model, body: Body, options: Options, deadline: float | None, part: Part = WHOLE) -> bytes:
    settings, detector = model.settings, model.detector
    started = time.perf_counter()
    inference_seconds, reached = 0.0, Fraction(0)
    writer = Writer(options.format, compressed=options.gzip)
    with Video(body, settings.threads, settings.max_pixels) as video:
        # A few small pictures or one large one, so that the memory of waiting frames does not depend on the video.
        fitting = max(1, _MAX_PREFETCHED_BYTES // (video.pixels * _BYTES_PER_PIXEL))
        batch = min(detector.hardware.batch, fitting)
        # Leaving the inner block stops the decoding thread before the video is closed.
        with Prefetcher(
            _pictures(video, options, deadline, part), min(max(_MIN_PREFETCHED_FRAMES, 2 * batch), fitting)
        ) as pictures:
            for number, frames in enumerate(pictures.batches(batch, deadline)):
                if number == 0:
                    writer.begin(header(detector.card, detector.hardware, options, video.info, part))
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
        timing = Timing(pictures.busy_seconds, inference_seconds, time.perf_counter() - started)
        truncation = Truncation("deadline", reached) if pictures.deadline_passed else video.truncation
        if not writer.frames and (part.is_whole or (truncation is not None and truncation.reason == "deadline")):
            raise _too_little_time(options)
        if not writer.frames:
            writer.begin(header(detector.card, detector.hardware, options, video.info, part))
        return writer.end(ending(timing, truncation, video.damage))


def _too_little_time(options: Options) -> TooLittleTimeError:
    return TooLittleTimeError(
        f"No frame was processed within the invocation's time limit of {options.timeout} s: "
        "set a longer timeout, or send a smaller video."
    )


def _pictures(video: Video, options: Options, deadline: float | None, part: Part) -> Iterator[tuple[Sample, Rgb]]:
    for one in video.samples(options.fps, deadline, sampling=options.sampling, part=part):
        if one.k is not None:
            # Also for a whole video, so that it has the same result as its parts.
            index = one.index if video.numbers_frames else None
            yield Sample(one.k, one.pts, index, one.timestamp, one.sampled), one.rgb()

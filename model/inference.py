"""The handler that SageMaker's PyTorch container calls: a video in, the objects of its sampled frames as JSON out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import torch

from video_inference.ahead import Ahead
from video_inference.detector import Detector
from video_inference.errors import ClientError
from video_inference.result import Looked, Timing, document
from video_inference.settings import Settings, read_settings
from video_inference.video import Rgb, Video

_FRAMES_AHEAD = 4
_JSON = "application/json"


class Context(Protocol):
    """What the handler uses of a server's request context; TorchServe's is one."""

    def set_response_status(self, code: int, phrase: str) -> None:
        """Answer the request with another status than 200."""


@dataclass(frozen=True)
class Model:
    """What `model_fn` loads once per worker: the detector and how the worker looks at videos."""

    detector: Detector
    settings: Settings


def model_fn(model_dir: str) -> Model:
    """Load the model of an unpacked artifact; device, precision and threads are chosen here.

    Raises
    ------
    ArtifactError, SettingError
        If the artifact or an environment variable is wrong: the worker must not become ready.
    """
    settings = read_settings()
    torch.set_num_threads(settings.threads)
    # FFmpeg complains of every damaged packet, in its decoding threads. Even at its default level PyAV's callback takes
    # Python's lock for it, and hangs for ever if whoever holds the lock is closing the decoder: no level turns it off.
    av.logging.set_level(None)
    return Model(Detector.load(Path(model_dir)), settings)


def transform_fn(
    model: Model,
    body: bytes | bytearray | str | None,
    content_type: str | None,
    accept: str | None,
    context: Context | None = None,
) -> tuple[str, str]:
    """Answer one request.

    Parameters
    ----------
    model
        From `model_fn`.
    body
        The video file's bytes. (Toolkits decode bodies of text types, which are no videos anyway.)
    content_type, accept
        Not judged: what the bytes are is seen by opening them, and the answer is JSON.
    context
        The server's, for the status of a refusal.

    Returns
    -------
    tuple of str
        The answer and its content type.

    Raises
    ------
    ClientError
        Only without a context; with one, the answer is a 4xx whose JSON body gives the reason. A server that turns
        raised errors into answers adds a traceback, which is not for the caller's eyes.
    """
    try:
        data = body.encode() if isinstance(body, str) else body
        return json.dumps(_look_at(model, data or b""), separators=(",", ":")), _JSON
    except ClientError as error:
        if context is None:
            raise
        context.set_response_status(error.status, error.phrase)
        return json.dumps({"error": str(error)}), _JSON


def _look_at(model: Model, body: bytes | bytearray) -> dict[str, object]:
    settings = model.settings
    started = time.perf_counter()
    inference_seconds = 0.0
    looked: list[Looked] = []
    with Video(body, settings.threads, settings.max_pixels) as video:
        # Leaving the inner block stops the decoding thread before the video under it is closed.
        with Ahead(_pictures(video, settings), _FRAMES_AHEAD) as pictures:
            for index, timestamp, rgb in pictures:
                before = time.perf_counter()
                detections = model.detector.detect(rgb, settings.score_threshold)
                inference_seconds += time.perf_counter() - before
                looked.append(Looked(index, timestamp, detections))
        timing = Timing(pictures.busy_seconds, inference_seconds, time.perf_counter() - started)
        return document(
            model.detector.card,
            settings,
            video.info,
            looked,
            truncated=video.truncated,
            timing=timing,
        )


def _pictures(video: Video, settings: Settings) -> Iterator[tuple[int, float, Rgb]]:
    for frame in video.samples(settings.sample_fps):
        yield frame.index, float(frame.timestamp), frame.rgb()

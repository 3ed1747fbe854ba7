"""Reads from the environment how densely videos are sampled, what counts as found, and a worker's limits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from .video import DEFAULT_MAX_PIXELS

# FFmpeg's own limit, less the padding of its buffers.
_MAX_PIXELS = 1_000_000_000

MAX_FPS = 1000
"""Frames per second beyond which nobody samples."""

MAX_TIMEOUT = 3600
"""Seconds that an asynchronous invocation may take: SageMaker's limit of InvocationTimeoutSeconds."""


class SettingError(ValueError):
    """An environment variable does not hold what it must."""


@dataclass(frozen=True)
class Settings:
    """How this worker looks at videos.

    Attributes
    ----------
    sample_fps
        Frames looked at per second of video.
    score_threshold
        Detections with a lower score are left out.
    threads
        Processor threads for decoding, and for the model unless it is the small one, which takes one.
    max_pixels
        Videos with larger pictures are refused.
    invocation_timeout
        Seconds that an invocation may take; None for no limit.
    require_gpu
        Whether the worker must not become ready without a graphics processor that CUDA can use.
    """

    sample_fps: Fraction
    score_threshold: float
    threads: int
    max_pixels: int
    invocation_timeout: int | None = None
    require_gpu: bool = False


def _number(environment: Mapping[str, str], name: str, default: str) -> Fraction:
    text = environment.get(name, default)
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise SettingError(f"{name} is {text!r}: it must be a number, such as {default}.") from None


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    SAMPLE_FPS (default 1), SCORE_THRESHOLD (0.5), MAX_PIXELS (36 million), SAGEMAKER_MODEL_SERVER_WORKERS (1),
    INVOCATION_TIMEOUT (no limit) and REQUIRE_GPU (0).

    Raises
    ------
    SettingError
        If one of them is not a number in its range.
    """
    sample_fps = _number(environment, "SAMPLE_FPS", "1")
    if not 0 < sample_fps <= MAX_FPS:
        raise SettingError(f"SAMPLE_FPS is {sample_fps}: it must be above 0 and at most {MAX_FPS}.")
    score_threshold = _number(environment, "SCORE_THRESHOLD", "0.5")
    if not 0 <= score_threshold <= 1:
        raise SettingError(f"SCORE_THRESHOLD is {score_threshold}: it must be between 0 and 1.")
    workers = _number(environment, "SAGEMAKER_MODEL_SERVER_WORKERS", "1")
    if workers < 1:
        raise SettingError(f"SAGEMAKER_MODEL_SERVER_WORKERS is {workers}: it must be at least 1.")
    max_pixels = _number(environment, "MAX_PIXELS", str(DEFAULT_MAX_PIXELS))
    if not 1 <= max_pixels <= _MAX_PIXELS or max_pixels.denominator != 1:
        raise SettingError(f"MAX_PIXELS is {max_pixels}: it must be a whole number from 1 to {_MAX_PIXELS}.")
    timeout = (
        _number(environment, "INVOCATION_TIMEOUT", str(MAX_TIMEOUT)) if "INVOCATION_TIMEOUT" in environment else None
    )
    if timeout is not None and (timeout.denominator != 1 or not 1 <= timeout <= MAX_TIMEOUT):
        raise SettingError(f"INVOCATION_TIMEOUT is {timeout}: it must be whole seconds from 1 to {MAX_TIMEOUT}.")
    require_gpu = environment.get("REQUIRE_GPU", "0")
    if require_gpu not in {"0", "1"}:
        raise SettingError(f"REQUIRE_GPU is {require_gpu!r}: it must be 0 or 1.")
    # Each worker of an instance takes its share: more threads than cores made two workers slower than one.
    threads = max(1, len(os.sched_getaffinity(0)) // int(workers))
    limit = None if timeout is None else int(timeout)
    return Settings(sample_fps, float(score_threshold), threads, int(max_pixels), limit, require_gpu == "1")

"""Reads the settings of a worker from environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from .allowed_sources import AllowedSources, read_allowed_sources
from .video import DEFAULT_MAX_PIXELS

# FFmpeg's limit minus the padding of its buffers.
_MAX_PIXELS = 1_000_000_000

MAX_FPS = 1000
"""Maximum number of sampled frames per second."""

MAX_TIMEOUT = 3600
"""Maximum time limit of an invocation in seconds: SageMaker's limit of InvocationTimeoutSeconds."""


class SettingError(ValueError):
    """An environment variable has an invalid value."""


@dataclass(frozen=True)
class Settings:
    """Settings of a worker.

    Attributes
    ----------
    sample_fps
        Default of sampled frames per second of video.
    score_threshold
        Default of the minimum score of a detection.
    threads
        Number of processor threads for decoding and for the COCO-size model. The small model uses one thread.
    max_pixels
        Maximum number of pixels of a picture.
    invocation_timeout
        Time limit of an invocation in seconds; None for no limit.
    require_gpu
        True if the worker must fail to load without a GPU that CUDA can use.
    allowed_sources
        Locations of videos that requests may point to; None if requests must contain their videos.
    """

    sample_fps: Fraction
    score_threshold: float
    threads: int
    max_pixels: int
    invocation_timeout: int | None = None
    require_gpu: bool = False
    allowed_sources: AllowedSources | None = None


def _number(environment: Mapping[str, str], name: str, default: str) -> Fraction:
    text = environment.get(name, default)
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise SettingError(f"{name} is {text!r}: set a number, such as {default}.") from None


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    The variables and their defaults are SAMPLE_FPS (1), SCORE_THRESHOLD (0.5), MAX_PIXELS (36 million),
    SAGEMAKER_MODEL_SERVER_WORKERS (1), INVOCATION_TIMEOUT (no limit), REQUIRE_GPU (0) and ALLOWED_SOURCES (none).

    Raises
    ------
    SettingError
        If a value is not valid.
    """
    sample_fps = _number(environment, "SAMPLE_FPS", "1")
    if not 0 < sample_fps <= MAX_FPS:
        raise SettingError(f"SAMPLE_FPS is {sample_fps}: set a number above 0 and at most {MAX_FPS}.")
    score_threshold = _number(environment, "SCORE_THRESHOLD", "0.5")
    if not 0 <= score_threshold <= 1:
        raise SettingError(f"SCORE_THRESHOLD is {score_threshold}: set a number from 0 to 1.")
    workers = _number(environment, "SAGEMAKER_MODEL_SERVER_WORKERS", "1")
    if workers < 1:
        raise SettingError(f"SAGEMAKER_MODEL_SERVER_WORKERS is {workers}: set at least 1.")
    max_pixels = _number(environment, "MAX_PIXELS", str(DEFAULT_MAX_PIXELS))
    if not 1 <= max_pixels <= _MAX_PIXELS or max_pixels.denominator != 1:
        raise SettingError(f"MAX_PIXELS is {max_pixels}: set a whole number from 1 to {_MAX_PIXELS}.")
    timeout = (
        _number(environment, "INVOCATION_TIMEOUT", str(MAX_TIMEOUT)) if "INVOCATION_TIMEOUT" in environment else None
    )
    if timeout is not None and (timeout.denominator != 1 or not 1 <= timeout <= MAX_TIMEOUT):
        raise SettingError(f"INVOCATION_TIMEOUT is {timeout}: set whole seconds from 1 to {MAX_TIMEOUT}.")
    require_gpu = environment.get("REQUIRE_GPU", "0")
    if require_gpu not in {"0", "1"}:
        raise SettingError(f"REQUIRE_GPU is {require_gpu!r}: set 0 or 1.")
    try:
        allowed = read_allowed_sources(environment)
    except ValueError as error:
        raise SettingError(str(error)) from None
    # The workers of an instance share its cores. With more threads than cores, two workers were slower than one.
    threads = max(1, len(os.sched_getaffinity(0)) // int(workers))
    limit = None if timeout is None else int(timeout)
    return Settings(sample_fps, float(score_threshold), threads, int(max_pixels), limit, require_gpu == "1", allowed)

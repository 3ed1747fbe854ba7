"""Runs jobs with the handler in a separate process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import inference
from request_context import RequestContext
from video_inference.architecture import build
from video_inference.detector import Card, Detector
from video_inference.network import Detection
from video_inference.picture import Rgb
from video_inference.settings import read_settings

from . import networks
from .usage import Job, Usage, measure_usage


class _NullDetector(Detector):
    """Detector that finds nothing at no cost, so that only reading the video is measured."""

    def detect(self, pictures: Sequence[Rgb], *_more: object, **_options: object) -> list[list[Detection]]:
        return [[] for _ in pictures]


def model_for(job: Job, model_dir: Path) -> inference.Model:
    """Load the handler's model for a job."""
    if job == "small":
        return inference.model_fn(str(model_dir))
    if job == "coco":
        card = Card("random weights", "maskrcnn_resnet50_fpn", "0" * 64, None, {})
        detector = Detector(card, networks.coco())
        if networks.device() == "cuda":
            # Not on a CPU, which needs no warm-up and takes seconds for a frame.
            detector.warm_up()
        return inference.Model(detector, read_settings())
    card = Card("none", "maskrcnn_small", "0" * 64, None, {})
    return inference.Model(_NullDetector(card, build("maskrcnn_small")), read_settings())


class RefusedError(Exception):
    """The handler refused a video of the benchmark."""


def answer(model: inference.Model, body: bytes, options: str = "") -> int:
    """Process a video with the handler, and return the number of sampled frames.

    Raises
    ------
    RefusedError
        If the handler refuses the video.
    """
    context = RequestContext(options)
    text, _ = inference.transform_fn(model, body, "video/mp4", "application/json", context)
    if context.status != 200:
        raise RefusedError(f"{context.status} {context.phrase}: {text!r}")
    return len(json.loads(text)["frames"])


def run(job: Job, video: Path, model_dir: Path) -> Usage:
    """Run a job once.

    Parameters
    ----------
    job
        Job to run.
    video
        Path of the video.
    model_dir
        Folder of an unpacked artifact with the small model.
    """
    model = model_for(job, model_dir)
    return measure_usage(lambda: answer(model, video.read_bytes()))


def run_keyframe(job: Job, video: Path, model_dir: Path) -> Usage:
    """Run a job once with `sampling=keyframe`; the parameters are those of `run`."""
    model = model_for(job, model_dir)
    return measure_usage(lambda: answer(model, video.read_bytes(), "sampling=keyframe"))

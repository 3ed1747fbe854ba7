"""Runs jobs with the blog's design in a separate process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from . import blog, networks
from .usage import Job, Usage, measure_usage


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
    if job == "decode":
        return measure_usage(lambda: sum(index % blog.INTERVAL == 0 for index, _ in enumerate(blog.read_all(video))))
    network = networks.small(model_dir) if job == "small" else networks.coco()
    network = network.to(networks.device())
    if networks.device() == "cuda":
        # Warm-up, as in the handler before it is ready.
        with torch.no_grad():
            network(blog.stack([np.zeros((blog.SIDE, blog.SIDE, 3), np.uint8)] * blog.BATCH).to("cuda"))
    return measure_usage(lambda: len(json.loads(blog.answer(network, video.read_bytes()))))

"""Handler with a network that raises the errors of a GPU. The option max_side of a request chooses the error.

Tests put this file into an unpacked artifact, and SAGEMAKER_PROGRAM makes SageMaker's toolkit load it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from unittest.mock import patch

import torch

from inference import model_fn, transform_fn
from video_inference import detector
from video_inference.network import Detection, Network
from video_inference.picture import Rgb

__all__ = ["model_fn", "transform_fn"]

LOST_DEVICE, LITTLE_MEMORY, NO_MEMORY, OTHER_ERROR, SLOW = range(101, 106)
"""Values of max_side: the GPU is lost, memory runs out once, memory always runs out, another error, 4 s per frame."""

_SLOW_SECONDS = 4

_refused: list[Sequence[Rgb]] = []


class _FaultyNetwork(Network):
    """Network that fails depending on max_side."""

    def find(
        self,
        pictures: Sequence[Rgb],
        score_threshold: float,
        *,
        masks: bool,
        max_side: int | None,
        size: tuple[int, int] | None = None,
    ) -> list[list[Detection]]:
        """Raise the error of `max_side`, or find the objects in pictures."""
        if max_side == LOST_DEVICE:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if max_side == NO_MEMORY or (max_side == LITTLE_MEMORY and not _refused):
            _refused.append(pictures)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if max_side == OTHER_ERROR:
            raise KeyError("a secret of the handler")
        if max_side == SLOW:
            time.sleep(_SLOW_SECONDS)
        return super().find(pictures, score_threshold, masks=masks, max_side=None, size=size)


patch.object(detector, "Network", _FaultyNetwork).start()

"""The handler with a network that raises what a graphics processor raises; a request's max_side chooses the fault.

Tests put it into an unpacked artifact and make SageMaker's toolkit load it with SAGEMAKER_PROGRAM.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from unittest.mock import patch

import torch

from inference import model_fn, transform_fn
from video_inference import detector
from video_inference.network import Found, Network
from video_inference.picture import Rgb

__all__ = ["model_fn", "transform_fn"]

LOST_DEVICE, LITTLE_MEMORY, NO_MEMORY, OTHER_ERROR, SLOW = range(101, 106)
"""Values of max_side: the device is lost, memory runs out once or always, any other error, 4 seconds for a frame."""

_SLOW_SECONDS = 4

_refused: list[Sequence[Rgb]] = []


class _FaultyNetwork(Network):
    """Fails as max_side says."""

    def find(
        self,
        pictures: Sequence[Rgb],
        score_threshold: float,
        *,
        masks: bool,
        max_side: int | None,
        size: tuple[int, int] | None = None,
    ) -> list[Found]:
        """Fail, or find the objects in some pictures."""
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

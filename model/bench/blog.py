"""The blog's design, the baseline of the benchmark: reads every frame, squashes every thirtieth, stacks them.

Source: https://aws.amazon.com/blogs/machine-learning/run-computer-vision-inference-on-large-videos-with-amazon-sagemaker-asynchronous-endpoints/
It includes the faults of the source: a temporary file, sampling by index, pictures that are squashed to a square and
stay blue-green-red, a stack of floats, masks that are computed and dropped, and nested lists as JSON.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN

Bgr = npt.NDArray[np.uint8]

INTERVAL = 30
SIDE = 1024
BATCH = 24


def read_all(path: Path) -> Iterator[Bgr]:
    """Decode every frame of a video, of shape (height, width, 3)."""
    capture = cv2.VideoCapture(str(path))
    while True:
        success, frame = capture.read()
        if not success:
            break
        yield np.asarray(frame, dtype=np.uint8)
    capture.release()


def _batches(path: Path) -> Iterator[list[Bgr]]:
    batch: list[Bgr] = []
    for index, frame in enumerate(read_all(path)):
        if index % INTERVAL == 0:
            squashed = cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            batch.append(np.asarray(squashed, dtype=np.uint8))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def stack(frames: list[Bgr]) -> Tensor:
    """Stack N pictures of shape (SIDE, SIDE, 3) to floats of shape (N, 3, SIDE, SIDE), 0 to 1."""
    return torch.stack([torch.from_numpy(frame).permute(2, 0, 1).contiguous().float() / 255 for frame in frames])


def answer(model: MaskRCNN, body: bytes) -> str:
    """Detect objects in every thirtieth frame. Returns boxes, labels and scores as JSON, with an item per frame."""
    found: list[dict[str, object]] = []
    device = next(model.parameters()).device
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(body)
        file.flush()
        for batch in _batches(Path(file.name)):
            with torch.no_grad():
                outputs = model(stack(batch).to(device))
            found.extend(
                {name: output[name].cpu().numpy().tolist() for name in ("boxes", "labels", "scores")}
                for output in outputs
            )
    return json.dumps(found)

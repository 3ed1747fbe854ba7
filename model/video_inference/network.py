"""Runs a Mask R-CNN on a batch of pictures, with the results of torchvision, but skips parts that are not needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.roi_heads import maskrcnn_inference
from torchvision.models.detection.transform import resize_boxes

from .fuse_batchnorm import fuse_batchnorm
from .hardware import Hardware
from .mask_runs import RleMask
from .masks import paste
from .picture import Rgb

_WHITE = 255


@dataclass(frozen=True)
class Found:
    """Objects in a picture, in descending order of score; `masks` is None if masks were not requested."""

    label_ids: list[int]
    scores: list[float]
    boxes: list[tuple[float, float, float, float]]
    masks: list[RleMask] | None


class Network:
    """A Mask R-CNN whose mask branch runs only if it is needed.

    Parameters
    ----------
    model
        The model with its weights. It is modified.
    hardware
        Device that it runs on.
    """

    def __init__(self, model: MaskRCNN, hardware: Hardware) -> None:
        self.hardware = hardware
        self._device = hardware.torch_device
        model.eval()
        fuse_batchnorm(model.backbone)
        model.to(self._device)
        model.backbone.to(memory_format=torch.channels_last)
        self._model = model
        heads = model.roi_heads
        if hardware.precision != "float32":
            _compute_boxes_in_float32(model)
        self._mask_branch = (heads.mask_roi_pool, nn.Sequential(heads.mask_head, heads.mask_predictor))
        heads.mask_roi_pool = heads.mask_head = heads.mask_predictor = None
        self._min_score: float = heads.score_thresh

    def find(
        self,
        pictures: Sequence[Rgb],
        score_threshold: float,
        *,
        masks: bool,
        max_side: int | None,
        size: tuple[int, int] | None = None,
    ) -> list[Found]:
        """Find the objects in pictures; the parameters are those of `Detector.detect`."""
        precision = getattr(torch, self.hardware.precision)
        half = precision is not torch.float32
        with torch.inference_mode(), torch.autocast(self.hardware.device, precision, enabled=half):
            return self._find(pictures, score_threshold, masks=masks, max_side=max_side, size=size)

    def _find(
        self,
        pictures: Sequence[Rgb],
        score_threshold: float,
        *,
        masks: bool,
        max_side: int | None,
        size: tuple[int, int] | None,
    ) -> list[Found]:
        model = self._model
        # The model drops low scores before it compares boxes. This is safe, because a lower score never suppresses a
        # higher one. It keeps scores above its limit; callers also keep scores equal to theirs.
        model.roi_heads.score_thresh = max(self._min_score, float(np.nextafter(np.float32(score_threshold), -1)))
        prepared = [self._prepare(picture, max_side) for picture in pictures]
        sizes = [(picture.shape[-2], picture.shape[-1]) for picture in prepared]
        batch = model.transform.batch_images(prepared, size_divisible=model.transform.size_divisible)
        batch = batch.contiguous(memory_format=torch.channels_last)
        features = model.backbone(batch)
        images = _Images(batch, sizes)
        proposals, _ = model.rpn(images, features)
        results, _ = model.roi_heads(features, proposals, sizes)
        probabilities = self._masks(features, results, sizes) if masks else [None] * len(results)
        return [
            _found(result, probability, seen, (picture.shape[0], picture.shape[1]) if size is None else size[::-1])
            for result, probability, seen, picture in zip(results, probabilities, sizes, pictures, strict=True)
        ]

    def _prepare(self, picture: Rgb, max_side: int | None) -> Tensor:
        """Scale and normalise a picture as torchvision does, but scale first, so that fewer pixels are normalised."""
        transform = self._model.transform
        pixels = torch.from_numpy(picture).to(self._device).permute(2, 0, 1)[None].float()
        height, width = picture.shape[:2]
        longest = transform.max_size if max_side is None else min(transform.max_size, max_side)
        scale = min(transform.min_size[-1] / min(height, width), longest / max(height, width))
        size = (max(1, math.floor(height * scale)), max(1, math.floor(width * scale)))
        scaled = functional.interpolate(pixels, size=size, mode="bilinear", align_corners=False)[0]
        mean = torch.tensor(transform.image_mean, device=self._device)[:, None, None]
        deviation = torch.tensor(transform.image_std, device=self._device)[:, None, None]
        prepared: Tensor = (scaled / _WHITE - mean) / deviation
        return prepared

    def _masks(
        self, features: dict[str, Tensor], results: list[dict[str, Tensor]], sizes: list[tuple[int, int]]
    ) -> list[Tensor]:
        pool, branch = self._mask_branch
        logits = branch(pool(features, [result["boxes"] for result in results], sizes))
        probabilities: list[Tensor] = maskrcnn_inference(logits, [result["labels"] for result in results])
        return probabilities


def _compute_boxes_in_float32(model: MaskRCNN) -> None:
    """Compute coordinates in float32, because float16 has only whole numbers above 1024.

    torchvision computes boxes in the type of the features.
    """

    def to_float32(_module: nn.Module, _inputs: object, outputs: tuple[Tensor, Tensor]) -> list[Tensor]:
        return [output.float() for output in outputs]

    def levels_to_float32(
        _module: nn.Module, _inputs: object, outputs: tuple[list[Tensor], list[Tensor]]
    ) -> list[list[Tensor]]:
        return [[level.float() for level in levels] for levels in outputs]

    def float32_features(_module: nn.Module, inputs: tuple[_Images, list[Tensor]]) -> tuple[_Images, list[Tensor]]:
        # Anchors depend only on the shape and type of the features.
        images, features = inputs
        return images, [feature.new_empty(1, dtype=torch.float32).expand(feature.shape) for feature in features]

    model.rpn.head.register_forward_hook(levels_to_float32)
    model.rpn.anchor_generator.register_forward_pre_hook(float32_features)
    model.roi_heads.box_predictor.register_forward_hook(to_float32)


@dataclass(frozen=True)
class _Images:
    """Replacement for torchvision's `ImageList`, with the same two fields."""

    tensors: Tensor
    image_sizes: list[tuple[int, int]]


def _found(
    result: dict[str, Tensor], probabilities: Tensor | None, size: tuple[int, int], picture_size: tuple[int, int]
) -> Found:
    boxes = resize_boxes(result["boxes"].float(), size, picture_size)
    rows: list[Any] = boxes.tolist()
    return Found(
        result["labels"].tolist(),
        result["scores"].tolist(),
        [(x1, y1, x2, y2) for x1, y1, x2, y2 in rows],
        None if probabilities is None else paste(probabilities, boxes, picture_size),
    )

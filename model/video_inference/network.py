"""Runs a Mask R-CNN on a batch of pictures, with the results of torchvision, but skips parts that are not needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import maskrcnn_inference
from torchvision.models.detection.transform import resize_boxes

from .fuse_batchnorm import fuse_batchnorm
from .hardware import Hardware
from .labels import label_of
from .mask_runs import RleMask
from .masks import paste
from .picture import Rgb

_WHITE = 255


@dataclass(frozen=True)
class Detection:
    """One object in a picture.

    Attributes
    ----------
    label_id, label
        COCO's category id and its name.
    score
        Confidence, 0 to 1.
    box
        (x1, y1, x2, y2) in the picture's pixels.
    mask
        Pixels of the object; None if masks were not requested.
    """

    label_id: int
    label: str
    score: float
    box: tuple[float, float, float, float]
    mask: RleMask | None = None


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
    ) -> list[list[Detection]]:
        """Find the objects in pictures; the parameters are those of `Detector.detect`."""
        precision = getattr(torch, self.hardware.precision)
        half = precision is not torch.float32
        with torch.inference_mode(), torch.autocast(self.hardware.device, precision, enabled=half):
            model = self._model
            # The model drops low scores before it compares boxes. This is safe, because a lower score never suppresses
            # a higher one. It keeps scores above its limit; callers also keep scores equal to theirs.
            model.roi_heads.score_thresh = max(self._min_score, float(np.nextafter(np.float32(score_threshold), -1)))
            prepared = [self._prepare(picture, max_side) for picture in pictures]
            sizes = [(picture.shape[-2], picture.shape[-1]) for picture in prepared]
            batch = model.transform.batch_images(prepared, size_divisible=model.transform.size_divisible)
            batch = batch.contiguous(memory_format=torch.channels_last)
            features = model.backbone(batch)
            proposals, _ = model.rpn(ImageList(batch, sizes), features)
            results, _ = model.roi_heads(features, proposals, sizes)
            probabilities: Sequence[Tensor | None] = [None] * len(results)
            if masks:
                pool, branch = self._mask_branch
                logits = branch(pool(features, [result["boxes"] for result in results], sizes))
                probabilities = maskrcnn_inference(logits, [result["labels"] for result in results])
            return [
                _detections(
                    result, probability, seen, (picture.shape[0], picture.shape[1]) if size is None else size[::-1]
                )
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

    def float32_features(_module: nn.Module, inputs: tuple[ImageList, list[Tensor]]) -> tuple[ImageList, list[Tensor]]:
        # Anchors depend only on the shape and type of the features.
        images, features = inputs
        return images, [feature.new_empty(1, dtype=torch.float32).expand(feature.shape) for feature in features]

    model.rpn.head.register_forward_hook(levels_to_float32)
    model.rpn.anchor_generator.register_forward_pre_hook(float32_features)
    model.roi_heads.box_predictor.register_forward_hook(to_float32)


def _detections(
    result: dict[str, Tensor], probabilities: Tensor | None, size: tuple[int, int], picture_size: tuple[int, int]
) -> list[Detection]:
    boxes = resize_boxes(result["boxes"].float(), size, picture_size)
    masks = repeat(None) if probabilities is None else paste(probabilities, boxes, picture_size)
    return [
        Detection(label_id, label_of(label_id), score, (x1, y1, x2, y2), mask)
        for label_id, score, (x1, y1, x2, y2), mask in zip(
            result["labels"].tolist(), result["scores"].tolist(), boxes.tolist(), masks, strict=False
        )
    ]

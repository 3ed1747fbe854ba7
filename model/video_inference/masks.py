"""Scales the model's small masks to the boxes of their objects."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection.roi_heads import expand_boxes, expand_masks

from .mask_runs import RleMask, encode

_THRESHOLD = 0.5


def paste(probabilities: Tensor, boxes: Tensor, picture_size: tuple[int, int]) -> list[RleMask]:
    """Scale the model's masks to their boxes.

    The pixels are those of torchvision's `paste_masks_in_image`. Only the part in the box is computed, because masks of
    the full size take gigabytes for pictures with many objects.

    Parameters
    ----------
    probabilities
        Mask probabilities of shape (N, 1, M, M), 0 to 1.
    boxes
        Boxes of shape (N, 4): x1, y1, x2, y2 in the picture's pixels.
    picture_size
        (height, width) of the picture in pixels.
    """
    padded, scale = expand_masks(probabilities.float(), 1)
    corners = expand_boxes(boxes.float(), scale).to(torch.int64).tolist()
    return [_paste_one(mask, box, picture_size) for mask, box in zip(padded, corners, strict=True)]


def _paste_one(mask: Tensor, box: tuple[int, int, int, int], picture_size: tuple[int, int]) -> RleMask:
    left, top, right, bottom = box
    size = (max(bottom - top + 1, 1), max(right - left + 1, 1))
    scaled = functional.interpolate(mask[None], size=size, mode="bilinear", align_corners=False)[0, 0]
    x, y = max(left, 0), max(top, 0)
    height, width = (max(min(bottom + 1, picture_size[0]) - y, 0), max(min(right + 1, picture_size[1]) - x, 0))
    part = scaled[y - top : y - top + height, x - left : x - left + width] > _THRESHOLD
    return RleMask((x, y), (height, width), encode(part.cpu().numpy()))

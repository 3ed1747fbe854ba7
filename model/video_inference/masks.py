"""Cuts each object's mask out of the small one that the model gives, and writes it as COCO's compressed run lengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection.roi_heads import expand_boxes, expand_masks

Mask = npt.NDArray[np.bool_]

_THRESHOLD = 0.5
_BITS = 5
_MORE = 1 << _BITS
_FIRST_CHARACTER = 48


@dataclass(frozen=True)
class RleMask:
    """A mask of a part of the picture, as pycocotools writes it.

    Attributes
    ----------
    origin
        (x, y) in the picture of the part's upper left pixel.
    size
        (height, width) of the part in pixels.
    counts
        Run lengths down its columns, compressed: see `encode`.
    """

    origin: tuple[int, int]
    size: tuple[int, int]
    counts: str


def encode(mask: Mask) -> str:
    """Write a mask as COCO's compressed run lengths.

    The lengths are those of the runs of 0 and 1 in turn, from 0 on, down each column, the columns from left to right.
    From the fourth on, each is written as its difference to the one two before. A number is written in groups of five
    bits, the lowest first, with a sixth bit that says whether another follows, as the character that far behind "0".

    Parameters
    ----------
    mask
        Of shape (height, width).
    """
    pixels = mask.ravel(order="F")
    starts = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    first = [0] if pixels.size > 0 and pixels[0] else []
    runs = np.diff(np.concatenate([[0], first, starts, [pixels.size]])).astype(np.int64)
    rest = runs.copy()
    rest[3:] -= runs[1:-2]
    groups = []
    unfinished = np.ones(rest.shape, dtype=np.bool_)
    while unfinished.any():
        group = rest & (_MORE - 1)
        rest >>= _BITS
        # The last group's highest bit is the sign of what is left of the number: nothing.
        more = unfinished & (rest != np.where(group & (_MORE >> 1), -1, 0))
        groups.append(np.where(unfinished, (group | more * _MORE) + _FIRST_CHARACTER, 0).astype(np.uint8))
        unfinished = more
    characters = np.stack(groups, axis=1).ravel()
    return characters[characters > 0].tobytes().decode("ascii")


def decode(mask: RleMask) -> Mask:
    """Read a mask of shape `mask.size`.

    Raises
    ------
    ValueError
        If its counts are not those of a mask of that size.
    """
    runs: list[int] = []
    value = shift = 0
    for character in mask.counts.encode("ascii"):
        group = character - _FIRST_CHARACTER
        value |= (group & (_MORE - 1)) << shift
        shift += _BITS
        if group & _MORE:
            continue
        if group & (_MORE >> 1):
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    height, width = mask.size
    if shift or sum(runs) != height * width or min(runs, default=0) < 0:
        raise ValueError(f"these are not the counts of a mask of {height} x {width} pixels")
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return pixels.reshape((height, width), order="F")


def paste(probabilities: Tensor, boxes: Tensor, picture_size: tuple[int, int]) -> list[RleMask]:
    """Scale the masks that the model gives to their boxes.

    As torchvision does it, but for each box alone: of pictures with many objects, masks of full size take gigabytes.

    Parameters
    ----------
    probabilities
        Of shape (N, 1, M, M), 0..1.
    boxes
        Of shape (N, 4): x1, y1, x2, y2 in the picture's pixels.
    picture_size
        (height, width) in pixels.
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

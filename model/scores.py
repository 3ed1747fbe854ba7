"""Measures a detector on generated scenes: average precision of boxes and masks, precision and recall."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torchvision.models.detection import MaskRCNN
from torchvision.transforms.functional import pil_to_tensor

import scenes
from shapes import KINDS

Overlaps = npt.NDArray[np.float64]

_IOU = 0.5
_CONFIDENT = 0.5


@dataclass(frozen=True)
class _Judged:
    """One detection: its score and whether it found an object that no better one had found."""

    score: float
    right: bool


def box_overlaps(found: npt.NDArray[np.float64], true: npt.NDArray[np.float64]) -> Overlaps:
    """Intersection over union of boxes (x1, y1, x2, y2): shapes (N, 4) and (M, 4) give (N, M)."""
    upper = np.maximum(found[:, None, :2], true[None, :, :2])
    lower = np.minimum(found[:, None, 2:], true[None, :, 2:])
    shared = np.prod(np.clip(lower - upper, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (found, true)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None, :] - shared), dtype=np.float64)


def mask_overlaps(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> Overlaps:
    """Intersection over union of masks: shapes (N, H, W) and (M, H, W) give (N, M)."""
    one, other = (
        masks.reshape(len(masks), int(np.prod(masks.shape[1:]))).astype(np.float32) for masks in (found, true)
    )
    shared = one @ other.T
    union = one.sum(axis=1)[:, None] + other.sum(axis=1)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1), dtype=np.float64)


def match(overlaps: Overlaps, scores: npt.NDArray[np.float64]) -> list[_Judged]:
    """Give each detection, best score first, the still free object that it overlaps most, if by half or more."""
    free = np.ones(overlaps.shape[1], dtype=bool)
    judged = []
    for index in np.argsort(-scores, kind="stable"):
        candidates = np.where(free, overlaps[index], 0.0)
        best = int(candidates.argmax()) if candidates.size else -1
        right = best >= 0 and bool(candidates[best] >= _IOU)
        if right:
            free[best] = False
        judged.append(_Judged(float(scores[index]), right))
    return judged


def average_precision(judged: list[_Judged], objects: int) -> float:
    """Area under the curve of precision, made monotone, over recall."""
    if objects == 0 or not judged:
        return 0.0
    right = np.array([one.right for one in sorted(judged, key=lambda one: -one.score)])
    recall = np.cumsum(right) / objects
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def measure(model: MaskRCNN, seed: int, count: int) -> dict[str, object]:
    """Measure a model, in evaluation mode, on generated scenes.

    Parameters
    ----------
    model
        With its mask branch.
    seed
        Of the scenes; another one than it was trained from.
    count
        Number of scenes.

    Returns
    -------
    dict
        Box AP50 and mask AP50 (mean and by label), and precision and recall of boxes at score 0.5; all at IoU 0.5.
    """
    boxes: defaultdict[int, list[_Judged]] = defaultdict(list)
    masks: defaultdict[int, list[_Judged]] = defaultdict(list)
    objects: defaultdict[int, int] = defaultdict(int)
    for number in range(count):
        image, truths = scenes.scene(np.random.default_rng((seed, number)))
        with torch.inference_mode():
            found = model([pil_to_tensor(image).float() / 255])[0]
        labels = found["labels"].numpy()
        for kind in KINDS:
            chosen = labels == kind.label_id
            true = [truth for truth in truths if truth.label_id == kind.label_id]
            objects[kind.label_id] += len(true)
            scores = found["scores"].numpy()[chosen].astype(np.float64)
            true_boxes = np.array([truth.box for truth in true], dtype=np.float64).reshape(-1, 4)
            found_boxes = found["boxes"].numpy()[chosen].astype(np.float64)
            boxes[kind.label_id] += match(box_overlaps(found_boxes, true_boxes), scores)
            true_masks = np.array([truth.mask for truth in true], dtype=bool)
            true_masks = true_masks.reshape(len(true), image.height, image.width)
            found_masks = found["masks"].numpy()[chosen, 0] >= 0.5
            masks[kind.label_id] += match(mask_overlaps(found_masks, true_masks), scores)
    confident = [one for judged in boxes.values() for one in judged if one.score >= _CONFIDENT]
    right = sum(one.right for one in confident)
    by_label = {
        kind.label: {
            "objects": objects[kind.label_id],
            "box_ap50": round(average_precision(boxes[kind.label_id], objects[kind.label_id]), 3),
            "mask_ap50": round(average_precision(masks[kind.label_id], objects[kind.label_id]), 3),
        }
        for kind in KINDS
    }
    return {
        "scenes": count,
        "seed": seed,
        "box_ap50": round(float(np.mean([each["box_ap50"] for each in by_label.values()])), 3),
        "mask_ap50": round(float(np.mean([each["mask_ap50"] for each in by_label.values()])), 3),
        "precision": round(right / max(1, len(confident)), 3),
        "recall": round(right / max(1, sum(objects.values())), 3),
        "by_label": by_label,
    }

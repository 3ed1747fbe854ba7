"""Measures a detector on generated scenes: average precision of boxes and masks, precision and recall."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torchvision.models.detection import MaskRCNN
from torchvision.transforms.functional import pil_to_tensor

import scenes
from shapes import KINDS

Overlaps = npt.NDArray[np.float64]

_AP50_IOU = 0.5
_IOU_THRESHOLDS = tuple(hundredths / 100 for hundredths in range(50, 100, 5))
_MIN_SCORE = 0.5


@dataclass(frozen=True)
class _Match:
    """A detection: its score, and whether it is the best match of an object."""

    score: float
    correct: bool


def box_overlaps(found: npt.NDArray[np.float64], true: npt.NDArray[np.float64]) -> Overlaps:
    """Compute the intersection over union of boxes (x1, y1, x2, y2): shapes (N, 4) and (M, 4) give (N, M)."""
    upper = np.maximum(found[:, None, :2], true[None, :, :2])
    lower = np.minimum(found[:, None, 2:], true[None, :, 2:])
    shared = np.prod(np.clip(lower - upper, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (found, true)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None, :] - shared), dtype=np.float64)


def mask_overlaps(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> Overlaps:
    """Compute the intersection over union of masks: shapes (N, H, W) and (M, H, W) give (N, M)."""
    one, other = (
        masks.reshape(len(masks), int(np.prod(masks.shape[1:]))).astype(np.float32) for masks in (found, true)
    )
    shared = one @ other.T
    union = one.sum(axis=1)[:, None] + other.sum(axis=1)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1), dtype=np.float64)


def match(overlaps: Overlaps, scores: npt.NDArray[np.float64], threshold: float) -> list[_Match]:
    """Match detections, highest score first, to the unmatched objects that they overlap most.

    Parameters
    ----------
    overlaps
        Intersection over union of N detections and M objects, of shape (N, M).
    scores
        Scores of the detections, of shape (N,).
    threshold
        Minimum intersection over union of a match.
    """
    free = np.ones(overlaps.shape[1], dtype=bool)
    matches = []
    for index in np.argsort(-scores, kind="stable"):
        candidates = np.where(free, overlaps[index], 0.0)
        best = int(candidates.argmax()) if candidates.size else -1
        correct = best >= 0 and bool(candidates[best] >= threshold)
        if correct:
            free[best] = False
        matches.append(_Match(float(scores[index]), correct))
    return matches


def average_precision(matches: list[_Match], objects: int) -> float:
    """Compute the area under the curve of precision, made monotone, over recall."""
    if objects == 0 or not matches:
        return 0.0
    correct = np.array([one.correct for one in sorted(matches, key=lambda one: -one.score)])
    recall = np.cumsum(correct) / objects
    precision = np.cumsum(correct) / np.arange(1, len(correct) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


class _ClassScores:
    """Matches of one kind of object, at each threshold of the intersection over union."""

    def __init__(self) -> None:
        self.objects = 0
        self.boxes: defaultdict[float, list[_Match]] = defaultdict(list)
        self.masks: defaultdict[float, list[_Match]] = defaultdict(list)

    def add(self, scores: npt.NDArray[np.float64], boxes: Overlaps, masks: Overlaps) -> None:
        """Add the matches of a picture: N scores of shape (N,), overlaps with M objects of shape (N, M)."""
        self.objects += boxes.shape[1]
        for threshold in _IOU_THRESHOLDS:
            self.boxes[threshold] += match(boxes, scores, threshold)
            self.masks[threshold] += match(masks, scores, threshold)

    def scores(self) -> dict[str, float]:
        """Return the average precision at IoU 0.5 (AP50), and the mean over IoU 0.50 to 0.95 (COCO's AP)."""
        box, mask = (
            {threshold: average_precision(matches[threshold], self.objects) for threshold in _IOU_THRESHOLDS}
            for matches in (self.boxes, self.masks)
        )
        return {
            "box_ap50": box[_AP50_IOU],
            "mask_ap50": mask[_AP50_IOU],
            "box_ap": float(np.mean(list(box.values()))),
            "mask_ap": float(np.mean(list(mask.values()))),
        }


def measure(model: MaskRCNN, seed: int, count: int) -> dict[str, object]:
    """Measure a model, in evaluation mode, on generated scenes.

    Parameters
    ----------
    model
        Model with its mask branch.
    seed
        Seed of the scenes, which must not be the seed of the training.
    count
        Number of scenes.

    Returns
    -------
    dict
        AP50 and AP (the mean over IoU 0.50 to 0.95) of boxes and masks, mean and by label; precision and recall of
        boxes at score 0.5 and IoU 0.5.
    """
    per_class = {kind: _ClassScores() for kind in KINDS}
    for number in range(count):
        image, truths = scenes.scene(np.random.default_rng((seed, number)))
        with torch.inference_mode():
            found = model([pil_to_tensor(image).float() / 255])[0]
        labels = found["labels"].numpy()
        for kind, scores_of_class in per_class.items():
            chosen = labels == kind.label_id
            true = [truth for truth in truths if truth.label_id == kind.label_id]
            true_boxes = np.array([truth.box for truth in true], dtype=np.float64).reshape(-1, 4)
            true_masks = np.array([truth.mask for truth in true], dtype=bool)
            scores_of_class.add(
                found["scores"].numpy()[chosen].astype(np.float64),
                box_overlaps(found["boxes"].numpy()[chosen].astype(np.float64), true_boxes),
                mask_overlaps(
                    found["masks"].numpy()[chosen, 0] >= 0.5, true_masks.reshape(len(true), image.height, image.width)
                ),
            )
    confident = [
        one
        for scores_of_class in per_class.values()
        for one in scores_of_class.boxes[_AP50_IOU]
        if one.score >= _MIN_SCORE
    ]
    correct = sum(one.correct for one in confident)
    by_label = {kind.label: scores_of_class.scores() for kind, scores_of_class in per_class.items()}
    means = {name: float(np.mean([each[name] for each in by_label.values()])) for name in by_label[KINDS[0].label]}
    return {
        "scenes": count,
        "seed": seed,
        **_rounded(means),
        "precision": round(correct / max(1, len(confident)), 3),
        "recall": round(correct / max(1, sum(scores_of_class.objects for scores_of_class in per_class.values())), 3),
        "by_label": {
            kind.label: {"objects": scores_of_class.objects, **_rounded(by_label[kind.label])}
            for kind, scores_of_class in per_class.items()
        },
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}

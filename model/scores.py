"""Measures a detector on generated scenes: COCO's average precision of boxes and masks, precision and recall."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any, Literal

import numpy as np
import torch
from pycocotools import mask as run_lengths
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision.models.detection import MaskRCNN
from torchvision.transforms.functional import pil_to_tensor

import scenes
from shapes import KINDS

_MIN_SCORE = 0.5


def _annotation(image: int, label_id: int, box: Sequence[float], mask: scenes.Mask) -> dict[str, Any]:
    """Return an object in COCO's format. The box is (x1, y1, x2, y2), the mask of shape (H, W)."""
    x1, y1, x2, y2 = box
    return {
        "image_id": image,
        "category_id": label_id,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": 0,
        "segmentation": run_lengths.encode(np.asfortranarray(mask, dtype=np.uint8)),
    }


def _index(images: list[dict[str, int]], annotations: list[dict[str, Any]]) -> COCO:
    indexed = COCO()
    indexed.dataset = {
        "images": images,
        "categories": [{"id": kind.label_id} for kind in KINDS],
        # The evaluation takes the id 0 for a missing match.
        "annotations": [{"id": number, **one} for number, one in enumerate(annotations, 1)],
    }
    indexed.createIndex()
    return indexed


def _evaluate(true: COCO, found: COCO, kind: Literal["bbox", "segm"]) -> COCOeval:
    evaluation = COCOeval(true, found, kind)
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


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
    images: list[dict[str, int]] = []
    true: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for number in range(count):
        image, truths = scenes.scene(np.random.default_rng((seed, number)))
        with torch.inference_mode():
            output = {name: value.numpy() for name, value in model([pil_to_tensor(image).float() / 255])[0].items()}
        images.append({"id": number, "height": image.height, "width": image.width})
        true += [_annotation(number, truth.label_id, truth.box, truth.mask) for truth in truths]
        masks = output["masks"][:, 0] >= 0.5
        for label_id, box, mask, score in zip(output["labels"], output["boxes"], masks, output["scores"], strict=True):
            found.append(_annotation(number, label_id, box, mask) | {"score": score})
    # pycocotools prints its progress.
    with redirect_stdout(io.StringIO()):
        indexed = _index(images, true), _index(images, found)
        boxes, outlines = _evaluate(*indexed, "bbox"), _evaluate(*indexed, "segm")
    # Precision by threshold of the intersection over union, recall and label.
    box, mask = (evaluation.eval["precision"][..., 0, -1] for evaluation in (boxes, outlines))
    scores = {
        "box_ap50": box[0].mean(axis=0),
        "mask_ap50": mask[0].mean(axis=0),
        "box_ap": box.mean(axis=(0, 1)),
        "mask_ap": mask.mean(axis=(0, 1)),
    }
    confident = np.concatenate(
        [one["dtMatches"][0, np.array(one["dtScores"]) >= _MIN_SCORE] > 0 for one in boxes.evalImgs if one is not None]
    )
    return {
        "scenes": count,
        "seed": seed,
        **{name: round(float(by_label.mean()), 3) for name, by_label in scores.items()},
        "precision": round(float(confident.sum()) / max(1, len(confident)), 3),
        "recall": round(float(confident.sum()) / max(1, len(true)), 3),
        "by_label": {
            kind.label: {
                "objects": sum(one["category_id"] == kind.label_id for one in true),
                **{name: round(float(by_label[position]), 3) for name, by_label in scores.items()},
            }
            for position, kind in enumerate(KINDS)
        },
    }

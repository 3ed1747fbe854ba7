"""The labels of COCO's detection classes by category id, as torchvision's 91-class heads number them."""

from __future__ import annotations

from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

_CATEGORIES: list[str] = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]

CLASS_COUNT = len(_CATEGORIES)
"""Size of the class head: 90 ids and the background."""

LABELS = {index: name for index, name in enumerate(_CATEGORIES) if name not in ("__background__", "N/A")}
"""Label by category id; COCO leaves ten of the 90 ids unused."""


def label_of(label_id: int) -> str:
    """Return the label of a category id, or its number as text for the ids that COCO left unused."""
    return LABELS.get(label_id, str(label_id))

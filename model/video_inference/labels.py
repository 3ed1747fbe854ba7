"""Labels of COCO's detection classes by category id, in the numbering of torchvision's 91-class heads."""

from __future__ import annotations

from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

_CATEGORIES: list[str] = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]

CLASS_COUNT = len(_CATEGORIES)
"""Number of classes of the head: 90 ids and the background."""

LABELS = {index: name for index, name in enumerate(_CATEGORIES) if name not in ("__background__", "N/A")}
"""Label by category id. COCO does not use ten of the 90 ids."""


def label_of(label_id: int) -> str:
    """Return the label of a category id, or the id as text if COCO does not use it."""
    return LABELS.get(label_id, str(label_id))

"""Networks for both designs: the small one with its weights, and the COCO-size one with random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torchvision.models.detection import MaskRCNN

from video_inference.architecture import build
from video_inference.artifact_files import WEIGHTS_FILE
from video_inference.detector import load_weights

OBJECTS_PER_FRAME = 20
"""Number of objects that the COCO-size network finds in a frame. Without help, random weights find none."""

_PERSON_BIAS = 12.0
_PERSON = 1


def device() -> str:
    """Return "cuda" if CUDA can use a GPU, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def small(model_dir: Path) -> MaskRCNN:
    """Build the small network with the weights of an unpacked artifact."""
    network = build("maskrcnn_small")
    load_weights(network, model_dir / WEIGHTS_FILE)
    return network.eval()


def coco() -> MaskRCNN:
    """Build the COCO-size network with fixed random weights that finds `OBJECTS_PER_FRAME` objects in each frame."""
    torch.manual_seed(1)
    network = build("maskrcnn_resnet50_fpn")
    network.roi_heads.detections_per_img = OBJECTS_PER_FRAME
    with torch.no_grad():
        # Every proposal becomes a person. Suppression leaves the best ones that do not overlap.
        network.roi_heads.box_predictor.cls_score.bias[_PERSON] += _PERSON_BIAS
    return network.eval()


def input_pixels(width: int, height: int) -> int:
    """Return the number of pixels at the input of the COCO-size network for a picture of a size in pixels."""
    network = build("maskrcnn_resnet50_fpn")
    images, _ = network.transform([torch.zeros(3, height, width)])
    seen_height, seen_width = images.image_sizes[0]
    return int(seen_height * seen_width)

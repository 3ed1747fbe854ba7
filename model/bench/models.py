"""The networks that both designs run: the small one with its weights, and the COCO-size one with random weights."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

import torch
from torchvision.models.detection import MaskRCNN

import inference
from artifact.contents import contents
from artifact.weights import find_weights
from video_inference.architecture import build
from video_inference.detector import CARD_FILE, WEIGHTS_FILE, Card, Detection, Detector, load_weights
from video_inference.settings import read_settings
from video_inference.video import Rgb

Size = Literal["small", "coco"]

OBJECTS = 20
"""Objects that the COCO-size model finds in a frame: random weights find none by themselves."""

_CERTAIN = 12.0
_PERSON = 1


def _random() -> MaskRCNN:
    torch.manual_seed(1)
    network = build("maskrcnn_resnet50_fpn")
    network.roi_heads.detections_per_img = OBJECTS
    with torch.no_grad():
        # Every proposal is a person: what is left of them is the best that do not overlap.
        network.roi_heads.box_predictor.cls_score.bias[_PERSON] += _CERTAIN
    return network.eval()


def _artifact(folder: Path) -> None:
    entries = contents(find_weights("small"))
    for name in (CARD_FILE, WEIGHTS_FILE):
        (folder / name).write_bytes(entries[name])


def network(size: Size) -> MaskRCNN:
    """Build the network as torchvision has it, masks and all, on the graphics processor if there is one."""
    if size == "coco":
        built = _random()
    else:
        built = build("maskrcnn_small").eval()
        with tempfile.TemporaryDirectory() as folder:
            _artifact(Path(folder))
            load_weights(built, Path(folder, WEIGHTS_FILE))
    return built.to("cuda" if torch.cuda.is_available() else "cpu")


def without_masks(network: MaskRCNN) -> MaskRCNN:
    """Take the mask branch off, as the handler does where nobody asks for masks."""
    network.roi_heads.mask_roi_pool = None
    network.roi_heads.mask_head = None
    network.roi_heads.mask_predictor = None
    return network


def handler(size: Size) -> inference.Model:
    """Load the handler with the same network."""
    if size == "coco":
        card = Card("random weights", "maskrcnn_resnet50_fpn", "0" * 64, None, {})
        return inference.Model(Detector(card, _random()), read_settings())
    with tempfile.TemporaryDirectory() as folder:
        _artifact(Path(folder))
        return inference.model_fn(folder)


class _Blind(Detector):
    """Finds nothing, at no cost, and counts pictures: what is left of the handler is reading the video."""

    pictures = 0

    def detect(self, picture: Rgb, *_more: object, **_options: object) -> list[Detection]:
        self.pictures += picture.ndim == 3
        return []


def blind_handler() -> inference.Model:
    """Load the handler without a model to look with."""
    card = Card("none", "maskrcnn_small", "0" * 64, None, {})
    return inference.Model(_Blind(card, build("maskrcnn_small")), read_settings())

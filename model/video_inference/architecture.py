"""Builds the Mask R-CNN of an artifact: torchvision's COCO-size network, or a small one for machines without a GPU."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal, get_args

from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import AnchorGenerator, RPNHead
from torchvision.ops import MultiScaleRoIAlign

from .labels import CLASS_COUNT

Architecture = Literal["maskrcnn_resnet50_fpn", "maskrcnn_small"]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)

SMALL_SIDE = 144
"""Length in pixels to which the small model scales a frame's shorter side."""

_STAGES = (32, 64, 96)
_FPN_WIDTH = 64


class _Residual(nn.Module):
    """Residual block of two 3x3 convolutions and a shortcut; halves the resolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs))
        self.activation = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Map features of shape (N, inputs, H, W) to (N, outputs, H / 2, W / 2)."""
        activated: Tensor = self.activation(self.body(features) + self.shortcut(features))
        return activated


def _small_backbone() -> BackboneWithFPN:
    stem = 16
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=nn.Sequential(
            nn.Conv2d(3, stem, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(stem),
            nn.ReLU(inplace=True),
        )
    )
    inputs = stem
    for level, outputs in enumerate(_STAGES):
        layers[f"stage{level}"] = _Residual(inputs, outputs)
        inputs = outputs
    return BackboneWithFPN(
        nn.Sequential(layers),
        return_layers={f"stage{level}": str(level) for level in range(len(_STAGES))},
        in_channels_list=list(_STAGES),
        out_channels=_FPN_WIDTH,
    )


def _small() -> MaskRCNN:
    levels = [str(level) for level in range(len(_STAGES))]

    def pool(side: int) -> MultiScaleRoIAlign:
        # Pools objects smaller than half a picture from the finest level, because a distant person is 7 pixels wide.
        return MultiScaleRoIAlign(levels, side, sampling_ratio=2, canonical_scale=SMALL_SIDE)

    return MaskRCNN(
        _small_backbone(),
        min_size=SMALL_SIDE,
        max_size=2 * SMALL_SIDE,
        rpn_anchor_generator=AnchorGenerator(sizes=((11,), (22,), (44,), (88,)), aspect_ratios=((0.5, 1.0, 2.0),) * 4),
        rpn_head=RPNHead(_FPN_WIDTH, 3),
        rpn_pre_nms_top_n_train=300,
        rpn_post_nms_top_n_train=150,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_test=100,
        rpn_batch_size_per_image=128,
        box_roi_pool=pool(7),
        box_head=TwoMLPHead(_FPN_WIDTH * 7 * 7, 128),
        box_predictor=FastRCNNPredictor(128, CLASS_COUNT),
        box_batch_size_per_image=64,
        mask_roi_pool=pool(14),
        mask_head=MaskRCNNHeads(_FPN_WIDTH, (_FPN_WIDTH, _FPN_WIDTH), 1),
        mask_predictor=MaskRCNNPredictor(_FPN_WIDTH, _FPN_WIDTH, CLASS_COUNT),
    )


def build(architecture: Architecture) -> MaskRCNN:
    """Build a Mask R-CNN with a 91-class head and random weights, without a download."""
    if architecture == "maskrcnn_small":
        return _small()
    return maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=CLASS_COUNT)

"""Packages torchvision's network for COCO with random weights, by the code that packages the published ones.

Usage: coco_artifact.py ARTIFACT VIDEO, with model/ on PYTHONPATH. The weights go to the cache as the publisher's file,
in its format; only the expected SHA-256 is theirs instead of the publisher's. VIDEO gets one frame of the sample.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import package
import torch
from artifact import state_dicts
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d
from videos.writer import write

_SAMPLE = Path(package.__file__).parent / "samples" / "street.mp4"


def _write_video(path: Path) -> None:
    """Write the sample's first frame, at a quarter of its size."""
    with av.open(_SAMPLE) as container:
        frame = next(container.decode(video=0))
        small = frame.reformat(frame.width // 4, frame.height // 4, "rgb24").to_ndarray()
    write(path, [small], [Fraction(0)])


def main() -> int:
    """Write the artifact and the video."""
    artifact, video = map(Path, sys.argv[1:])
    _write_video(video)
    torch.manual_seed(1)
    frozen = functools.partial(FrozenBatchNorm2d, eps=0.0)
    backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=frozen)
    network = MaskRCNN(backbone, num_classes=91)
    cache = artifact.parent / "cache"
    cache.mkdir()
    published = cache / state_dicts._COCO.name
    # torch's format of 2019, which the published file has.
    torch.save(network.state_dict(), published, _use_new_zipfile_serialization=False)
    state_dicts._COCO = replace(state_dicts._COCO, sha256=hashlib.sha256(published.read_bytes()).hexdigest())
    status: int = package.main(["--weights", "coco", "--out", str(artifact), "--cache", str(cache)])
    return status


if __name__ == "__main__":
    sys.exit(main())

"""Reads state dictionaries with torch: torchvision's COCO weights, or the weights of a file."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from artifact.download import PublishedFile, fetch, has_expected_hash
from artifact.errors import PackageError
from artifact.weights import Weights
from video_inference.architecture import ARCHITECTURES, Architecture, build
from video_inference.labels import LABELS

# torchvision's MaskRCNN_ResNet50_FPN_Weights.COCO_V1, 178 MB. The file name has only the first 8 digits of its SHA-256,
# and a file with the same 8 digits can be made in minutes. The whole hash is that of two independent records:
# https://github.com/lc542/ActiveVision-Research-Workbench (GAZEXPLAIN_MASKRCNN_COCO_SHA256, at commit 79cbdf9) and
# https://github.com/winbeau/vbench-faithful (DETECTOR_SHA256).
_COCO = PublishedFile(
    url="https://download.pytorch.org/models/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
    sha256="bf2d0c1efbc936eeee2bc95a48e80ebc86b891f61b0106485937fc29f9315fc0",
    max_bytes=200_000_000,
)
HUB_VARIABLE = "ASYNC_VIDEO_INFERENCE_HUB"
"""Environment variable with the https address of another folder that has the file, such as a mirror."""

_COCO_LICENCE = "BSD-3-Clause (torchvision); trained on COCO 2017, whose annotations are CC BY 4.0"
_UNKNOWN_LICENCE = "not stated when the weights were packaged"


def coco_weights(cache: Path) -> Weights:
    """Get torchvision's COCO weights from the cache folder, or download them into it.

    Raises
    ------
    UnreachableError
        If they cannot be downloaded.
    PackageError
        If the file is not the expected one.
    """
    hub = os.environ.get(HUB_VARIABLE)
    file = _COCO if not hub else replace(_COCO, url=f"{hub.rstrip('/')}/{_COCO.name}")
    try:
        data = fetch(file, cache)
    except PackageError as error:
        remedy = f"Download that file elsewhere and put it at {cache / file.name}, or use --weights small."
        raise type(error)(f"{error} {remedy}") from error
    return _convert_published(_load_state_dict(file.url, data))


def _convert_published(state: Mapping[str, Any]) -> Weights:
    """Convert torchvision's published weights for the network of `build`."""
    model = build("maskrcnn_resnet50_fpn")
    model.load_state_dict(state)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.running_var is not None:
            # These layers were trained with an epsilon of 0. torchvision sets it when it loads the weights.
            layer.running_var -= layer.eps
    return Weights(
        data=_serialized(model.state_dict()),
        architecture="maskrcnn_resnet50_fpn",
        name="Mask R-CNN ResNet-50 FPN, COCO",
        notice=None,
        classes=LABELS,
        licence=_COCO_LICENCE,
        source=_COCO.url,
    )


def file_weights(path: Path, licence: str | None) -> Weights:
    """Read a state dictionary from a file.

    Parameters
    ----------
    path
        Path of the file.
    licence
        Licence of the weights, for the manifest.

    Raises
    ------
    PackageError
        If the file cannot be read or fits no known network.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PackageError(
            f"The weights {path} cannot be read: {error.strerror}. Set --weights to small, coco or a file."
        ) from error
    state = _load_state_dict(str(path), data)
    if has_expected_hash(data, _COCO):
        return _convert_published(state)
    architecture, fitted = _fit(path, state)
    return Weights(
        data=data if fitted.keys() == state.keys() else _serialized(fitted),
        architecture=architecture,
        name=path.stem,
        notice=None,
        classes=LABELS,
        licence=licence or _UNKNOWN_LICENCE,
        source=path.name,
    )


def _load_state_dict(source: str, data: bytes) -> Mapping[str, Any]:
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        # torch.load raises any exception of the unpickler or the archive reader.
        raise PackageError(f"{source} is not a state dictionary: use one saved by torch.save.") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise PackageError(f"{source} is not a state dictionary: use one saved by torch.save.")
    return state


def _fit(path: Path, state: Mapping[str, Any]) -> tuple[Architecture, Mapping[str, Tensor]]:
    """Find the network that weights belong to, and convert torchvision's older names."""
    for architecture in ARCHITECTURES:
        with torch.device("meta"):
            model = build(architecture)
        try:
            model.load_state_dict(state, assign=True)
        except RuntimeError:
            continue
        return architecture, model.state_dict()
    raise PackageError(f"{path} holds weights of another network: use weights of {' or '.join(ARCHITECTURES)}.")


def _serialized(state: Mapping[str, Tensor]) -> bytes:
    buffer = io.BytesIO()
    # A plain dict, without the metadata of state_dict(), so that equal weights give equal bytes.
    torch.save(dict(state), buffer)
    return buffer.getvalue()

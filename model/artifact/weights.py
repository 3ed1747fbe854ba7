"""Finds the weights for an artifact: the small model's, torchvision's COCO weights, or those of a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from artifact.errors import PackageError

if TYPE_CHECKING:
    from video_inference.architecture import Architecture

SMALL = Path(__file__).resolve().parent.parent / "weights" / "small.pt"
"""Path of the small model's weights. Its card is next to it."""

CACHE = Path(__file__).resolve().parent.parent / "dist" / "weights"
"""Folder for downloaded weights."""


@dataclass(frozen=True)
class Weights:
    """Weights to package: the file's content, its network, and the facts for card and manifest."""

    data: bytes
    architecture: Architecture
    name: str
    notice: str | None
    classes: Mapping[int, str]
    licence: str
    source: str


def find_weights(choice: str, licence: str | None = None, cache: Path = CACHE) -> Weights:
    """Get the weights that `--weights` names.

    Parameters
    ----------
    choice
        "small", "coco", or the path of a file.
    licence
        Licence of the weights in a file.
    cache
        Folder for downloaded weights.

    Raises
    ------
    PackageError
        If the weights cannot be read or downloaded, or fit no known network.
    """
    if choice == "small":
        return _small()
    # Imported late, because importing torch takes seconds and the small model does not need it.
    state_dicts = import_module("artifact.state_dicts")
    found: Weights = (
        state_dicts.coco_weights(cache) if choice == "coco" else state_dicts.file_weights(Path(choice), licence)
    )
    return found


def _small() -> Weights:
    try:
        card = json.loads(SMALL.with_suffix(".json").read_text("utf-8"))
        data = SMALL.read_bytes()
    except OSError as error:
        raise PackageError(f"{error.filename}: {error.strerror}. Create it with train.py.") from error
    if hashlib.sha256(data).hexdigest() != card["sha256"]:
        raise PackageError(f"{SMALL} is not the file that its card describes. Create both with train.py.")
    return Weights(
        data=data,
        architecture=card["architecture"],
        name=card["name"],
        notice=card["notice"],
        classes={int(label_id): label for label_id, label in card["classes"].items()},
        licence=card["licence"],
        source=f"train.py, {card['training']['steps']} steps from seed {card['training']['seed']}",
    )

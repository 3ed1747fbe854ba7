"""Finds the weights that an artifact gets: those in the repository, torchvision's for COCO, or a file's."""

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
"""The weights of the small model; its card lies beside it."""

CACHE = Path(__file__).resolve().parent.parent / "dist" / "weights"
"""The folder that keeps downloaded weights."""


@dataclass(frozen=True)
class Weights:
    """Weights to package: the file's bytes, the network they fit, and what the card and the manifest say of them."""

    data: bytes
    architecture: Architecture
    name: str
    notice: str | None
    classes: Mapping[int, str]
    licence: str
    source: str


def find_weights(choice: str, licence: str | None = None, cache: Path = CACHE) -> Weights:
    """Get the weights that `--weights` names: "small", "coco", which `cache` keeps, or a file's path.

    Raises
    ------
    PackageError
        If they cannot be had or fit no known network.
    """
    if choice == "small":
        return _small()
    # Imported late: torch takes seconds to import, and the small model's file travels as it is.
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
        raise PackageError(f"{error.filename}: {error.strerror}. Make it with train.py.") from error
    if hashlib.sha256(data).hexdigest() != card["sha256"]:
        raise PackageError(f"{SMALL} is not the file that its card describes. Make both with train.py.")
    return Weights(
        data=data,
        architecture=card["architecture"],
        name=card["name"],
        notice=card["notice"],
        classes={int(label_id): label for label_id, label in card["classes"].items()},
        licence=card["licence"],
        source=f"train.py, {card['training']['steps']} steps from seed {card['training']['seed']}",
    )

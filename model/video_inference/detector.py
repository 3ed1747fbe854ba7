"""Loads the model that an artifact holds and finds the objects in pictures with it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.models.detection import MaskRCNN

from .architecture import ARCHITECTURES, Architecture, build
from .artifact_files import CARD_FILE, WEIGHTS_FILE
from .faults import free_memory, is_out_of_memory
from .hardware import Hardware, choose_hardware
from .labels import label_of
from .mask_runs import RleMask
from .network import Found, Network
from .picture import Rgb

_WARM_UP_SIZE = (1080, 1920)
_WHITE = 255

_log = logging.getLogger(__name__)


class ArtifactError(Exception):
    """The unpacked artifact cannot be used: something is missing, damaged or does not fit together."""


@dataclass(frozen=True)
class Card:
    """What an artifact says of its model.

    Attributes
    ----------
    name
        For people.
    architecture
        Which network the weights are for.
    weights_sha256
        Of the weights file, in hexadecimal.
    notice
        What whoever is shown the boxes must be told; None when there is nothing to say.
    classes
        Labels by category id of what the weights were trained on.
    """

    name: str
    architecture: Architecture
    weights_sha256: str
    notice: str | None
    classes: Mapping[int, str]


@dataclass(frozen=True)
class Detection:
    """One object in a picture.

    Attributes
    ----------
    label_id, label
        COCO's category id and its name.
    score
        0..1.
    box
        (x1, y1, x2, y2) in the picture's pixels.
    mask
        Its pixels, if they were asked for.
    """

    label_id: int
    label: str
    score: float
    box: tuple[float, float, float, float]
    mask: RleMask | None = None


def read_card(path: Path) -> Card:
    """Read and check an artifact's card.

    Raises
    ------
    ArtifactError
        If the file is missing or does not hold a card.
    """
    try:
        fields: Any = json.loads(path.read_text("utf-8"))
        architecture = fields["architecture"]
        if architecture not in ARCHITECTURES:
            raise ValueError(f"architecture {architecture!r} is none of {', '.join(ARCHITECTURES)}")
        notice = fields["notice"]
        return Card(
            name=str(fields["name"]),
            architecture=architecture,
            weights_sha256=str(fields["weights_sha256"]),
            notice=None if notice is None else str(notice),
            classes={int(label_id): str(label) for label_id, label in fields["classes"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path} is not a model's card: {error!r}.") from error


def load_weights(model: MaskRCNN, path: Path) -> None:
    """Load a state dictionary of any precision into a model.

    Raises
    ------
    ArtifactError
        If the file is missing, is not a state dictionary, or is one of another network.
    """
    try:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        # torch.load raises whatever the unpickler or the archive reader met.
        lines = str(error).splitlines() or [repr(error)]
        raise ArtifactError(f"{path} does not hold this model's weights: {lines[0]}") from error


class Detector:
    """A Mask R-CNN ready to look at pictures, on the graphics processor if there is one.

    Parameters
    ----------
    card
        What the model is.
    model
        With its weights. It is taken apart: the detector's own from now on.
    gpu
        Number of the graphics processor that is assigned to this worker; None for the first.
    require_gpu
        Whether to fail instead of working on the CPU.
    """

    def __init__(self, card: Card, model: MaskRCNN, gpu: int | None = None, *, require_gpu: bool = False) -> None:
        self.card = card
        self._network = Network(model, choose_hardware(gpu, require_gpu=require_gpu))

    @property
    def hardware(self) -> Hardware:
        """What the model runs on."""
        return self._network.hardware

    @classmethod
    def load(cls, model_dir: Path, gpu: int | None = None, *, require_gpu: bool = False) -> Detector:
        """Load the model of an unpacked artifact onto a graphics processor, or onto the CPU if CUDA can use none.

        Raises
        ------
        ArtifactError
            If its card or its weights are missing, damaged or do not fit each other.
        HardwareError
            If a graphics processor is required and CUDA can use none.
        """
        card = read_card(model_dir / CARD_FILE)
        weights = model_dir / WEIGHTS_FILE
        try:
            digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        except OSError as error:
            raise ArtifactError(f"{weights} cannot be read: {error.strerror}.") from error
        if digest != card.weights_sha256:
            raise ArtifactError(f"{weights} has SHA-256 {digest}, but the card says {card.weights_sha256}.")
        model = build(card.architecture)
        load_weights(model, weights)
        return cls(card, model, gpu, require_gpu=require_gpu)

    def warm_up(self) -> None:
        """Look at full batches once, so that the first video does not pay for the start of CUDA's libraries.

        Raises
        ------
        Exception
            Whatever keeps the model from working here: the worker must not become ready.
        """
        noise = np.random.default_rng(1).integers(0, _WHITE, (*_WARM_UP_SIZE, 3), dtype=np.uint8)
        self.detect([noise] * self.hardware.batch, 0.0, masks=True)

    def detect(
        self,
        pictures: Sequence[Rgb],
        score_threshold: float,
        *,
        masks: bool = False,
        max_side: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> list[list[Detection]]:
        """Find the objects in some pictures.

        Parameters
        ----------
        pictures
            RGB of shape (height, width, 3).
        score_threshold
            Objects with a lower score, 0..1, are left out.
        masks
            Whether each object's mask is wanted; they cost time.
        max_side
            Pixels that the longer side of a picture may have when the model looks at it, if less than its own limit.
        size
            (width, height) of the frame in whose pixels boxes and masks are given, if not in each picture's own.

        Returns
        -------
        list of list of Detection
            Of each picture, by falling score.

        Raises
        ------
        MemoryError, torch.OutOfMemoryError, RuntimeError
            If not even the pictures one by one fit into memory, or the graphics processor fails.
        """
        return [
            [
                Detection(label_id, label_of(label_id), score, box, mask)
                for label_id, score, box, mask in zip(
                    found.label_ids, found.scores, found.boxes, found.masks or repeat(None), strict=False
                )
            ]
            for found in self._find(pictures, score_threshold, masks=masks, max_side=max_side, size=size)
        ]

    def _find(
        self,
        pictures: Sequence[Rgb],
        score_threshold: float,
        *,
        masks: bool,
        max_side: int | None,
        size: tuple[int, int] | None,
    ) -> list[Found]:
        """Look at the pictures together or, if memory runs out, one by one."""
        find = partial(self._network.find, score_threshold=score_threshold, masks=masks, max_side=max_side, size=size)
        try:
            return find(pictures)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            _log.warning("Memory ran out with %d pictures at a time: one at a time now.", len(pictures), exc_info=error)
        # Not in the handler: the error's traceback holds the tensors of the batch.
        free_memory()
        return [found for picture in pictures for found in find([picture])]

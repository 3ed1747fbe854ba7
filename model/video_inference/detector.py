"""Loads the model of an artifact and detects objects in pictures."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.models.detection import MaskRCNN

from .architecture import ARCHITECTURES, Architecture, build
from .artifact_files import CARD_FILE, WEIGHTS_FILE
from .gpu_errors import free_memory, is_out_of_memory
from .hardware import Hardware, choose_hardware
from .network import Detection, Network
from .picture import Rgb

_WARM_UP_SIZE = (1080, 1920)
_WHITE = 255

_log = logging.getLogger(__name__)


class ArtifactError(Exception):
    """The unpacked artifact cannot be used: a file is missing or damaged, or the files do not fit each other."""


@dataclass(frozen=True)
class Card:
    """Description of an artifact's model.

    Attributes
    ----------
    name
        Display name.
    architecture
        Network that the weights belong to.
    weights_sha256
        SHA-256 of the weights file, in hexadecimal.
    notice
        Warning for everyone who sees the boxes; None if there is none.
    classes
        Labels of the trained classes by category id.
    """

    name: str
    architecture: Architecture
    weights_sha256: str
    notice: str | None
    classes: Mapping[int, str]


def read_card(path: Path) -> Card:
    """Read and check an artifact's card.

    Raises
    ------
    ArtifactError
        If the file is missing or is not a card.
    """
    try:
        fields: Any = json.loads(path.read_text("utf-8"))
        architecture = fields["architecture"]
        if architecture not in ARCHITECTURES:
            raise ValueError(f"architecture {architecture!r} is unknown: known are {', '.join(ARCHITECTURES)}")
        notice = fields["notice"]
        return Card(
            name=str(fields["name"]),
            architecture=architecture,
            weights_sha256=str(fields["weights_sha256"]),
            notice=None if notice is None else str(notice),
            classes={int(label_id): str(label) for label_id, label in fields["classes"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path} is not a model card: {error!r}. Build the artifact again.") from error


def load_weights(model: MaskRCNN, path: Path) -> None:
    """Load a state dictionary of any precision into a model.

    Raises
    ------
    ArtifactError
        If the file is missing, is not a state dictionary, or belongs to another network.
    """
    try:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        # torch.load raises any exception of the unpickler or the archive reader.
        lines = str(error).splitlines() or [repr(error)]
        reason = lines[0].rstrip(".:")
        raise ArtifactError(f"{path} does not hold this model's weights: {reason}. Build it again.") from error


class Detector:
    """A loaded Mask R-CNN, on a GPU if there is one.

    Parameters
    ----------
    card
        Description of the model.
    model
        The model with its weights. The detector modifies it.
    gpu
        Number of the GPU that is assigned to this worker; None for the first one.
    require_gpu
        True to fail instead of using the CPU.
    """

    def __init__(self, card: Card, model: MaskRCNN, gpu: int | None = None, *, require_gpu: bool = False) -> None:
        self.card = card
        self._network = Network(model, choose_hardware(gpu, require_gpu=require_gpu))

    @property
    def hardware(self) -> Hardware:
        """Device that the model runs on."""
        return self._network.hardware

    @classmethod
    def load(cls, model_dir: Path, gpu: int | None = None, *, require_gpu: bool = False) -> Detector:
        """Load the model of an unpacked artifact onto a GPU, or onto the CPU if CUDA cannot use any GPU.

        Raises
        ------
        ArtifactError
            If the card or the weights are missing, damaged or do not fit each other.
        HardwareError
            If a GPU is required and CUDA cannot use any.
        """
        card = read_card(model_dir / CARD_FILE)
        weights = model_dir / WEIGHTS_FILE
        try:
            digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        except OSError as error:
            raise ArtifactError(f"{weights} cannot be read: {error.strerror}.") from error
        if digest != card.weights_sha256:
            raise ArtifactError(
                f"{weights} has SHA-256 {digest}, but the card states {card.weights_sha256}. Build the artifact again."
            )
        model = build(card.architecture)
        load_weights(model, weights)
        return cls(card, model, gpu, require_gpu=require_gpu)

    def warm_up(self) -> None:
        """Run a full batch once, so that CUDA's libraries are loaded before the first video.

        Raises
        ------
        Exception
            If the model does not run on this device. The worker must not become ready.
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
        """Detect objects in all pictures as one batch or, if memory runs out, in one picture at a time.

        Parameters
        ----------
        pictures
            RGB arrays of shape (height, width, 3).
        score_threshold
            Minimum score of a detection, 0 to 1.
        masks
            True to compute a mask for each object, which takes more time.
        max_side
            Maximum length in pixels of a picture's longer side at the model's input, if lower than the model's limit.
        size
            (width, height) of the frame whose pixels are the unit of boxes and masks; None for each picture's pixels.

        Returns
        -------
        list of list of Detection
            Detections of each picture, in descending order of score.

        Raises
        ------
        MemoryError, torch.OutOfMemoryError, RuntimeError
            If not even a single picture fits into memory, or the GPU fails.
        """
        find = partial(self._network.find, score_threshold=score_threshold, masks=masks, max_side=max_side, size=size)
        try:
            return find(pictures)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            _log.warning("Memory ran out with a batch of %d: retrying one by one.", len(pictures), exc_info=error)
        # Outside the except block, because the error's traceback references the tensors of the batch.
        free_memory()
        return [found for picture in pictures for found in find([picture])]

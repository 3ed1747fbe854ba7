"""Tests of the scores of detectors, and of those in the small model's card."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import scenes
from scores import measure
from tests.conftest import MODULE
from video_inference.architecture import build
from video_inference.detector import load_weights

SUBSET = 40


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    card: dict[str, Any] = json.loads((MODULE / "weights" / "small.json").read_text("utf-8"))
    return card


def test_the_scores_on_a_subset_match_the_card(card: dict[str, Any]) -> None:
    model = build("maskrcnn_small")
    load_weights(model, MODULE / "weights" / "small.pt")
    documented = card["scores_on_unseen_scenes"]
    found: Any = measure(model.eval(), documented["seed"], SUBSET)
    # Tolerance for the mean over 40 scenes.
    for name in ("box_ap50", "mask_ap50", "box_ap", "mask_ap", "precision", "recall"):
        assert found[name] == pytest.approx(documented[name], abs=0.08), name


def test_the_scores_are_measured_on_unseen_scenes(card: dict[str, Any]) -> None:
    assert card["scores_on_unseen_scenes"]["seed"] != card["training"]["seed"]
    assert card["scores_on_unseen_scenes"]["scenes"] >= 200


def test_the_small_model_has_the_required_accuracy(card: dict[str, Any]) -> None:
    documented = card["scores_on_unseen_scenes"]
    assert documented["mask_ap50"] >= 0.85
    assert {
        label: scores["mask_ap"] for label, scores in documented["by_label"].items() if scores["mask_ap"] < 0.4
    } == {}
    assert (MODULE / "weights" / "small.pt").stat().st_size < 3_000_000


class Oracle(nn.Module):
    """Replaces the model by one that finds the true objects, each `times` times with falling scores."""

    def __init__(self, seed: int, times: int) -> None:
        super().__init__()
        self._truths = (scenes.scene(np.random.default_rng((seed, number)))[1] for number in range(SUBSET))
        self._times = times

    def forward(self, _pictures: list[Tensor]) -> list[dict[str, Tensor]]:
        truths = next(self._truths)
        found = [truth for truth in truths for _ in range(self._times)]
        return [
            {
                "labels": torch.tensor([truth.label_id for truth in found]),
                "boxes": torch.tensor([truth.box for truth in found]).reshape(-1, 4),
                "masks": torch.from_numpy(np.array([truth.mask for truth in found])[:, None].astype(np.float32)),
                "scores": torch.linspace(0.99, 0.6, self._times).repeat(len(truths)),
            }
        ]


NAMES = ("box_ap50", "mask_ap50", "box_ap", "mask_ap", "precision", "recall")


def test_a_model_that_finds_exactly_the_objects_has_full_scores() -> None:
    found: Any = measure(Oracle(3, times=1), 3, 4)
    assert {name: found[name] for name in NAMES} == dict.fromkeys(NAMES, 1)
    objects = sum(len(scenes.scene(np.random.default_rng((3, number)))[1]) for number in range(4))
    assert sum(label["objects"] for label in found["by_label"].values()) == objects


def test_an_object_that_is_found_twice_counts_once() -> None:
    found: Any = measure(Oracle(3, times=2), 3, 4)
    assert (found["precision"], found["recall"]) == (0.5, 1)


def test_the_objects_of_other_scenes_are_not_found() -> None:
    found: Any = measure(Oracle(4, times=1), 3, 4)
    assert max(found[name] for name in NAMES) < 0.2


def test_a_model_that_finds_nothing_has_scores_of_0() -> None:
    found: Any = measure(Oracle(3, times=0), 3, 4)
    assert {name: found[name] for name in NAMES} == dict.fromkeys(NAMES, 0)

"""Tests of the scores of detectors, and of those in the small model's card."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scores import average_precision, box_overlaps, mask_overlaps, match, measure
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


def test_overlaps_of_boxes_and_masks_agree() -> None:
    boxes = np.array([[0, 0, 4, 4], [2, 2, 6, 6], [8, 8, 9, 9]], dtype=np.float64)
    masks = np.zeros((3, 10, 10), dtype=bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int), strict=True):
        mask[y1:y2, x1:x2] = True
    assert np.allclose(box_overlaps(boxes, boxes), mask_overlaps(masks, masks))
    assert box_overlaps(boxes, boxes)[0, 1] == pytest.approx(4 / 28)


def test_an_object_matches_only_its_best_detection() -> None:
    matches = match(np.array([[0.8], [0.9], [0.4]]), np.array([0.6, 0.9, 0.95]), 0.5)
    assert [(one.score, one.correct) for one in matches] == [(0.95, False), (0.9, True), (0.6, False)]


@given(right=st.lists(st.booleans(), min_size=1, max_size=20), missed=st.integers(0, 5))
def test_average_precision_is_one_only_without_misses_and_false_positives(right: list[bool], missed: int) -> None:
    matches = match(np.diag([0.9 if one else 0.1 for one in right]), -np.arange(len(right), dtype=np.float64), 0.5)
    objects = sum(right) + missed
    precision = average_precision(matches, objects)
    assert 0 <= precision <= 1
    perfect = objects > 0 and missed == 0 and right == sorted(right, reverse=True)
    assert (precision == pytest.approx(1)) == perfect

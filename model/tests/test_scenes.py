"""Tests of generated scenes: reproducible, with correct ground truth."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

import sample
import scenes
from shapes import BALL, CAR, KINDS, random_appearance
from tests.conftest import MODULE
from video_inference.labels import LABELS
from video_inference.video import Video


def test_the_same_seed_gives_the_same_scene() -> None:
    (one, _), (same, _), (other, _) = (scenes.scene(np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


@pytest.mark.parametrize("seed", range(10))
def test_each_box_is_the_tightest_around_its_mask_and_masks_do_not_overlap(seed: int) -> None:
    image, truths = scenes.scene(np.random.default_rng(seed))
    seen = np.zeros((image.height, image.width), dtype=int)
    for truth in truths:
        rows, columns = np.nonzero(truth.mask)
        assert truth.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        seen += truth.mask
    assert seen.max(initial=0) <= 1


def test_a_hidden_object_is_not_in_the_ground_truth() -> None:
    appearance = random_appearance(CAR, np.random.default_rng(0))
    behind = scenes.PlacedObject(BALL, random_appearance(BALL, np.random.default_rng(0)), 60, 60, 20, 0)
    front = scenes.PlacedObject(CAR, appearance, 20, 30, 80, 0)
    street = scenes.background(256, 144, np.random.default_rng(0))
    assert [truth.label_id for truth in scenes.compose(street, [behind, front])[1]] == [CAR.label_id]


def test_the_kinds_have_cocos_ids_and_labels() -> None:
    assert {kind.label_id: kind.label for kind in KINDS}.items() <= LABELS.items()


def test_the_sample_video_in_the_repository_matches_its_generator() -> None:
    with Video((MODULE / "samples" / "street.mp4").read_bytes()) as video:
        for frame in video.frames():
            if frame.index % 60 == 0:
                drawn = scenes.compose(sample.backdrop(), sample.objects_at(float(frame.timestamp)))[0]
                assert np.abs(frame.rgb().astype(int) - np.asarray(drawn).astype(int)).mean() < 6


def test_the_card_matches_the_weights_in_the_repository() -> None:
    card = json.loads((MODULE / "weights" / "small.json").read_text("utf-8"))
    assert card["sha256"] == hashlib.sha256((MODULE / "weights" / "small.pt").read_bytes()).hexdigest()
    assert card["notice"] == "The model knows generated scenes only."

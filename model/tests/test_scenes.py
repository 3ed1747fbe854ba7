"""Generated scenes are the same from the same seed, and say truly what can be seen in them."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sample
import scenes
from scores import average_precision, box_overlaps, mask_overlaps, match
from shapes import BALL, CAR, KINDS, random_look
from tests.conftest import ROOM
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


def test_what_hides_behind_something_is_not_claimed_to_be_seen() -> None:
    look = random_look(CAR, np.random.default_rng(0))
    behind = scenes.Placed(BALL, random_look(BALL, np.random.default_rng(0)), 60, 60, 20, 0)
    front = scenes.Placed(CAR, look, 20, 30, 80, 0)
    street = scenes.background(256, 144, np.random.default_rng(0))
    assert [truth.label_id for truth in scenes.compose(street, [behind, front])[1]] == [CAR.label_id]


def test_the_kinds_have_cocos_ids_and_labels() -> None:
    assert {kind.label_id: kind.label for kind in KINDS}.items() <= LABELS.items()


def test_the_sample_video_in_the_repository_shows_what_its_generator_says() -> None:
    with Video((ROOM / "samples" / "street.mp4").read_bytes()) as video:
        for frame in video.frames():
            if frame.index % 60 == 0:
                drawn = scenes.compose(sample.scenery(), sample.things(float(frame.timestamp)))[0]
                assert np.abs(frame.rgb().astype(int) - np.asarray(drawn).astype(int)).mean() < 6


def test_the_card_is_that_of_the_weights_in_the_repository() -> None:
    card = json.loads((ROOM / "weights" / "small.json").read_text("utf-8"))
    assert card["sha256"] == hashlib.sha256((ROOM / "weights" / "small.pt").read_bytes()).hexdigest()
    assert card["notice"] == "The model knows generated scenes only."


def test_overlaps_of_boxes_and_masks_agree() -> None:
    boxes = np.array([[0, 0, 4, 4], [2, 2, 6, 6], [8, 8, 9, 9]], dtype=np.float64)
    masks = np.zeros((3, 10, 10), dtype=bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int), strict=True):
        mask[y1:y2, x1:x2] = True
    assert np.allclose(box_overlaps(boxes, boxes), mask_overlaps(masks, masks))
    assert box_overlaps(boxes, boxes)[0, 1] == pytest.approx(4 / 28)


def test_an_object_is_found_once_by_the_best_detection() -> None:
    judged = match(np.array([[0.8], [0.9], [0.4]]), np.array([0.6, 0.9, 0.95]))
    assert [(one.score, one.right) for one in judged] == [(0.95, False), (0.9, True), (0.6, False)]


@given(right=st.lists(st.booleans(), min_size=1, max_size=20), missed=st.integers(0, 5))
def test_average_precision_is_one_only_if_all_is_found_before_anything_wrong(right: list[bool], missed: int) -> None:
    judged = match(np.diag([0.9 if one else 0.1 for one in right]), -np.arange(len(right), dtype=np.float64))
    objects = sum(right) + missed
    precision = average_precision(judged, objects)
    assert 0 <= precision <= 1
    perfect = objects > 0 and missed == 0 and right == sorted(right, reverse=True)
    assert (precision == pytest.approx(1)) == perfect

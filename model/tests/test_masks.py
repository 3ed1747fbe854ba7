"""Tests of masks: COCO's encoding, untrusted counts, and positions as in torchvision."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.models.detection.roi_heads import paste_masks_in_image

from video_inference.mask_runs import Mask, RleMask, decode, encode
from video_inference.masks import paste


def reference_encode(mask: Mask) -> str:
    """Encode a mask number by number, as COCO's maskApi.c does."""
    counts: list[int] = []
    previous, length = False, 0
    for pixel in mask.ravel(order="F").tolist():
        if pixel != previous:
            counts.append(length)
            previous, length = pixel, 0
        length += 1
    counts.append(length)
    text = ""
    for index, count in enumerate(counts):
        number = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            group = number & 0x1F
            number >>= 5
            more = number != -1 if group & 0x10 else number != 0
            text += chr((group | 0x20 if more else group) + 48)
    return text


def test_small_masks_have_their_known_encoding() -> None:
    assert encode(np.zeros((3, 3), dtype=np.bool_)) == "9"
    assert encode(np.ones((2, 2), dtype=np.bool_)) == "04"
    # Runs down the columns: 1 off, 2 on, 1 off.
    assert encode(np.array([[0, 1], [1, 0]], dtype=np.bool_)) == "121"
    assert encode(np.zeros((5, 10), dtype=np.bool_)) == "b1"


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    seed = draw(st.integers(0, 10_000))
    grain = draw(st.integers(1, 12))
    coarse: npt.NDArray[np.bool_] = np.random.default_rng(seed).random((40, 40)) < draw(st.floats(0, 1))
    return np.kron(coarse, np.ones((grain, grain), dtype=np.bool_))[: height * grain, : width * grain]


@given(masks())
def test_masks_are_encoded_like_the_reference_and_decoded_again(mask: Mask) -> None:
    counts = encode(mask)
    assert counts == reference_encode(mask)
    height, width = mask.shape
    assert np.array_equal(decode(RleMask((3, 5), (height, width), counts), (height + 5, width + 3)), mask)


@pytest.mark.parametrize("counts", ["8", "55", "9P", "", "0:O"])
def test_counts_of_another_size_are_refused(counts: str) -> None:
    with pytest.raises(ValueError, match="3 x 3"):
        decode(RleMask((0, 0), (3, 3), counts), (3, 3))


@pytest.mark.parametrize(
    ("origin", "size"),
    [((0, 0), (4, 3)), ((0, 0), (3, 4)), ((1, 0), (3, 3)), ((0, 1), (3, 3)), ((-1, 0), (3, 3)), ((0, 0), (-1, -9))],
)
def test_masks_that_do_not_lie_within_the_picture_are_refused(origin: tuple[int, int], size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="does not lie within a picture of 3 x 3"):
        decode(RleMask(origin, size, encode(np.zeros((max(size[0], 0), max(size[1], 0)), dtype=np.bool_))), (3, 3))


@pytest.mark.parametrize(
    ("counts", "what"), [("0" * 300_000, "more runs than pixels"), ("o" * 300_000, "a number without an end")]
)
def test_too_long_counts_are_refused_before_they_are_decoded_completely(counts: str, what: str) -> None:
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(ValueError, match="3 x 3"):
            decode(RleMask((0, 0), (3, 3), counts), (3, 3))
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Memory for one copy of the counts. Decoding all numbers would need eight times as much, or minutes.
    assert used < 1.2 * len(counts), what
    assert time.process_time() - started < 1, what


@given(
    corners=st.lists(
        st.tuples(*[st.floats(0, 96, width=32)] * 2, *[st.floats(0, 64, width=32)] * 2), min_size=1, max_size=4
    ),
    seed=st.integers(0, 1000),
)
def test_a_part_lies_where_torchvision_pastes_it(corners: list[tuple[float, float, float, float]], seed: int) -> None:
    height, width = 64, 96
    boxes = torch.tensor([[min(a, b), min(c, d), max(a, b), max(c, d)] for a, b, c, d in corners])
    small = torch.rand((len(corners), 1, 28, 28), generator=torch.Generator().manual_seed(seed))
    whole = paste_masks_in_image(small, boxes, (height, width)) > 0.5
    for part, expected in zip(paste(small, boxes, (height, width)), whole, strict=True):
        (x, y), (rows, columns) = part.origin, part.size
        laid = np.zeros((height, width), dtype=np.bool_)
        laid[y : y + rows, x : x + columns] = decode(part, (height, width))
        assert np.array_equal(laid, expected[0].numpy())

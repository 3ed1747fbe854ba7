"""Tests that every invalid file is refused in one line, and that the next request is not affected."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

import inference
from tests.handler import Context
from videos.bad import BAD, Bad
from videos.times import regular
from videos.writer import write_numbered

SMOKE_FILE = Path(__file__).resolve().parent.parent / "samples" / "no-video.json"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_numbered(tmp_path_factory.mktemp("good") / "video.mp4", regular(10, 25))


@pytest.mark.parametrize("sample", BAD, ids=[sample.name for sample in BAD])
def test_a_bad_file_is_refused_in_one_line_and_the_next_good_one_is_served(
    model: inference.Model, tmp_path: Path, good: bytes, sample: Bad
) -> None:
    context = Context()
    answer, _ = inference.transform_fn(model, sample.write(tmp_path / sample.name), "video/mp4", "*/*", context)
    assert 400 <= context.status[0] < 500
    reason = json.loads(answer)["error"]
    assert len(reason.splitlines()) == 1
    assert "Traceback" not in reason
    assert str(tmp_path) not in reason
    assert re.search(sample.reason, reason, re.IGNORECASE), reason
    assert "prefetcher" not in [thread.name for thread in threading.enumerate()]

    context = Context()
    inference.transform_fn(model, good, "video/mp4", "*/*", context)
    assert context.status[0] == 200


def test_the_bad_file_of_the_smoke_test_is_refused_with_the_expected_reason(model: inference.Model) -> None:
    expected = json.loads(SMOKE_FILE.read_text("utf-8"))
    context = Context()
    answer, _ = inference.transform_fn(model, expected["content"].encode(), "video/mp4", "*/*", context)
    assert (context.status[0], json.loads(answer)["error"]) == (400, expected["reason"])

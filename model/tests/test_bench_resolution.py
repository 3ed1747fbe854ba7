"""Test of the measurement of working resolutions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import networks, resolution


def test_each_size_has_its_speed_and_accuracy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model_dir: Path
) -> None:
    monkeypatch.setattr(networks, "coco", lambda: networks.small(model_dir))
    assert resolution.main(["--runs", "1", "--step", "6"]) == 0
    measured = json.loads(capsys.readouterr().out)["rows"]
    assert [row["max_side"] for row in measured] == [1333, 1066, 800]
    assert [row["small_model_max_side"] for row in measured] == [256, 205, 154]
    assert measured[0]["speed_up"] == 1
    assert all(row["seconds_per_frame"] > 0 for row in measured)
    assert all(0.5 < row["small_model_recall"] <= 1 and 0.5 < row["small_model_precision"] <= 1 for row in measured)

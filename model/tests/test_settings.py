"""Tests of the settings of a worker: defaults and invalid values."""

from __future__ import annotations

from fractions import Fraction

import pytest

from video_inference.settings import SettingError, read_settings


def test_the_defaults_apply_without_variables() -> None:
    settings = read_settings({})
    assert settings.sample_fps == 1
    assert settings.score_threshold == 0.5
    assert settings.threads >= 1
    assert settings.max_pixels == 36_000_000
    assert settings.invocation_timeout is None
    assert not settings.require_gpu


@pytest.mark.parametrize(("value", "required"), [("0", False), ("1", True)])
def test_require_gpu_is_0_or_1(value: str, required: bool) -> None:
    assert read_settings({"REQUIRE_GPU": value}).require_gpu is required


def test_rates_are_exact() -> None:
    assert read_settings({"SAMPLE_FPS": "0.1"}).sample_fps == Fraction(1, 10)


def test_workers_share_the_cores() -> None:
    assert read_settings({"SAGEMAKER_MODEL_SERVER_WORKERS": "1000"}).threads == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAMPLE_FPS", "fast"),
        ("SAMPLE_FPS", "0"),
        ("SAMPLE_FPS", "-1"),
        ("SAMPLE_FPS", "1/0"),
        ("SAMPLE_FPS", "1001"),
        ("SCORE_THRESHOLD", "1.01"),
        ("SCORE_THRESHOLD", ""),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "0"),
        ("INVOCATION_TIMEOUT", "0"),
        ("INVOCATION_TIMEOUT", "3601"),
        ("INVOCATION_TIMEOUT", "1.5"),
        ("INVOCATION_TIMEOUT", ""),
        ("REQUIRE_GPU", "true"),
        ("REQUIRE_GPU", ""),
        ("MAX_PIXELS", "0"),
        ("MAX_PIXELS", "100.5"),
        ("MAX_PIXELS", "1e12"),
    ],
)
def test_an_invalid_value_is_refused_with_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        read_settings({name: value})

"""Tests of the options of a request: defaults, strict parsing, media types."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_inference.errors import NotAcceptableError, OptionError
from video_inference.options import Options, read_options
from video_inference.settings import read_settings

SETTINGS = read_settings({"SAMPLE_FPS": "0.5", "SCORE_THRESHOLD": "0.25"})


@pytest.mark.parametrize("attributes", [None, "", "  "])
@pytest.mark.parametrize("accept", [None, "", "*/*"])
def test_the_settings_of_the_worker_are_the_defaults(attributes: str | None, accept: str | None) -> None:
    assert read_options(attributes, accept, SETTINGS) == Options(Fraction(1, 2), 0.25)


def test_all_options_are_read() -> None:
    options = read_options("fps=2;score=0.5;masks=rle;max_side=1333;encoding=gzip;timeout=60", None, SETTINGS)
    assert options == Options(Fraction(2), 0.5, masks=True, max_side=1333, gzip=True, timeout=60)


@pytest.mark.parametrize(
    ("attributes", "environment", "limit"),
    [(None, {}, None), ("timeout=60", {}, 60), (None, {"INVOCATION_TIMEOUT": "900"}, 900)]
    + [(f"timeout={limit}", {"INVOCATION_TIMEOUT": "900"}, min(limit, 900)) for limit in (60, 3600)],
)
def test_the_lower_time_limit_of_caller_and_server_applies(
    attributes: str | None, environment: dict[str, str], limit: int | None
) -> None:
    assert read_options(attributes, None, read_settings(environment)).timeout == limit


def test_rates_are_exact() -> None:
    assert read_options("fps=29.97", None, SETTINGS).fps == Fraction(2997, 100)
    # JavaScript writes 0.1 + 0.2 like this.
    assert read_options("fps=0.30000000000000004", None, SETTINGS).fps > Fraction(3, 10)


@pytest.mark.parametrize(
    "attributes",
    [
        "fps",
        "fps=",
        "fps=0",
        "fps=-1",
        "fps=1001",
        "fps=1/2",
        "fps=1e999999999",
        "fps=nan",
        "fps=٣",
        "fps=1_0",
        "FPS=2",
        "fps=1;fps=1",
        "fps=1;",
        ";",
        "score=1.1",
        "score=high",
        "masks=yes",
        "max_side=63",
        "max_side=8193",
        "max_side=100.5",
        "encoding=br",
        "timeout=0",
        "timeout=3601",
        "timeout=1.5",
        "timeout=",
        "frames=2",
        "trace-id-1234",
        "fps=1,score=0.5",
        "line\nbreak=1",
        "x" * 1024,
    ],
)
def test_an_invalid_option_is_refused_in_one_line_that_lists_the_allowed_ones(attributes: str) -> None:
    with pytest.raises(OptionError) as refusal:
        read_options(attributes, None, SETTINGS)
    message = str(refusal.value)
    assert "\n" not in message
    assert "max_side=PIXELS (64 to 8192)" in message
    assert "timeout=SECONDS (whole, 1 to 3600)" in message
    assert len(message) < 450


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(attributes: str) -> None:
    with suppress(OptionError, NotAcceptableError):
        assert 0 < read_options(attributes, attributes, SETTINGS).fps <= 1000


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("APPLICATION/X-NDJSON", "application/x-ndjson"),
        ("application/*", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/json;q=0.5, application/x-ndjson", "application/x-ndjson"),
        ("application/json;q=0, application/*", "application/x-ndjson"),
        ("application/x-ndjson;q=0.3, */*;q=0.2", "application/x-ndjson"),
        ("application/gzip", "application/gzip"),
        ("application/x-ndjson, application/json", "application/json"),
    ],
)
def test_the_media_type_with_the_highest_quality_is_chosen(accept: str, content_type: str) -> None:
    assert read_options(None, accept, SETTINGS).content_type == content_type


@pytest.mark.parametrize("accept", ["text/csv", "video/*", "application/json;q=0", "json", "application/json;q=x"])
def test_a_media_type_that_is_not_offered_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptableError, match="accept one of application/json, application/x-ndjson"):
        read_options(None, accept, SETTINGS)


def test_encoding_overrides_the_compression_of_the_media_type() -> None:
    options = read_options("encoding=gzip", "application/x-ndjson", SETTINGS)
    assert (options.format, options.gzip, options.content_type) == ("ndjson", True, "application/gzip")
    assert not read_options("encoding=identity", "application/gzip", SETTINGS).gzip

"""Tests of request objects, which point to a video, and of the locations that they may point to."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from tests.conftest import MODULE
from video_inference.allowed_sources import AllowedSources, read_allowed_sources
from video_inference.errors import ForbiddenSourceError, RequestError, WrongTypeError
from video_inference.request import REQUEST_TYPE, is_request, read_request
from video_inference.settings import SettingError, read_settings

SCHEMA = json.loads((MODULE / "request.schema.json").read_text("utf-8"))
VALID: dict[str, Any] = {"video": "s3://videos/input/a b.mp4", "etag": '"0a1b"'}


def test_a_request_has_the_location_the_etag_and_the_options() -> None:
    request = read_request(json.dumps({**VALID, "options": {"fps": 0.5, "masks": "rle"}}).encode())
    assert (request.bucket, request.key, request.etag) == ("videos", "input/a b.mp4", '"0a1b"')
    assert request.attributes == "fps=0.5;masks=rle"
    assert request.location == VALID["video"]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"from": 0},
        {"to": None},
        {"from": 0.0, "to": None},
        {"from": 1},
        {"to": 300},
        {"from": 0.1, "to": 0.2},
        {"from": 10**9, "to": None},
        {"options": {}},
        {"video": "s3://videos/input/Screen Recording at 9.41.00\u202fAM.mov"},
        {"video": "s3://videos/input/a\u00a0b \u00e9\U0001f600.mp4"},
        {"etag": " ~"},
    ],
)
def test_the_schema_and_the_handler_accept_a_request(change: dict[str, Any]) -> None:
    value = {**VALID, **change}
    jsonschema.validate(value, SCHEMA)
    read_request(json.dumps(value).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"video": 1},
        {"video": "https://example.com/a.mp4"},
        {"video": "s3://videos"},
        {"video": "s3://videos/"},
        {"video": "s3://Videos/a.mp4"},
        {"video": "s3://videos/a\nb.mp4"},
        {"etag": ""},
        {"etag": None},
        {"etag": '"\u00e9"'},
        {"etag": "\x7f"},
        {"video": "s3://videos/a\x7fb.mp4"},
        {"etag": '"1"\r\nX-Header: 2'},
        {"from": -1},
        {"from": True},
        {"from": None},
        {"from": "0"},
        {"from": 10**9 + 1},
        {"to": -0.1},
        {"to": False},
        {"to": "end"},
        {"options": []},
        {"options": {"frames": 3}},
        {"options": {"fps": True}},
        {"options": {"masks": "rle;fps=9"}},
        {"callback": "https://example.com"},
    ],
)
def test_the_schema_and_the_handler_refuse_a_request(change: dict[str, Any]) -> None:
    value = {**VALID, **change}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, SCHEMA)
    with pytest.raises(RequestError):
        read_request(json.dumps(value).encode())


def test_a_key_with_half_of_a_surrogate_pair_is_refused() -> None:
    # A schema cannot tell it, because a pattern may see the halves of valid pairs.
    with pytest.raises(RequestError, match="not the s3:// URI"):
        read_request(rb'{"video": "s3://videos/a\ud800.mp4", "etag": "1"}')


def test_a_part_has_exactly_the_seconds_that_are_written() -> None:
    # As floats, 0.1 is more than a tenth.
    part = read_request(json.dumps({**VALID, "from": 0.1, "to": 300}).encode()).part
    assert (part.start, part.end) == (Fraction(1, 10), Fraction(300))
    assert list(part.numbers(Fraction(1, 30))) == list(range(1, 10))
    assert list(part.numbers(Fraction(10)))[:2] == [1, 2]
    assert read_request(json.dumps(VALID).encode()).part.is_whole


@pytest.mark.parametrize(
    "times", ['"from": 5, "to": 5', '"from": 5, "to": 4', '"to": 0', '"from": NaN', '"to": Infinity']
)
def test_a_part_without_an_end_after_its_start_is_refused(times: str) -> None:
    with pytest.raises(RequestError, match="from and to are seconds"):
        read_request(f'{{"video": "s3://videos/a.mp4", "etag": "1", {times}}}'.encode())


@pytest.mark.parametrize("name", ["video", "etag"])
def test_a_request_without_a_required_member_is_refused(name: str) -> None:
    value = {key: text for key, text in VALID.items() if key != name}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, SCHEMA)
    with pytest.raises(RequestError, match=name):
        read_request(json.dumps(value).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"video": "s3://videos/a.mp4", "video": "s3://videos/b.mp4", "etag": "1"}',
        b" " * 70_000,
    ],
)
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError):
        read_request(body)


@pytest.mark.parametrize("content_type", [REQUEST_TYPE, f"{REQUEST_TYPE}; charset=utf-8", REQUEST_TYPE.upper()])
def test_a_content_type_has_parameters_and_any_case(content_type: str) -> None:
    assert is_request(content_type, b"{}")


@pytest.mark.parametrize("content_type", ["video/mp4", None, "", "application/json", "application/octet-stream"])
def test_a_video_is_no_request(content_type: str | None) -> None:
    assert not is_request(content_type, b"\x00\x00\x00\x20ftyp")


@pytest.mark.parametrize("body", [b' {"video": 1}', '{"video": 1}', {"video": 1}])
def test_a_request_of_the_type_json_is_told_the_right_type(body: object) -> None:
    with pytest.raises(WrongTypeError, match=r"The content type of a request object is application/vnd\.async-video"):
        is_request("application/json; charset=utf-8", body)


ALLOWED = AllowedSources((("stack", "input/"), ("clips", "")))


@pytest.mark.parametrize(
    ("bucket", "key"), [("stack", "input/a.mp4"), ("clips", "a.mp4"), ("clips", "2030/jobs/a.mp4")]
)
def test_a_video_in_an_allowed_location_is_read(bucket: str, key: str) -> None:
    ALLOWED.check(bucket, key)


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("stack", "a.mp4"),
        ("stack", "models/model.tar.gz"),
        ("stack", "input/../models/model.tar.gz"),
        ("stack", "input/./a.mp4"),
        ("clips", "models/model.tar.gz"),
        ("clips", "jobs/video-1.json"),
        ("clips", "results/1.out"),
        ("clips", "failures/1.out"),
        ("clips2", "a.mp4"),
        ("other", "input/a.mp4"),
    ],
)
def test_any_other_object_is_not_read(bucket: str, key: str) -> None:
    with pytest.raises(ForbiddenSourceError, match="it reads videos below s3://stack/input/, s3://clips/"):
        ALLOWED.check(bucket, key)


def test_the_allowed_locations_are_a_setting() -> None:
    allowed = read_settings({"ALLOWED_SOURCES": "s3://stack/input/, s3://clips"}).allowed_sources
    assert allowed == ALLOWED
    assert read_settings({}).allowed_sources is None
    assert read_allowed_sources({"ALLOWED_SOURCES": " "}) is None


@pytest.mark.parametrize(
    "text", ["stack/input", "s3://", "s3://stack/input/,", "s3://stack/models/", "s3://out/results/x"]
)
def test_an_invalid_setting_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="ALLOWED_SOURCES has"):
        read_settings({"ALLOWED_SOURCES": text})

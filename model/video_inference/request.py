"""Parses a request that points to a video in S3 instead of containing it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from .errors import RequestError, WrongTypeError
from .options import NAMES
from .part import WHOLE, Part

REQUEST_TYPE = "application/vnd.async-video.request+json"
"""Media type of a request object. `application/json` is not one, because TorchServe parses such bodies itself."""

_JSON = "application/json"
_MAX_BYTES = 64 * 1024
_MAX_SECONDS = 1_000_000_000
_MEMBERS = ("video", "etag", "from", "to", "options")
# A key may have any other character, for example U+202F in the names of macOS. JSON can also state half of a surrogate
# pair, which cannot be sent.
_NO_LOCATION = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# An ETag is sent in a header, which a control character would end.
_ETAG = re.compile(r"[\x20-\x7e]+")
_LOCATION = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.{1,1024})", re.DOTALL)
_HELP = (
    'a request object is {"video": "s3://BUCKET/KEY", "etag": "ETAG", "from": 0, "to": null, "options": {"fps": 1}}; '
    "from, to and options may be left out; from and to are seconds, and to is greater than from or null"
)


@dataclass(frozen=True)
class VideoRequest:
    """A request that points to a video.

    Attributes
    ----------
    bucket, key
        Location of the video.
    etag
        ETag of the object, with its quotes. The object must still have it.
    attributes
        Options in the grammar of CustomAttributes; empty for none.
    part
        Part of the video.
    """

    bucket: str
    key: str
    etag: str
    attributes: str
    part: Part = WHOLE

    @property
    def location(self) -> str:
        """The s3:// URI of the video."""
        return f"s3://{self.bucket}/{self.key}"


def is_request(content_type: str | None, body: object) -> bool:
    """Tell whether a body is a request object, by its content type without parameters.

    Raises
    ------
    WrongTypeError
        If the body is a JSON object with the content type application/json.
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    # TorchServe parses a body of this type. A video of this type is still accepted.
    is_parsed = isinstance(body, dict | list)
    is_object = isinstance(body, bytes | bytearray | str) and body.lstrip()[:1] in (b"{", "{")
    if is_parsed or (media_type == _JSON and is_object):
        raise WrongTypeError(f"The content type of a request object is {REQUEST_TYPE}, not {_JSON}: {_HELP}.")
    return media_type == REQUEST_TYPE


def read_request(body: bytes | bytearray) -> VideoRequest:
    """Parse a request object.

    Raises
    ------
    RequestError
        If it is not JSON, or has a member that is missing, unknown or invalid.
    """
    if len(body) > _MAX_BYTES:
        raise RequestError(f"The request object has {len(body)} bytes: at most {_MAX_BYTES} are accepted.")
    try:
        value = json.loads(body, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError):
        raise RequestError(f"The request object is not JSON, or has a member twice: {_HELP}.") from None
    if not isinstance(value, dict) or not set(value) <= set(_MEMBERS):
        raise RequestError(f"The request object has another form: {_HELP}.")
    video, etag = _text(value, "video"), _text(value, "etag")
    location = _LOCATION.fullmatch(video)
    if location is None or _NO_LOCATION.search(video):
        raise RequestError(f"The request object's video is not the s3:// URI of an object: {_HELP}.")
    if not _ETAG.fullmatch(etag):
        raise RequestError(f"The request object's etag has characters that no ETag has: {_HELP}.")
    attributes = _attributes(value.get("options", {}))
    return VideoRequest(location[1], location[2], etag, attributes, _part(value))


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError(pairs)
    return members


def _text(value: Mapping[str, object], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text:
        raise RequestError(f"The request object's {name} is missing, or is no text: {_HELP}.")
    return text


def _part(value: Mapping[str, object]) -> Part:
    start, end = _seconds(value.get("from", 0)), value.get("to")
    part = Part(start, None if end is None else _seconds(end))
    if part.ends_by(start):
        raise RequestError(f"The request object's part ends before it starts: {_HELP}.")
    return part


def _seconds(value: object) -> Fraction:
    # JSON's true and false are numbers in Python, and Python reads NaN.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_SECONDS:
        raise RequestError(f"The request object's from or to is not a number from 0 to {_MAX_SECONDS}: {_HELP}.")
    # The decimal number as written, so that the end of one part and the start of the next are equal.
    return Fraction(str(value))


def _attributes(options: object) -> str:
    """Return the options in the grammar of CustomAttributes, whose reader checks their values."""
    if not isinstance(options, dict):
        raise RequestError(f"The request object's options are no object: {_HELP}.")
    parts: list[str] = []
    for name, value in options.items():
        is_plain = isinstance(value, int | float | str) and not isinstance(value, bool)
        if name not in NAMES or not is_plain or ";" in str(value):
            raise RequestError(f"The request object's options have an invalid member: allowed are {', '.join(NAMES)}.")
        parts.append(f"{name}={value}")
    return ";".join(parts)

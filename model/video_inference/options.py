"""Parses the options of a request: how to process the video, and the format of the result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeVar

from .errors import NotAcceptableError, OptionError
from .plan import Sampled
from .settings import MAX_FPS, MAX_TIMEOUT, Settings

T = TypeVar("T")
Format = Literal["json", "ndjson"]

JSON = "application/json"
NDJSON = "application/x-ndjson"
GZIP = "application/gzip"

NAMES = ("fps", "score", "sampling", "masks", "max_side", "encoding", "timeout")
"""Names of the options. `e2e/stack/model-options.e2e.ts` compares names and values with the client's."""

SAMPLINGS: Mapping[str, Sampled] = {"exact": "exact", "keyframe": "keyframe"}
MASKS: Mapping[str, bool] = {"none": False, "rle": True}
ENCODINGS: Mapping[str, bool] = {"identity": False, "gzip": True}
MEDIA_TYPES = (JSON, NDJSON, GZIP)

_MIN_SIDE, _MAX_SIDE = 64, 8192
_HELP = (
    f"allowed, each at most once, separated by semicolons: fps=NUMBER (above 0, at most {MAX_FPS}), "
    "score=NUMBER (0 to 1), sampling=exact or sampling=keyframe, masks=rle or masks=none, "
    f"max_side=PIXELS ({_MIN_SIDE} to {_MAX_SIDE}), encoding=gzip or encoding=identity "
    f"and timeout=SECONDS (whole, 1 to {MAX_TIMEOUT})"
)
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,18})?|\.[0-9]{1,18}")


@dataclass(frozen=True)
class Options:
    """Options of a request.

    Attributes
    ----------
    fps
        Sampled frames per second of video.
    score_threshold
        Minimum score of a detection.
    sampling
        True if a keyframe near a target time replaces the frame nearest to it.
    masks
        True if each detection has a mask.
    max_side
        Maximum length in pixels of a picture's longer side at the model's input, if lower than the model's limit.
    format
        One JSON document, or a line of JSON for each frame.
    gzip
        True if the answer is compressed.
    timeout
        Time limit of the invocation in seconds: the lower one of the caller's and the worker's. None for no limit.
    """

    fps: Fraction
    score_threshold: float
    sampling: Sampled = "exact"
    masks: bool = False
    max_side: int | None = None
    format: Format = "json"
    gzip: bool = False
    timeout: int | None = None

    @property
    def content_type(self) -> str:
        """Content type of the answer."""
        if self.gzip:
            return GZIP
        return NDJSON if self.format == "ndjson" else JSON


def read_options(attributes: str | None, accept: str | None, settings: Settings) -> Options:
    """Parse the options of a request.

    Parameters
    ----------
    attributes
        SageMaker's CustomAttributes, such as "fps=2;score=0.5;masks=rle;max_side=1333".
    accept
        Media types that the caller accepts, in the syntax of HTTP's Accept header; None for any.
    settings
        Settings of the worker, the defaults of the options.

    Raises
    ------
    OptionError
        If an option is unknown, repeated or invalid.
    NotAcceptableError
        If the handler offers none of the accepted media types.
    """
    chosen = _pairs(attributes or "")
    media_type = _media_type(accept)
    return Options(
        fps=_read(chosen, "fps", _number(Fraction, lambda fps: 0 < fps <= MAX_FPS), settings.sample_fps),
        score_threshold=_read(chosen, "score", _number(float, lambda score: score <= 1), settings.score_threshold),
        sampling=_read(chosen, "sampling", _one_of(SAMPLINGS), default=SAMPLINGS["exact"]),
        masks=_read(chosen, "masks", _one_of(MASKS), default=False),
        max_side=_read(chosen, "max_side", _whole(_MIN_SIDE, _MAX_SIDE), None),
        format="ndjson" if media_type == NDJSON else "json",
        gzip=_read(chosen, "encoding", _one_of(ENCODINGS), default=media_type == GZIP),
        timeout=_min_given(_read(chosen, "timeout", _whole(1, MAX_TIMEOUT), None), settings.invocation_timeout),
    )


def _pairs(attributes: str) -> dict[str, str]:
    chosen: dict[str, str] = {}
    if not attributes.strip():
        return chosen
    for part in attributes.split(";"):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in NAMES:
            raise OptionError(f"CustomAttributes: {_quoted(part)} is no option: {_HELP}.")
        if name in chosen:
            raise OptionError(f"CustomAttributes: {name} is given twice: {_HELP}.")
        chosen[name] = value
    return chosen


def _quoted(text: str) -> str:
    """Quote a caller's text in one short line of printable characters."""
    return ascii(text.strip()[:40])


def _read(chosen: dict[str, str], name: str, parse: Callable[[str], T], default: T) -> T:
    if name not in chosen:
        return default
    try:
        return parse(chosen[name])
    except ValueError:
        raise OptionError(f"CustomAttributes: {name} is {_quoted(chosen[name])}: {_HELP}.") from None


def _number(convert: Callable[[Fraction], T], is_allowed: Callable[[Fraction], bool]) -> Callable[[str], T]:
    def parse(text: str) -> T:
        # Fraction also accepts texts such as "1/0" and "1e999999999".
        if not _DECIMAL.fullmatch(text) or not is_allowed(Fraction(text)):
            raise ValueError(text)
        return convert(Fraction(text))

    return parse


def _whole(minimum: int, maximum: int) -> Callable[[str], int | None]:
    return _number(int, lambda number: number.denominator == 1 and minimum <= number <= maximum)


def _min_given(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _one_of(values: Mapping[str, T]) -> Callable[[str], T]:
    def parse(text: str) -> T:
        if text not in values:
            raise ValueError(text)
        return values[text]

    return parse


def _media_type(accept: str | None) -> str:
    """Choose the offered media type with the highest quality (RFC 9110, 12.5.1); among equals, the first one."""
    if accept is None or not accept.strip():
        return JSON
    qualities = [_quality(offered, accept) for offered in MEDIA_TYPES]
    best = max(qualities)
    if best <= 0:
        raise NotAcceptableError(f"Accept is {_quoted(accept)}: accept one of {', '.join(MEDIA_TYPES)}.")
    return MEDIA_TYPES[qualities.index(best)]


def _quality(offered: str, accept: str) -> float:
    """Return the quality of a media type, 0 to 1, from the most specific range that matches it."""
    found = (0, 0.0)
    for element in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in element.split(";"))
        kind = offered.partition("/")[0]
        specificity = {"*/*": 1, f"{kind}/*": 2, offered: 3}.get(media_range, 0)
        if specificity > found[0]:
            weights = [value.removeprefix("q=") for value in parameters if value.startswith("q=")]
            found = (specificity, _weight(weights[0]) if weights else 1.0)
    return found[1]


def _weight(text: str) -> float:
    return float(min(Fraction(1), Fraction(text))) if _DECIMAL.fullmatch(text) else 0.0

"""Prints the options of the handler, the accepted ones of some candidates, and a result in all formats, for tests.

Reads JSON from standard input: `candidates`, a list of CustomAttributes, and `result`, a document. Prints JSON.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any, get_args

from video_inference import options
from video_inference.errors import OptionError
from video_inference.result import Writer
from video_inference.settings import read_settings

_ENDING = ("truncated", "truncation", "damage", "timing")


def _is_taken(attributes: str) -> bool:
    try:
        options.read_options(attributes, None, read_settings({}))
    except OptionError:
        return False
    return True


def _written(document: dict[str, Any], form: options.Format, *, compressed: bool) -> str:
    writer = Writer(form, compressed=compressed)
    writer.begin({name: value for name, value in document.items() if name not in (*_ENDING, "frames")})
    for frame in document["frames"]:
        writer.add(frame)
    return base64.b64encode(writer.end({name: document[name] for name in _ENDING})).decode("ascii")


_given = json.load(sys.stdin)
json.dump(
    {
        "names": options.NAMES,
        "samplings": list(options.SAMPLINGS),
        "masks": list(options.MASKS),
        "encodings": list(options.ENCODINGS),
        "mediaTypes": options.MEDIA_TYPES,
        "taken": [_is_taken(candidate) for candidate in _given["candidates"]],
        "bodies": [
            _written(_given["result"], form, compressed=compressed)
            for form in get_args(options.Format)
            for compressed in (False, True)
        ],
    },
    sys.stdout,
)

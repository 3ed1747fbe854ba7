"""Decides which objects in S3 a request may point to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import ForbiddenSourceError

RESERVED = ("models/", "jobs/", "results/", "failures/")
"""Key prefixes of a stack's artifacts, job records, results and failures, which no request may read."""

_PREFIX = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)


@dataclass(frozen=True)
class AllowedSources:
    """Locations that requests may point to.

    Attributes
    ----------
    prefixes
        Buckets, each with the start of the keys; an empty start allows all keys except the reserved ones.
    """

    prefixes: tuple[tuple[str, str], ...]

    def check(self, bucket: str, key: str) -> None:
        """Check that a request may read an object.

        Raises
        ------
        ForbiddenSourceError
            If it may not.
        """
        # An HTTP client may resolve such parts of a key's path, so that it reads another object.
        is_plain = not any(part in {".", ".."} for part in key.split("/"))
        if is_plain and not key.startswith(RESERVED):
            for allowed, start in self.prefixes:
                if bucket == allowed and key.startswith(start):
                    return
        raise ForbiddenSourceError(
            f"This endpoint may not read s3://{bucket}/{ascii(key)[1:-1]}: it reads videos below {self}."
        )

    def __str__(self) -> str:
        return ", ".join(f"s3://{bucket}/{start}" for bucket, start in self.prefixes)


def read_allowed_sources(environment: Mapping[str, str]) -> AllowedSources | None:
    """Read ALLOWED_SOURCES: s3:// prefixes, separated by commas; None if requests must contain their videos.

    Raises
    ------
    ValueError
        If a prefix is invalid, or names objects that no request may read.
    """
    text = environment.get("ALLOWED_SOURCES", "").strip()
    if not text:
        return None
    prefixes: list[tuple[str, str]] = []
    for part in text.split(","):
        found = _PREFIX.fullmatch(part.strip())
        if found is None:
            raise ValueError(f"ALLOWED_SOURCES has {part.strip()!r}: set s3://BUCKET/PREFIX, separated by commas.")
        if (found[2] or "").startswith(RESERVED):
            raise ValueError(f"ALLOWED_SOURCES has {part.strip()!r}: no request may read {', '.join(RESERVED)}.")
        prefixes.append((found[1], found[2] or ""))
    return AllowedSources(tuple(prefixes))

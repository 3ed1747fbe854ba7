"""Error of an annotation."""

from __future__ import annotations


class AnnotateError(Exception):
    """The annotated files cannot be written. The message has the reason."""

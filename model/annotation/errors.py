"""The error that ends an annotation."""

from __future__ import annotations


class AnnotateError(Exception):
    """The annotated files cannot be made; the message says why."""

"""The error that ends packaging."""

from __future__ import annotations


class PackageError(Exception):
    """The artifact cannot be built; the message says why and what to do."""

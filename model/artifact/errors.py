"""The error that ends packaging."""

from __future__ import annotations


class PackageError(Exception):
    """The artifact cannot be built; the message says why and what to do."""


class UnreachableError(PackageError):
    """A published file cannot be downloaded: the server does not answer, or refuses. Exit status 3."""

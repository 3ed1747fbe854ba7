"""Errors of packaging."""

from __future__ import annotations


class PackageError(Exception):
    """The artifact cannot be built. The message has the reason and a remedy."""


class UnreachableError(PackageError):
    """A published file cannot be downloaded, because the server does not answer or refuses. Exit status 3."""

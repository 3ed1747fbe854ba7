"""Skips packing if an artifact's inputs are unchanged, because packing takes seconds."""

from __future__ import annotations

import hashlib
import json
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

from artifact import archive
from artifact.contents import MANIFEST_FILE
from artifact.errors import PackageError


def pack(entries: Mapping[str, bytes], out: Path) -> None:
    """Write the archive of `entries`, unless `out` already is that archive.

    The file `OUT.stamp` stores the hash of the inputs of `out` and the hash of `out`.

    Raises
    ------
    PackageError
        If the archive or its stamp cannot be written.
    """
    stamp = out.with_name(f"{out.name}.stamp")
    inputs = _hash_of_inputs(entries)
    if _read(stamp) == {"inputs": inputs, "sha256": _hash_of_file(out)}:
        return
    archive.write(entries, out)
    try:
        stamp.write_text(json.dumps({"inputs": inputs, "sha256": _hash_of_file(out)}), "utf-8")
    except OSError as error:
        raise PackageError(f"{stamp} cannot be written: {error.strerror}. Choose another path with --out.") from error


def _hash_of_inputs(entries: Mapping[str, bytes]) -> str:
    # The manifest has the hashes of all other entries. The bytes also depend on the packing code and on zlib.
    packer = Path(archive.__file__).read_bytes()
    versions = f"{sys.version}\n{zlib.ZLIB_RUNTIME_VERSION}\n".encode()
    return hashlib.sha256(versions + packer + entries[MANIFEST_FILE]).hexdigest()


def _hash_of_file(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _read(stamp: Path) -> object:
    """Read a stamp; None if it is missing or incomplete."""
    try:
        return json.loads(stamp.read_bytes())
    except (OSError, ValueError):
        return None

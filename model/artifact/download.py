"""Downloads published files and caches them. Checks the SHA-256 of every file, downloaded or cached."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.error import URLError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    UnknownHandler,
    getproxies,
)

from artifact.errors import PackageError, UnreachableError

CONNECT_SECONDS = 10.0
"""Time limit for the server's answer in seconds: name lookup, connections, redirects and headers together."""

STALL_SECONDS = 30.0
"""Time limit for the next bytes in seconds."""

DEADLINE_SECONDS = 1800.0
"""Time limit for the whole download in seconds: 178 MB at 0.1 MB/s."""

_CHUNK_BYTES = 1 << 20
_PROGRESS_SECONDS = 1.0


@dataclass(frozen=True)
class PublishedFile:
    """A file that is published at a fixed address and never changes.

    Attributes
    ----------
    url
        Address of the file, https only.
    sha256
        SHA-256 of the whole file, 64 lower-case hexadecimal digits.
    max_bytes
        Maximum size of a download in bytes, larger than the file.
    """

    url: str
    sha256: str
    max_bytes: int

    @property
    def name(self) -> str:
        """Name of the file: the last part of its address."""
        return self.url.rpartition("/")[2]


def fetch(file: PublishedFile, cache: Path) -> bytes:
    """Read a published file from the cache folder, or download it into that folder.

    Raises
    ------
    UnreachableError
        If the file cannot be downloaded.
    PackageError
        If the download does not have the expected SHA-256.
    """
    cached = cache / file.name
    data = _read_cached(file, cached)
    if data is None:
        data = _download(file)
        _write_cached(data, cached)
    return data


def has_expected_hash(data: bytes, file: PublishedFile) -> bool:
    """Tell whether data has the SHA-256 of a published file."""
    return hashlib.sha256(data).hexdigest() == file.sha256


def _read_cached(file: PublishedFile, cached: Path) -> bytes | None:
    try:
        data = cached.read_bytes()
    except OSError:
        return None
    if has_expected_hash(data, file):
        return data
    print(f"{cached} does not have the SHA-256 {file.sha256}: downloading it again.", file=sys.stderr)
    return None


def _download(file: PublishedFile) -> bytes:
    try:
        data = _body(file)
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise UnreachableError(f"{file.url} cannot be downloaded: {reason}.") from error
    if not has_expected_hash(data, file):
        raise PackageError(
            f"{file.url} has the SHA-256 {hashlib.sha256(data).hexdigest()} ({len(data)} bytes), but {file.sha256} "
            "is expected, so it is not used. The file was changed in transit or at its source."
        )
    return data


def _body(file: PublishedFile) -> bytes:
    """Download the body, with limits for its size and time. Print the progress to stderr, at most once a second."""
    started = reported = time.monotonic()
    received = bytearray()
    with _open(file.url) as response:
        total = "" if response.length is None else f" of {response.length / 1e6:.0f}"
        # read1 returns after any bytes arrive, so that a slow server does not delay the check of the deadline.
        while chunk := response.read1(_CHUNK_BYTES):
            received += chunk
            now = time.monotonic()
            if len(received) > file.max_bytes:
                raise ValueError(f"it has more than {file.max_bytes} bytes")
            if now - started > DEADLINE_SECONDS:
                raise TimeoutError(f"only {len(received)} bytes arrived in {DEADLINE_SECONDS:.0f} s")
            if now - reported >= _PROGRESS_SECONDS:
                reported = now
                print(f"{file.name}: {len(received) / 1e6:.0f}{total} MB downloaded", file=sys.stderr, flush=True)
    return bytes(received)


def _open(url: str) -> HTTPResponse:
    """Send a GET request, and return the answer with its body unread.

    Raises
    ------
    TimeoutError
        If there is no answer within `CONNECT_SECONDS`.
    """
    answers: SimpleQueue[HTTPResponse | Exception] = SimpleQueue()

    def request() -> None:
        try:
            answers.put(_https_opener().open(url, timeout=STALL_SECONDS))
        except Exception as error:
            answers.put(error)

    # In a thread, because a socket's timeout applies to each address and each read, and name lookup has no timeout.
    threading.Thread(target=request, daemon=True).start()
    try:
        answer = answers.get(timeout=CONNECT_SECONDS)
    except Empty:
        raise TimeoutError(f"the server did not answer within {CONNECT_SECONDS:.0f} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _https_opener() -> OpenerDirector:
    """Return an opener that supports only https, also for redirects."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler({scheme: proxy for scheme, proxy in getproxies().items() if scheme == "https"}),
        HTTPSHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
        UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _write_cached(data: bytes, cached: Path) -> None:
    """Write a file to the cache atomically. A failure is only reported."""
    temporary: Path | None = None
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cached.parent, prefix=f".{cached.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
        temporary.replace(cached)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        print(f"{cached} cannot be written, so the next run downloads it again: {error.strerror}.", file=sys.stderr)

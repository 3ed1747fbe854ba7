"""Reads a video from S3 in ranges, with read-ahead and a bounded cache."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor, wait
from importlib import import_module
from typing import Any

from .allowed_sources import AllowedSources
from .errors import ChangedVideoError, ClientError, EmptyBodyError, MissingVideoError, SourceError
from .request import VideoRequest
from .track_errors import LateError

BLOCK = 1 << 20
"""Size in bytes of a cached block. A gap that is smaller is read, because a new request takes longer."""

_MAX_AHEAD = 8
"""Maximum number of blocks of one request."""

_MAX_BLOCKS = 64
"""Maximum number of cached blocks."""

_TRIES = 5
_FIRST_PAUSE = 0.2
_TOTAL = re.compile(r"/([0-9]+)$")
_NOT_FOUND = {"NoSuchKey", "NoSuchBucket", "404"}
_CHANGED = {"PreconditionFailed", "412", "InvalidRange", "416"}
_FORBIDDEN = {"AccessDenied", "AllAccessDisabled", "PermanentRedirect", "403", "301"}


class _ShortAnswerError(Exception):
    """The body of an answer broke off."""


class Boto3Error(Exception):
    """The container has no boto3, although requests may point to videos."""


class SourceUnavailableError(Exception):
    """S3 does not answer, or with errors of the server, also after several tries."""


class S3:
    """Access to S3, with the credentials of the container's role: one for each worker.

    Parameters
    ----------
    allowed
        Locations that requests may point to.

    Raises
    ------
    Boto3Error
        If boto3 cannot be imported.
    """

    def __init__(self, allowed: AllowedSources) -> None:
        self.allowed = allowed
        try:
            boto3, config = import_module("boto3"), import_module("botocore.config")
        except ImportError as error:
            raise Boto3Error(
                f"ALLOWED_SOURCES is set, but boto3 cannot be imported ({error}): use an image with boto3, or leave "
                "the variable out, so that requests contain their videos."
            ) from error
        # The region and, on an emulator, the endpoint are those of AWS_DEFAULT_REGION and AWS_ENDPOINT_URL.
        self._client: Any = boto3.client(
            "s3",
            config=config.Config(
                connect_timeout=5,
                read_timeout=10,
                # `S3Source` tries again, because boto3 does not if a body breaks off.
                retries={"mode": "standard", "total_max_attempts": 1},
                max_pool_connections=4,
            ),
        )

    def open(self, request: VideoRequest, deadline: float | None = None) -> S3Source:
        """Open the video of a request. The caller closes it.

        Parameters
        ----------
        request
            The request.
        deadline
            Time of `time.monotonic` in seconds after which no failed read is tried again; None for no deadline.

        Raises
        ------
        ForbiddenSourceError, SourceError, EmptyBodyError, SourceUnavailableError
            If it may not, or cannot, be read.
        """
        self.allowed.check(request.bucket, request.key)
        return S3Source(self._client, request, deadline)


class S3Source:
    """A video in S3: a `Source`, and a context manager.

    Blocks are read in order of use. While a reader goes forward, the blocks that follow are read ahead, more at each
    step, by another thread.

    Parameters
    ----------
    client
        Client of boto3 for S3.
    request
        Location and ETag of the object.
    deadline
        Time of `time.monotonic` in seconds after which nothing more is read, and no failed read is tried again; None
        for no deadline.

    Raises
    ------
    SourceError, EmptyBodyError, SourceUnavailableError
        If it cannot be read.
    """

    def __init__(self, client: Any, request: VideoRequest, deadline: float | None = None) -> None:  # noqa: ANN401
        self._client = client
        self._deadline = float("inf") if deadline is None else deadline
        self._request = request
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._coming: dict[int, Future[None]] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        # The first block follows none, so that a reader that then jumps reads nothing ahead.
        self._last, self._ahead = -2, 1
        self._expected: range | None = None
        self.bytes_read = 0
        """Number of bytes that were received."""
        self.error: Exception | None = None
        """First error of a read. FFmpeg may take an error for the end of the file."""
        self.size = 0
        self._reader = ThreadPoolExecutor(1, "read-ahead")
        try:
            self._fetch(0, 1)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> S3Source:
        return self

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        """Close the source. After a failed read, raise its error instead of what a reader has made of it."""
        self.close()
        if self.error is not None and problem is not self.error:
            raise self.error

    def close(self) -> None:
        """Stop reading ahead, and free the cache."""
        self._closed.set()
        self._reader.shutdown(wait=True, cancel_futures=True)
        self._blocks.clear()

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on; fewer at the end.

        Raises
        ------
        SourceError, SourceUnavailableError
            If they cannot be read.
        LateError
            If the deadline has passed. FFmpeg may read for a long time in one call, for example while it seeks.
        """
        end = min(start + length, self.size)
        pieces: list[bytes] = []
        while start < end:
            number, offset = divmod(start, BLOCK)
            piece = self._block(number)[offset : offset + end - start]
            pieces.append(piece)
            start += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def expect(self, start: int, stop: int) -> None:
        """Note that only bytes from `start` to before `stop` will be read in order from now on."""
        self._expected = range(start // BLOCK, -(-stop // BLOCK))

    def _block(self, number: int) -> bytes:
        if self.error is not None:
            raise self.error
        if time.monotonic() >= self._deadline:
            raise LateError
        if number != self._last:
            # A reader that skips less than a block still goes forward.
            self._ahead = min(2 * self._ahead, _MAX_AHEAD) if number == self._last + 1 else 1
            if self._expected is not None:
                self._ahead = _MAX_AHEAD if number in self._expected else 1
            self._last = number
        try:
            while not isinstance(block := self._look_up(number), bytes):
                if block is None:
                    self._fetch(number, 1)
                else:
                    self._wait_for(block)
            if self._ahead > 1:
                self._read_ahead(number + 1)
        except (ClientError, SourceUnavailableError) as error:
            self.error = error
            raise
        return block

    def _wait_for(self, read: Future[None]) -> None:
        seconds = None if self._deadline == float("inf") else max(0.0, self._deadline - time.monotonic())
        if not wait([read], seconds).done:
            raise LateError
        read.result()

    def _look_up(self, number: int) -> bytes | Future[None] | None:
        """Return a block from the cache, or the read that will bring it; None if there is neither."""
        with self._lock:
            block = self._blocks.get(number)
            if block is None:
                return self._coming.get(number)
            self._blocks.move_to_end(number)
            return block

    def _read_ahead(self, first: int) -> None:
        """Start to read the blocks from `first` on that are neither cached nor on their way."""
        with self._lock:
            # One request at a time: the next one starts when the reader uses the blocks of this one.
            stop = -(-self.size // BLOCK) if self._expected is None else self._expected.stop
            if self._coming or first in self._blocks or first >= stop:
                return
            numbers = range(first, min(first + self._ahead, stop))
            future = self._reader.submit(self._fetch, first, len(numbers))
            self._coming.update(dict.fromkeys(numbers, future))
        future.add_done_callback(lambda _: self._forget(numbers))

    def _forget(self, numbers: range) -> None:
        with self._lock:
            for number in numbers:
                self._coming.pop(number, None)

    def _fetch(self, first: int, count: int) -> None:
        """Read blocks with one request, and put them into the cache."""
        start = first * BLOCK
        data = self._received(start, start + count * BLOCK)
        with self._lock:
            self.bytes_read += len(data)
            for offset in range(0, len(data), BLOCK):
                self._blocks[first + offset // BLOCK] = data[offset : offset + BLOCK]
            while len(self._blocks) > _MAX_BLOCKS:
                self._blocks.popitem(last=False)

    def _received(self, start: int, end: int) -> bytes:
        """Receive a range of bytes; a broken answer is requested again."""
        exceptions = import_module("botocore.exceptions")
        problem: Exception | None = None
        for attempt in range(_TRIES):
            if attempt:
                pause = _FIRST_PAUSE * 2**attempt * (0.5 + random.random() / 2)  # noqa: S311 (no secret)
                # A pause ends when the source is closed.
                if time.monotonic() + pause > self._deadline or self._closed.wait(pause):
                    break
            try:
                return self._requested(start, end)
            except exceptions.ClientError as error:
                self._raise_refusal(error)
                problem = error
            except (exceptions.BotoCoreError, exceptions.HTTPClientError, OSError, _ShortAnswerError) as error:
                problem = error
        raise SourceUnavailableError(f"{self._request.location} cannot be read: {problem}") from problem

    def _requested(self, start: int, end: int) -> bytes:
        answer = self._client.get_object(
            Bucket=self._request.bucket,
            Key=self._request.key,
            IfMatch=self._request.etag,
            Range=f"bytes={start}-{end - 1}",
        )
        total = _TOTAL.search(answer.get("ContentRange", ""))
        size = int(total[1]) if total is not None else start + int(answer["ContentLength"])
        body = answer["Body"]
        try:
            data = bytes(body.read())
        finally:
            body.close()
        if len(data) != min(end, size) - start:
            raise _ShortAnswerError(f"{len(data)} of {min(end, size) - start} bytes arrived")
        self.size = size
        return data

    def _raise_refusal(self, error: Any) -> None:  # noqa: ANN401 (boto3 has no types)
        """Raise the caller's error for a refusal of S3; return for an error of the server."""
        code = str(error.response.get("Error", {}).get("Code", ""))
        location = ascii(self._request.location)[1:-1]
        if code in _NOT_FOUND:
            raise MissingVideoError(f"There is no object {location}: check the location.") from error
        if code in _FORBIDDEN:
            raise SourceError(
                f"The endpoint's role may not read {location} ({code}): check its policy, the bucket's and the key's."
            ) from error
        if code in _CHANGED and self.size == 0 and code in {"InvalidRange", "416"}:
            raise EmptyBodyError(f"The object {location} is empty: send a video.") from error
        if code in _CHANGED:
            raise ChangedVideoError(
                f"The object {location} does not have the ETag {self._request.etag!a}: "
                "it was changed or replaced. Submit the video again."
            ) from error

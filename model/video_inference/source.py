"""A video that is read in parts, and a seekable file over it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Source(Protocol):
    """Content of a video that is not in memory. It does not change while it is read."""

    @property
    def size(self) -> int:
        """Number of bytes; at least 1."""

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on; fewer at the end.

        Raises
        ------
        SourceError, SourceUnavailableError
            If they cannot be read.
        """

    def expect(self, start: int, stop: int) -> None:
        """Note that only bytes from `start` to before `stop` will be read in order from now on."""


class SourceBytes:
    """The bytes of a source, which are read when they are sliced, as those of a `memoryview`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __len__(self) -> int:
        return self._source.size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._source.size)
        return self._source.read(start, max(0, stop - start))


class SourceFile(io.RawIOBase):
    """A file that reads from a source. Closing it leaves the source open, which may have several files.

    Parameters
    ----------
    source
        The source.
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.view = SourceBytes(source)
        """The content as bytes."""
        self.blank: Sequence[tuple[int, int]] = ()
        """Spans of bytes, from the first to before the last, that are read as zeros and not from the source."""
        self.before_read: Callable[[int], None] = lambda _stop: None
        """Called with the end of each read before it. May raise an error instead."""
        self._source = source
        self._position = 0

    def expect(self, start: int, stop: int) -> None:
        """Note that only bytes from `start` to before `stop` will be read in order from now on."""
        self._source.expect(start, stop)

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: the position can be set."""
        return True

    def readinto(self, target: WriteableBuffer) -> int:
        """Copy bytes from the current position; fewer than requested at the end of the source."""
        into = memoryview(target).cast("B")
        self.before_read(self._position + len(into))
        length = min(self._length_of_blank(), len(into))
        piece = bytes(length) if length else self._source.read(self._position, len(into))
        into[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _length_of_blank(self) -> int:
        """Return the number of bytes from the current position to the end of the blank span that it lies in."""
        return next((stop - self._position for start, stop in self.blank if start <= self._position < stop), 0)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position, in bytes from the start, the current position or the end."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}[whence]
        self._position = max(0, origin + offset)
        return self._position

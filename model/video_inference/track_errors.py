"""Defines the errors of reading and decoding packets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import av

from .opening import reason_of


class BrokenVideoError(Exception):
    """The container cannot be read any further. The message is FFmpeg's reason, without a full stop."""


class LateError(Exception):
    """The deadline has passed."""


class BrokenPacketError(Exception):
    """A packet cannot be decoded. The message is FFmpeg's reason, without a full stop."""


@contextmanager
def reading() -> Iterator[None]:
    """Convert PyAV's errors of reading packets to BrokenVideoError.

    Raises
    ------
    BrokenVideoError
        If PyAV raises another error than that of the end.
    """
    try:
        yield
    except IndexError:
        # PyAV 18.1 raises IndexError after the last packet if a track begins midway (`InputContainer.demux`).
        return
    except (av.FFmpegError, ValueError) as error:
        raise BrokenVideoError(reason_of(error)) from error

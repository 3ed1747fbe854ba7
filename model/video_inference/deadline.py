"""Computes when a worker must have answered: no header of a request states it."""

from __future__ import annotations

_MEBIBYTE = 1024 * 1024

# Measured with TorchServe 0.12.0 on two busy cores: 64 MiB 4.2 s, 128 MiB 9.3 s, 256 MiB 15.5 s, 512 MiB 93 s, two of
# 1,024 MiB at a time 366 s. It copies all that it has at every 8 MiB that arrive, so large bodies cost their square.
_MEBIBYTES_PER_SECOND = 13.5
_MEBIBYTES_PER_ROOT_SECOND = 53.0

_MIN_SECONDS = 1.0
_MIN_MARGIN_SECONDS = 10.0
_MARGIN_SHARE = 0.1
_MAX_MARGIN_SHARE = 0.5


def receiving_seconds(body_bytes: int) -> float:
    """Estimate how long the server took to receive a body, in seconds: the caller's clock started before that."""
    mebibytes = body_bytes / _MEBIBYTE
    return max(mebibytes / _MEBIBYTES_PER_SECOND, (mebibytes / _MEBIBYTES_PER_ROOT_SECOND) ** 2)


def seconds_to_answer(limit: int, body_bytes: int) -> float:
    """Compute how many seconds a worker has from when it has received a body.

    Parameters
    ----------
    limit
        Seconds that the invocation may take in all.
    body_bytes
        Size of the request's body.

    Returns
    -------
    float
        The limit less the estimate for receiving the body and less a margin for writing and returning the answer;
        at least one second.
    """
    margin = min(max(_MIN_MARGIN_SECONDS, _MARGIN_SHARE * limit), _MAX_MARGIN_SHARE * limit)
    return max(_MIN_SECONDS, limit - receiving_seconds(body_bytes) - margin)

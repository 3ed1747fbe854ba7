"""Computes the deadline for the answer of a worker, because no request header states it."""

from __future__ import annotations

_MEBIBYTE = 1024 * 1024

# Measured with TorchServe 0.12.0 on two busy cores: 64 MiB 4.2 s, 128 MiB 9.3 s, 256 MiB 15.5 s, 512 MiB 93 s, two
# concurrent bodies of 1,024 MiB 366 s. TorchServe copies everything received so far whenever another 8 MiB arrive, so
# the time for large bodies grows with the square of their size.
_MEBIBYTES_PER_SECOND = 13.5
_MEBIBYTES_PER_ROOT_SECOND = 53.0

_MIN_SECONDS = 1.0
_MIN_MARGIN_SECONDS = 10.0
_MARGIN_SHARE = 0.1
_MAX_MARGIN_SHARE = 0.5


def receiving_seconds(body_bytes: int) -> float:
    """Estimate the seconds that the server took to receive a body. The caller's time limit includes them."""
    mebibytes = body_bytes / _MEBIBYTE
    return max(mebibytes / _MEBIBYTES_PER_SECOND, (mebibytes / _MEBIBYTES_PER_ROOT_SECOND) ** 2)


def seconds_to_answer(limit: int, body_bytes: int) -> float:
    """Compute how many seconds a worker has after it has received the body.

    Parameters
    ----------
    limit
        Time limit of the invocation in seconds.
    body_bytes
        Size of the request's body in bytes.

    Returns
    -------
    float
        The limit minus the estimate for receiving the body, minus a margin for writing and returning the answer. At
        least one second.
    """
    margin = min(max(_MIN_MARGIN_SECONDS, _MARGIN_SHARE * limit), _MAX_MARGIN_SHARE * limit)
    return max(_MIN_SECONDS, limit - receiving_seconds(body_bytes) - margin)

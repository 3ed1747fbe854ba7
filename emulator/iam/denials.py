"""Denials of the emulated IAM: the last ones in memory, and all of them in the log."""

from __future__ import annotations

import logging
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decisions import Decision

logger = logging.getLogger("iam")

# Denials that are kept for /_local/denials.
KEPT = 200

_denials: deque[dict[str, Any]] = deque(maxlen=KEPT)


def record(decision: Decision) -> None:
    """Record a denial; an allowed call is not recorded."""
    if decision.allowed:
        return
    denial = {
        # Real time: the stack's clock is the gateway's.
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "action": decision.action,
        "principal": decision.principal,
        "resource": decision.resource,
        "policy": decision.policy,
        "sid": decision.sid,
        "message": decision.message,
    }
    _denials.append(denial)
    shown = ", ".join(f"{name} {denial[name] or '-'}" for name in ("principal", "resource", "policy", "sid"))
    logger.warning("IAM denied %s: %s", decision.action, shown)


def recent() -> list[dict[str, Any]]:
    """Return the last denials, oldest first."""
    return list(_denials)

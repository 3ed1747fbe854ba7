"""Types of ASGI applications, and of MiniStack's responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# Status, headers and body.
Response = tuple[int, dict[str, str], bytes]

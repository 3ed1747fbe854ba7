"""Runs MiniStack on a Unix socket with the emulator's enforcement of IAM: launcher.py SOCKET.

Environment: MiniStack's settings with AUTH=true; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the administrator's key
pair; LAUNCHER_TOKEN, the bearer token of the launcher's own interface.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import enforcement
import launcher_api
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

if TYPE_CHECKING:
    from asgi import Receive, Scope, Send


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the launcher's own paths, and MiniStack's."""
    if scope["type"] == "http":
        if scope["path"] in launcher_api.paths:
            await launcher_api.serve(scope, receive, send)
            return
        if not enforcement.begin(scope):
            await launcher_api.refuse_token(send)
            return
    await app(scope, receive, send)


def main(socket: str) -> None:
    """Serve until SIGTERM."""
    enforcement.install()
    config = Config()
    config.bind = [f"unix:{socket}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    asyncio.run(serve(application, config))


if __name__ == "__main__":
    main(sys.argv[1])

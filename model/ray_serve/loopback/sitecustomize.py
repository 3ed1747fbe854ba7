"""Binds the ports of Ray Serve's replicas to the loopback interface in tests, because Ray has no setting for that.

Python imports a module of this name in every process that has its folder on the path.
"""

from __future__ import annotations

from grpc.aio._server import Server

_add_insecure_port = Server.add_insecure_port


def _add_loopback_port(server: Server, address: str) -> int:
    port: int = _add_insecure_port(server, address.replace("[::]", "127.0.0.1"))
    return port


Server.add_insecure_port = _add_loopback_port

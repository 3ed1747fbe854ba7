"""Keeps Ray Serve's replicas off the network in tests: each opens a port on all addresses, and no setting prevents it.

Python imports this module by itself in every process that has its folder on the path.
"""

from __future__ import annotations

from grpc.aio._server import Server

_add_insecure_port = Server.add_insecure_port


def _add_loopback_port(server: Server, address: str) -> int:
    port: int = _add_insecure_port(server, address.replace("[::]", "127.0.0.1"))
    return port


Server.add_insecure_port = _add_loopback_port

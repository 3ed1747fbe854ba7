"""Local S3 for tests: objects in memory, with ranges, ETags and faults."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass
class FakeS3:
    """A running server.

    Attributes
    ----------
    url
        Address.
    objects
        Content by bucket/key.
    ranges
        First and last byte of each request that was answered, in order.
    paths
        Path of every request, as it was sent.
    faults
        Answers of the next requests: a status with S3's code, "break" to break off in the middle of the body, or None
        for none. Each is used once.
    """

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    faults: list[tuple[int, str] | str | None] = field(default_factory=list)

    def etag(self, name: str) -> str:
        """Return the ETag of an object."""
        return etag_of(self.objects[name])


def etag_of(content: bytes) -> str:
    """Return the ETag that S3 gives an object without a KMS key."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


@contextmanager
def serve_s3() -> Iterator[FakeS3]:
    """Serve objects on a free port."""
    fake = FakeS3()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            fake.paths.append(self.path)
            fault = fake.faults.pop(0) if fake.faults else None
            content = fake.objects.get(unquote(self.path.partition("?")[0]).lstrip("/"))
            if isinstance(fault, tuple):
                self._refuse(*fault)
            elif content is None:
                self._refuse(404, "NoSuchKey")
            elif self.headers["If-Match"] != etag_of(content):
                self._refuse(412, "PreconditionFailed")
            else:
                self._send(content, breaks=fault == "break")

        def _send(self, content: bytes, *, breaks: bool) -> None:
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
            assert found is not None
            start, last = int(found[1]), min(int(found[2]), len(content) - 1)
            if start >= len(content):
                self._refuse(416, "InvalidRange")
                return
            fake.ranges.append((start, last))
            data = content[start : last + 1]
            self.send_response(206)
            self.send_header("ETag", etag_of(content))
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if breaks else data)
            self.close_connection = self.close_connection or breaks

        def _refuse(self, status: int, code: str) -> None:
            body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""Tests of downloads: only the complete published file is used, over https, within time limits."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from artifact import download
from artifact.download import PublishedFile, fetch
from artifact.errors import PackageError, UnreachableError
from tests.https_server import make_certificate, redirect, send, serve, trust

CONTENT = b"published" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(autouse=True)
def _trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    trust(certificate[0], monkeypatch)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


class Server:
    """Server of a file that counts its requests."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.requests = 0
        self.url = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests += 1
        send(handler, self.body)

    @property
    def file(self) -> PublishedFile:
        return PublishedFile(url=f"{self.url}/model.pth", sha256=SHA256, max_bytes=len(CONTENT) + 1)


@pytest.fixture
def server(certificate: tuple[Path, Path]) -> Iterator[Server]:
    made = Server(CONTENT)
    with serve(made.answer, certificate) as made.url:
        yield made


def test_a_published_file_is_downloaded_once_and_cached(server: Server, cache: Path) -> None:
    assert fetch(server.file, cache) == CONTENT
    assert fetch(server.file, cache) == CONTENT
    assert server.requests == 1
    assert [path.name for path in cache.iterdir()] == ["model.pth"]


def test_a_file_with_only_the_first_digits_of_the_hash_is_refused_and_not_cached(server: Server, cache: Path) -> None:
    actual = hashlib.sha256(CONTENT).hexdigest()
    expected = actual[:63] + ("0" if actual[63] != "0" else "1")
    file = PublishedFile(url=server.file.url, sha256=expected, max_bytes=1 << 20)
    with pytest.raises(PackageError) as refusal:
        fetch(file, cache)
    assert f"has the SHA-256 {actual} (9000 bytes), but {expected} is expected" in str(refusal.value)
    assert not cache.exists()


def test_a_changed_cached_file_is_downloaded_again(
    server: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.mkdir()
    (cache / "model.pth").write_bytes(b"planted")
    assert fetch(server.file, cache) == CONTENT
    assert (cache / "model.pth").read_bytes() == CONTENT
    assert f"does not have the SHA-256 {SHA256}" in capsys.readouterr().err


def test_a_changed_cached_file_is_not_used_without_a_server(cache: Path) -> None:
    cache.mkdir()
    (cache / "model.pth").write_bytes(b"planted")
    # No server listens on port 9 (discard).
    file = PublishedFile(url="https://127.0.0.1:9/model.pth", sha256=SHA256, max_bytes=1)
    with pytest.raises(UnreachableError, match=r"model\.pth cannot be downloaded: "):
        fetch(file, cache)


def test_plain_http_is_refused(cache: Path) -> None:
    made = Server(CONTENT)
    with serve(made.answer) as made.url, pytest.raises(PackageError, match="unknown url type: http"):
        fetch(made.file, cache)
    assert made.requests == 0


def test_a_redirect_to_plain_http_is_not_followed(certificate: tuple[Path, Path], cache: Path) -> None:
    plain = Server(CONTENT)
    with serve(plain.answer) as plain.url:
        elsewhere = plain.file.url
        with serve(lambda handler: redirect(handler, elsewhere), certificate) as url:
            file = PublishedFile(url=f"{url}/model.pth", sha256=SHA256, max_bytes=1 << 20)
            with pytest.raises(PackageError, match="unknown url type: http"):
                fetch(file, cache)
    assert plain.requests == 0


def test_a_server_with_an_untrusted_certificate_is_refused(
    server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, _ = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    with pytest.raises(PackageError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(server.file, cache)
    assert server.requests == 0


def test_an_endless_body_is_cut_off(certificate: tuple[Path, Path], cache: Path) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(CONTENT)
        except OSError:
            handler.close_connection = True

    with serve(endless, certificate) as url:
        file = PublishedFile(url=f"{url}/model.pth", sha256=SHA256, max_bytes=50_000)
        with pytest.raises(PackageError, match="it has more than 50000 bytes"):
            fetch(file, cache)


def test_a_slow_body_ends_at_the_deadline(
    certificate: tuple[Path, Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b".")
                time.sleep(0.02)
        except OSError:
            handler.close_connection = True

    monkeypatch.setattr(download, "DEADLINE_SECONDS", 0.5)
    with serve(trickle, certificate) as url:
        file = PublishedFile(url=f"{url}/model.pth", sha256=SHA256, max_bytes=1 << 20)
        with pytest.raises(PackageError, match=r"bytes arrived in 0 s|bytes arrived in 1 s"):
            fetch(file, cache)


def test_a_stalled_server_ends_the_download(
    certificate: tuple[Path, Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.3)

    def silent(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.flush()
        time.sleep(1)

    with serve(silent, certificate) as url:
        file = PublishedFile(url=f"{url}/model.pth", sha256=SHA256, max_bytes=1 << 20)
        with pytest.raises(PackageError, match="timed out"):
            fetch(file, cache)


def test_a_server_without_an_answer_is_given_up_after_ten_seconds(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert download.CONNECT_SECONDS == 10
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.3)
    # The server never accepts the connection, so that neither TLS nor HTTP begin.
    with socket.create_server(("127.0.0.1", 0)) as server:
        file = PublishedFile(f"https://127.0.0.1:{server.getsockname()[1]}/model.pth", SHA256, 1)
        started = time.monotonic()
        with pytest.raises(UnreachableError, match=r"model\.pth cannot .*: the server did not answer within"):
            fetch(file, cache)
        assert time.monotonic() - started < 5


def test_a_slow_name_lookup_is_given_up(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(3))
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="the server did not answer within"):
        fetch(PublishedFile("https://weights.invalid/model.pth", SHA256, 1), cache)
    assert time.monotonic() - started < 2


def test_progress_is_printed_during_the_download(
    server: Server, cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_PROGRESS_SECONDS", 0.0)
    fetch(server.file, cache)
    assert capsys.readouterr().err.startswith("model.pth: 0 of 0 MB downloaded")


def test_a_cache_that_cannot_be_written_only_causes_another_download(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert fetch(server.file, tmp_path / "file" / "cache") == CONTENT
    assert "the next run downloads it again" in capsys.readouterr().err

"""Tests of reading a video from S3 in ranges."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.s3_server import FakeS3, serve_s3
from video_inference import s3_source
from video_inference.allowed_sources import AllowedSources
from video_inference.errors import (
    ChangedVideoError,
    EmptyBodyError,
    ForbiddenSourceError,
    MissingVideoError,
    NotAVideoError,
    SourceError,
)
from video_inference.request import VideoRequest
from video_inference.s3_source import BLOCK, S3, Boto3Error, S3Source, SourceUnavailableError
from video_inference.source import SourceFile
from video_inference.track_errors import LateError
from video_inference.video import Video

CONTENT = np.random.default_rng(1).bytes(12 * BLOCK + 12345)
KEY = "input/video.mp4"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    with serve_s3() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setattr(s3_source, "_FIRST_PAUSE", 0.001)
        fake.objects[f"videos/{KEY}"] = CONTENT
        yield fake


def open_source(server: FakeS3, key: str = KEY, etag: str | None = None, deadline: float | None = None) -> S3Source:
    s3 = S3(AllowedSources((("videos", "input/"),)))
    known = server.etag(f"videos/{key}") if etag is None else etag
    return s3.open(VideoRequest("videos", key, known, ""), deadline)


def test_any_part_equals_the_objects(server: FakeS3) -> None:
    chance = np.random.default_rng(2)
    with open_source(server) as source:
        assert source.size == len(CONTENT)
        for _ in range(200):
            start = int(chance.integers(len(CONTENT)))
            length = int(chance.choice([1, 100, BLOCK - 1, BLOCK, 3 * BLOCK, len(CONTENT)]))
            assert source.read(start, length) == CONTENT[start : start + length]


def test_a_file_over_it_is_read_and_sought_like_any_other(server: FakeS3) -> None:
    with open_source(server) as source, SourceFile(source) as file:
        assert file.read(10) == CONTENT[:10]
        assert file.seek(-5, 2) == len(CONTENT) - 5
        assert file.read() == CONTENT[-5:]
        assert file.read(1) == b""
        file.seek(5 * BLOCK - 3)
        assert file.read(10) == CONTENT[5 * BLOCK - 3 : 5 * BLOCK + 7]
        assert len(file.view) == len(CONTENT)
        assert file.view[7:9] == CONTENT[7:9]


def test_reading_forward_takes_each_byte_once_and_ever_larger_ranges(server: FakeS3) -> None:
    with open_source(server) as source:
        received = b"".join(source.read(start, 4096) for start in range(0, len(CONTENT), 4096))
    assert received == CONTENT
    assert source.bytes_read == len(CONTENT)
    lengths = [last - first + 1 for first, last in server.ranges]
    assert sum(lengths) == len(CONTENT)
    assert max(lengths) >= 4 * BLOCK
    assert len(lengths) < 9


def test_gaps_of_less_than_a_block_are_read(server: FakeS3) -> None:
    steps = range(0, len(CONTENT), BLOCK - 100)
    with open_source(server) as source:
        for start in steps:
            assert source.read(start, 10) == CONTENT[start : start + 10]
    # The last block is not needed.
    assert source.bytes_read == 12 * BLOCK
    assert len(server.ranges) < len(steps) / 2


def test_nothing_is_read_ahead_beyond_the_expected_bytes(server: FakeS3) -> None:
    with open_source(server) as source:
        source.expect(5 * BLOCK + 10, 7 * BLOCK + 20)
        for start in range(5 * BLOCK + 10, 7 * BLOCK + 20, 4096):
            source.read(start, 10)
    assert server.ranges == [(0, BLOCK - 1), (5 * BLOCK, 6 * BLOCK - 1), (6 * BLOCK, 8 * BLOCK - 1)]


def test_a_larger_gap_is_not_read(server: FakeS3) -> None:
    with open_source(server) as source:
        source.read(0, 10)
        source.read(10 * BLOCK, 10)
    assert server.ranges == [(0, BLOCK - 1), (10 * BLOCK, 11 * BLOCK - 1)]


def test_the_cache_is_bounded(server: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_source, "_MAX_BLOCKS", 3)
    monkeypatch.setattr(s3_source, "_MAX_AHEAD", 2)
    with open_source(server) as source:
        for start in range(0, len(CONTENT), BLOCK):
            assert source.read(start, BLOCK) == CONTENT[start : start + BLOCK]
            assert len(source._blocks) <= 3


@pytest.mark.parametrize("fault", ["break", (500, "InternalError"), (503, "SlowDown")])
def test_a_read_is_tried_again(server: FakeS3, fault: tuple[int, str] | str) -> None:
    with open_source(server) as source:
        server.faults[:] = [fault, fault]
        assert source.read(5 * BLOCK, 100) == CONTENT[5 * BLOCK : 5 * BLOCK + 100]


def test_a_read_that_always_fails_is_no_error_of_the_caller(server: FakeS3) -> None:
    server.faults[:] = [(503, "SlowDown")] * 20
    with pytest.raises(SourceUnavailableError, match=r"s3://videos/input/video\.mp4 cannot be read"):
        open_source(server)
    assert len(server.paths) == 5


def test_no_read_is_tried_again_after_the_deadline(server: FakeS3) -> None:
    server.faults[:] = [(503, "SlowDown")] * 20
    with pytest.raises(SourceUnavailableError):
        open_source(server, deadline=time.monotonic())
    assert len(server.paths) == 1


def test_nothing_is_read_after_the_deadline(server: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = time.monotonic() + 600
    with open_source(server, deadline=deadline) as source:
        assert source.read(0, 10) == CONTENT[:10]
        monkeypatch.setattr(time, "monotonic", lambda: deadline)
        with pytest.raises(LateError):
            source.read(5 * BLOCK, 10)
        assert source.error is None
    assert len(server.ranges) == 1


def test_the_wait_for_a_block_ends_at_the_deadline(server: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch, answered = S3Source._fetch, threading.Event()

    def slow(source: S3Source, first: int, count: int) -> None:
        if first == 2:
            assert answered.wait(5)
        fetch(source, first, count)

    monkeypatch.setattr(S3Source, "_fetch", slow)
    with open_source(server, deadline=time.monotonic() + 5) as source:
        # A reader that goes forward starts to read the third block ahead.
        source.read(0, 10)
        source.read(BLOCK, 10)
        source._deadline = time.monotonic() + 0.05
        with pytest.raises(LateError):
            source.read(2 * BLOCK, 10)
        answered.set()
        assert source.error is None


def test_an_object_that_changes_while_it_is_read_is_an_error(server: FakeS3) -> None:
    source = open_source(server)
    server.objects[f"videos/{KEY}"] = CONTENT[::-1]
    with pytest.raises(ChangedVideoError, match="it was changed or replaced"):
        source.read(9 * BLOCK, 10)
    source.close()


def test_an_object_with_another_etag_is_refused(server: FakeS3) -> None:
    with pytest.raises(ChangedVideoError):
        open_source(server, etag='"other"')


def test_a_missing_object_and_an_empty_one_are_refused(server: FakeS3) -> None:
    with pytest.raises(MissingVideoError, match=r"There is no object s3://videos/input/none\.mp4"):
        open_source(server, "input/none.mp4", '"1"')
    server.objects["videos/input/empty.mp4"] = b""
    with pytest.raises(EmptyBodyError, match="is empty"):
        open_source(server, "input/empty.mp4")


def test_an_object_that_the_role_may_not_read_is_refused(server: FakeS3) -> None:
    server.faults[:] = [(403, "AccessDenied")]
    with pytest.raises(SourceError, match=r"role may not read s3://videos/input/video\.mp4 \(AccessDenied\)"):
        open_source(server)


def test_a_location_that_is_not_allowed_is_not_requested(server: FakeS3) -> None:
    with pytest.raises(ForbiddenSourceError):
        open_source(server, "models/model.tar.gz", '"1"')
    assert server.paths == []


def test_the_error_of_a_read_replaces_what_a_reader_makes_of_it(server: FakeS3) -> None:
    def misled() -> None:
        with open_source(server) as source:
            server.objects.clear()
            with pytest.raises(MissingVideoError):
                source.read(9 * BLOCK, 10)
            raise NotAVideoError("the end of the file was reached")

    with pytest.raises(MissingVideoError):
        misled()


def test_no_thread_stays(server: FakeS3) -> None:
    with open_source(server) as source:
        for start in range(0, len(CONTENT), BLOCK):
            source.read(start, 10)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_a_video_has_the_same_frames_as_in_memory(server: FakeS3, street: Path) -> None:
    body = street.read_bytes()
    server.objects["videos/input/street.mp4"] = body
    with Video(body) as video:
        expected = [(frame.index, frame.timestamp, frame.rgb().tobytes()) for frame in video.frames()]
    with open_source(server, "input/street.mp4") as source, Video(source) as video:
        assert [(frame.index, frame.timestamp, frame.rgb().tobytes()) for frame in video.frames()] == expected


def test_blocks_are_read_ahead_if_all_frames_of_an_mp4_are_decoded(
    server: FakeS3, street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_source, "BLOCK", 4096)
    body = street.read_bytes()
    server.objects["videos/input/street.mp4"] = body
    with open_source(server, "input/street.mp4") as source, Video(source) as video:
        opened = len(server.ranges)
        assert sum(1 for _ in video.frames()) > 0
    blocks = len(body) // 4096
    assert blocks > 40
    assert len(server.ranges) - opened < blocks / 4


def test_a_missing_boto3_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> ModuleType:
        if name == "boto3":
            raise ImportError("No module named 'boto3'")
        return import_module(name)

    monkeypatch.setattr(s3_source, "import_module", absent)
    with pytest.raises(Boto3Error, match=r"boto3 cannot be imported \(No module named 'boto3'\): use an image with"):
        S3(AllowedSources((("videos", ""),)))

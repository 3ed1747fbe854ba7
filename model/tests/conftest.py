"""Shared fixtures: the small model, the sample video and its result. Hypothesis has no deadlines on slow machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings

import inference
from artifact.contents import contents
from artifact.weights import find_weights
from tests.s3_server import FakeS3, serve_s3
from video_inference.allowed_sources import AllowedSources
from video_inference.artifact_files import CARD_FILE, WEIGHTS_FILE
from video_inference.s3_source import S3

settings.register_profile("no deadlines", deadline=None)
settings.load_profile("no deadlines")

MODULE = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def entries() -> dict[str, bytes]:
    """Entries of the small model's artifact by path."""
    return contents(find_weights("small"))


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory, entries: dict[str, bytes]) -> Path:
    """Folder with weights and card of the small model, as a container unpacks them."""
    folder = tmp_path_factory.mktemp("model")
    for name in (CARD_FILE, WEIGHTS_FILE):
        (folder / name).write_bytes(entries[name])
    return folder


@pytest.fixture(scope="session")
def model(model_dir: Path) -> inference.Model:
    """Loaded small model."""
    return inference.model_fn(str(model_dir))


@pytest.fixture(scope="session")
def street() -> Path:
    """Path of the sample video in the repository."""
    return MODULE / "samples" / "street.mp4"


@pytest.fixture(scope="session")
def street_result(model: inference.Model, street: Path) -> str:
    """Result of the handler for the sample video, as JSON."""
    answer, _ = inference.transform_fn(model, street.read_bytes(), "video/mp4", "application/json")
    assert isinstance(answer, str)
    return answer


@pytest.fixture
def result(tmp_path: Path, street_result: str) -> Path:
    """Path of a file with the result of the handler for the sample video."""
    path = tmp_path / "result.json"
    path.write_text(street_result, "utf-8")
    return path


@pytest.fixture
def with_s3(
    model: inference.Model, street: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[inference.Model, FakeS3]]:
    """Model that may read from an S3 with the sample video."""
    with serve_s3() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
        for name, value in {"DEFAULT_REGION": "us-east-1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        fake.objects["videos/input/street.mp4"] = street.read_bytes()
        yield replace(model, s3=S3(AllowedSources((("videos", "input/"),)))), fake

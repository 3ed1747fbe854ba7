"""Tests of the artifact: reproducible, described by its manifest, independent of this repository, atomic."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

import package
from artifact.archive import write
from artifact.errors import PackageError
from artifact.stamp import pack
from tests.conftest import MODULE
from videos.times import regular
from videos.writer import write_numbered

_ANSWER = """
import sys
sys.path = [entry for entry in sys.path if entry != sys.argv[1]]
sys.path.insert(0, sys.argv[2] + "/code")
import inference, av
assert av.__file__.startswith(sys.argv[2]), av.__file__
assert inference.__file__.startswith(sys.argv[2]), inference.__file__
print(inference.transform_fn(inference.model_fn(sys.argv[2]), open(sys.argv[3], "rb").read(), "video/mp4", "*/*")[0])
"""
_DECODE = """
import sys
sys.path.append(sys.argv[1] + "/code")
import av
with av.open(sys.argv[2]) as video:
    print(sum(1 for frame in video.decode(video=0)))
"""


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("artifact") / "model.tar.gz"
    assert package.main(["--out", str(out), "--json"]) == 0
    return out


@pytest.fixture(scope="module")
def unpacked(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(artifact) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _pythons() -> list[str]:
    """Return the supported Pythons of this machine, starting with that of the environment."""
    others = {11, 12, 13} - {sys.version_info.minor}
    found = [path for minor in sorted(others) if (path := shutil.which(f"python3.{minor}")) is not None]
    working = [
        one for one in found if subprocess.run([one, "-c", ""], capture_output=True, check=False).returncode == 0
    ]
    return [sys.executable, *working]


def test_the_same_inputs_give_the_same_bytes(artifact: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tar.gz"
    os.utime(MODULE / "inference.py")
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo"}
    command = [sys.executable, str(MODULE / "package.py"), "--out", str(again), "--json"]
    built = subprocess.run(command, env=environment, cwd=tmp_path, umask=0o077, capture_output=True, check=True).stdout
    assert json.loads(built)["sha256"] == hashlib.sha256(artifact.read_bytes()).hexdigest()
    assert again.read_bytes() == artifact.read_bytes()


def test_the_archive_has_no_users_and_no_times(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == sorted(member.name for member in members)
    assert {(one.mtime, one.uid, one.gid, one.uname, one.gname, one.mode) for one in members} == {
        (0, 0, 0, "", "", 0o644)
    }
    assert not [one.name for one in members if "__pycache__" in one.name or one.name.startswith(("/", ".."))]


def test_the_unpacked_artifact_answers_without_this_repository(unpacked: Path, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    write_numbered(video, regular(30, 25))
    command = [sys.executable, "-I", "-c", _ANSWER, str(MODULE), str(unpacked), str(video)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["video"]["codec"] == "h264"


@pytest.mark.parametrize("python", _pythons())
def test_the_packaged_wheels_load_without_an_installation(python: str, unpacked: Path, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    write_numbered(video, regular(30, 25))
    command = [python, "-I", "-S", "-B", "-c", _DECODE, str(unpacked), str(video)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.stdout.strip(), done.returncode) == ("30", 0), done.stderr


def test_an_unchanged_artifact_is_not_packed_again_and_torch_is_not_needed(artifact: Path) -> None:
    before = artifact.stat()
    blocked = "import sys; sys.modules['torch'] = None; import package; sys.exit(package.main(sys.argv[1:]))"
    command = [sys.executable, "-c", blocked, "--out", str(artifact), "--json"]
    built = subprocess.run(command, cwd=MODULE, capture_output=True, check=True, text=True).stdout
    assert json.loads(built)["sha256"] == hashlib.sha256(artifact.read_bytes()).hexdigest()
    assert (artifact.stat().st_ino, artifact.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def _packed(out: Path, notes: bytes) -> bytes:
    pack({"notes": notes, "manifest.json": hashlib.sha256(notes).hexdigest().encode()}, out)
    with tarfile.open(out) as archive:
        file = archive.extractfile("notes")
        assert file is not None
        return file.read()


def test_a_changed_input_is_packed(tmp_path: Path) -> None:
    out = tmp_path / "model.tar.gz"
    assert _packed(out, b"old") == b"old"
    assert _packed(out, b"new") == b"new"


@pytest.mark.parametrize("changed", ["model.tar.gz", "model.tar.gz.stamp"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
def test_a_damaged_artifact_or_stamp_is_packed_again(changed: str, content: bytes, tmp_path: Path) -> None:
    out = tmp_path / "model.tar.gz"
    _packed(out, b"notes")
    (tmp_path / changed).write_bytes(content)
    assert _packed(out, b"notes") == b"notes"


def test_another_version_of_the_packing_code_packs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "model.tar.gz"
    _packed(out, b"notes")
    before = out.stat().st_ino
    _packed(out, b"notes")
    assert out.stat().st_ino == before
    monkeypatch.setattr("zlib.ZLIB_RUNTIME_VERSION", "another")
    _packed(out, b"notes")
    assert out.stat().st_ino != before


def test_the_artifact_has_no_requirements_to_install(entries: dict[str, bytes]) -> None:
    assert not [path for path in entries if path.endswith("requirements.txt")]


def test_the_manifest_lists_every_file_with_its_hash(entries: dict[str, bytes]) -> None:
    manifest: dict[str, Any] = json.loads(entries["manifest.json"])
    assert manifest["files"] == {
        path: hashlib.sha256(data).hexdigest() for path, data in entries.items() if path != "manifest.json"
    }


def test_the_manifest_describes_the_model(entries: dict[str, bytes]) -> None:
    model = json.loads(entries["manifest.json"])["model"]
    assert model["sha256"] == hashlib.sha256(entries[model["file"]]).hexdigest()
    assert model["licence"].startswith("Apache-2.0")
    assert model["notice"] == "The model knows generated scenes only."
    assert "steps from seed" in model["source"]


def test_the_manifest_lists_the_wheels_with_their_licences(entries: dict[str, bytes]) -> None:
    (wheel,) = json.loads(entries["manifest.json"])["wheels"]
    assert (wheel["name"], wheel["licence"]) == ("av", "BSD-3-Clause")
    assert "GPL" in wheel["notice"]
    assert any(library.startswith("libx264") for library in wheel["shared_libraries"])
    assert wheel["licence_files"]
    assert set(wheel["licence_files"]) <= entries.keys()


def test_the_files_for_ray_are_next_to_the_weights(entries: dict[str, bytes]) -> None:
    assert {"config.yaml", "deployment.py", "model.pt", "code/inference.py"} <= entries.keys()


def test_missing_weights_are_reported_and_no_file_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model.tar.gz"
    assert package.main(["--out", str(out), "--weights", str(tmp_path / "none.pt")]) == 1
    assert "none.pt cannot be read: No such file" in capsys.readouterr().err
    assert not out.exists()


def test_a_path_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PackageError, match="Choose another path with --out"):
        write({"model.json": b"{}"}, tmp_path / "file" / "model.tar.gz")


def test_a_full_disk_leaves_the_old_artifact_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "model.tar.gz"
    out.write_bytes(b"the old one")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(PackageError, match=r"No space left on device\. Free some space"):
        write({"model.json": b"{}"}, out)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"model.tar.gz": b"the old one"}

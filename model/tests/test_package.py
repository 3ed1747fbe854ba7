"""The artifact is reproducible, runs where nothing of this repository is installed, and is whole or not there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch

import package
from tests.conftest import ROOM
from video_inference.architecture import build
from videos import regular, write_numbered

_RUN = """
import sys
sys.path = [entry for entry in sys.path if entry != sys.argv[1]]
sys.path.insert(0, sys.argv[2] + "/code")
import inference, av
assert av.__file__.startswith(sys.argv[2]), av.__file__
assert inference.__file__.startswith(sys.argv[2]), inference.__file__
print(inference.transform_fn(inference.model_fn(sys.argv[2]), open(sys.argv[3], "rb").read(), "video/mp4", "*/*")[0])
"""


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("artifact") / "model.tar.gz"
    assert package.main(["--out", str(out), "--json"]) == 0
    return out


def test_the_same_inputs_give_the_same_bytes(
    artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = tmp_path / "again.tar.gz"
    os.utime(ROOM / "inference.py")
    assert package.main(["--out", str(again), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == hashlib.sha256(artifact.read_bytes()).hexdigest()
    assert again.read_bytes() == artifact.read_bytes()


def test_nothing_in_the_archive_tells_who_packed_it_or_when(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == sorted(member.name for member in members)
    assert {(one.mtime, one.uid, one.gid, one.uname, one.gname, one.mode) for one in members} == {
        (0, 0, 0, "", "", 0o644)
    }
    assert not [one.name for one in members if "__pycache__" in one.name or one.name.startswith(("/", ".."))]


def test_the_unpacked_artifact_runs_without_this_repository(artifact: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with tarfile.open(artifact) as archive:
        archive.extractall(folder, filter="data")
    video = tmp_path / "video.mp4"
    write_numbered(video, regular(30, 25))
    command = [sys.executable, "-I", "-c", _RUN, str(ROOM), str(folder), str(video)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["video"]["codec"] == "h264"


def test_the_manifest_lists_every_file_with_its_hash_and_the_licences(entries: dict[str, bytes]) -> None:
    manifest: dict[str, Any] = json.loads(entries["manifest.json"])
    assert manifest["files"] == {
        path: hashlib.sha256(data).hexdigest() for path, data in entries.items() if path != "manifest.json"
    }
    assert manifest["model"]["licence"].startswith("Apache-2.0")
    assert [library["name"] for library in manifest["libraries"]] == ["av"]
    assert manifest["libraries"][0]["licence_files"]


def test_weights_of_the_coco_size_network_are_recognised(tmp_path: Path) -> None:
    weights = tmp_path / "mine.pt"
    with torch.device("meta"):
        empty = build("maskrcnn_resnet50_fpn").state_dict()
    torch.save({name: torch.zeros(()).expand(value.shape) for name, value in empty.items()}, weights)
    found = package.find_weights(str(weights), "CC0-1.0")
    assert (found.architecture, found.name, found.licence) == ("maskrcnn_resnet50_fpn", "mine", "CC0-1.0")


def test_a_missing_weights_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "model.tar.gz"
    assert package.main(["--out", str(out), "--weights", str(tmp_path / "none.pt")]) == 1
    assert "none.pt cannot be read: No such file" in capsys.readouterr().err
    assert not out.exists()


def test_a_file_that_is_no_state_dictionary_is_refused(tmp_path: Path) -> None:
    weights = tmp_path / "notes.pt"
    weights.write_text("notes")
    with pytest.raises(package.PackageError, match="not a state dictionary"):
        package.find_weights(str(weights))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "other.pt"
    torch.save({"layer": torch.zeros(3)}, weights)
    with pytest.raises(package.PackageError, match="another network"):
        package.find_weights(str(weights))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert package.main(["--out", str(tmp_path / "file" / "model.tar.gz")]) == 1
    assert "Choose another place with --out" in capsys.readouterr().err


def test_a_full_disk_leaves_the_old_artifact_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "model.tar.gz"
    out.write_bytes(b"the old one")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(package.PackageError, match=r"No space left on device\. Free some space"):
        package.write({"model.json": b"{}"}, out)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"model.tar.gz": b"the old one"}


@pytest.mark.parametrize(
    ("tag", "runs"),
    [
        ("cp311-abi3-manylinux_2_28_x86_64", True),
        ("py3-none-any", True),
        ("cp311-cp311-manylinux_2_28_x86_64", False),
        ("cp311-abi3-macosx_11_0_arm64", False),
    ],
)
def test_only_wheels_that_every_python_of_the_container_can_load_are_taken(
    tag: str, runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.PathDistribution.read_text", lambda *_: f"Wheel-Version: 1.0\nTag: {tag}\n")
    if runs:
        assert package._library_files("av")
    else:
        with pytest.raises(package.PackageError, match="does not run in SageMaker's container"):
            package._library_files("av")

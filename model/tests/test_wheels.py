"""Tests of wheels: only unchanged ones that every serving container can load are packaged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from artifact.errors import PackageError
from artifact.wheels import find_wheel, runs_in_containers

ABI3 = "cp311-abi3-manylinux_2_28_x86_64"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder for installed wheels."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def install(site: Path, tag: str, files: dict[str, str], record: str = "") -> None:
    """Install a wheel named sample; `record` is the hash of its files in RECORD."""
    info = site / "sample-1.2.dist-info"
    info.mkdir()
    for path, text in files.items():
        (site / path).parent.mkdir(exist_ok=True)
        (site / path).write_text(text)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: sample\nVersion: 1.2\nLicense-Expression: MIT\n")
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: {tag}\n")
    lines = [f"{path},{record},\n" for path in files]
    (info / "RECORD").write_text("".join([*lines, "sample-1.2.dist-info/RECORD,,\n", "../../bin/sample,,\n"]))


def test_pyav_can_be_packaged() -> None:
    wheel = find_wheel("av")
    assert {path.partition("/")[0] for path in wheel.files} == {"av", "av.libs", f"av-{wheel.version}.dist-info"}
    assert any(path.endswith(".abi3.so") for path in wheel.files)


def test_the_files_and_metadata_of_a_wheel_are_read(site: Path) -> None:
    install(site, "py3-none-any", {"sample/__init__.py": "ONE = 1\n", "sample/__pycache__/x.pyc": ""})
    wheel = find_wheel("sample")
    assert wheel.files == {"sample/__init__.py": b"ONE = 1\n"}
    assert (wheel.version, wheel.licence, wheel.tags, wheel.notice) == ("1.2", "MIT", ("py3-none-any",), None)


@pytest.mark.parametrize(
    ("tag", "runs"),
    [
        (ABI3, True),
        ("cp39-abi3-manylinux_2_17_x86_64", True),
        ("py3-none-any", True),
        ("py2.py3-none-any", True),
        ("cp311-cp311-manylinux_2_28_x86_64", False),
        ("cp312-abi3-manylinux_2_28_x86_64", False),
        ("cp311-abi3-macosx_11_0_arm64", False),
        ("cp311-abi3-manylinux_2_28_aarch64", False),
        ("py2-none-any", False),
        ("py3-none-manylinux_2_28_x86_64", False),
    ],
)
def test_only_wheels_for_every_python_of_the_containers_are_accepted(tag: str, runs: bool) -> None:
    assert runs_in_containers(tag) == runs


def test_a_wheel_for_one_python_is_refused_by_name(site: Path) -> None:
    install(site, "cp311-cp311-manylinux_2_28_x86_64", {"sample.py": ""})
    with pytest.raises(PackageError, match=r"sample 1\.2 \(cp311-cp311-manylinux_2_28_x86_64\) does not run in Sage"):
        find_wheel("sample")


def test_a_module_for_one_python_in_an_abi3_wheel_is_refused_by_name(site: Path) -> None:
    install(site, ABI3, {"sample/fast.cpython-311-x86_64-linux-gnu.so": ""})
    with pytest.raises(PackageError, match=r"sample/fast\.cpython-311-x86_64-linux-gnu\.so of the installed sample 1"):
        find_wheel("sample")


def test_a_changed_file_is_refused_by_name(site: Path) -> None:
    install(site, "py3-none-any", {"sample.py": "changed"}, "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")
    with pytest.raises(PackageError, match=r"sample\.py was changed after its installation"):
        find_wheel("sample")


def test_a_missing_file_is_refused_by_name(site: Path) -> None:
    install(site, "py3-none-any", {"sample.py": ""})
    (site / "sample.py").unlink()
    with pytest.raises(PackageError, match=r"sample\.py cannot be read: No such file"):
        find_wheel("sample")


def test_a_package_that_is_not_installed_is_reported() -> None:
    with pytest.raises(PackageError, match="no-such-package is not installed"):
        find_wheel("no-such-package")

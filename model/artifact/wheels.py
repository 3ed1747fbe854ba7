"""Reads installed wheels that every serving container can load unpacked, without an installation."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_string
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from pathlib import Path

from artifact.errors import PackageError

OLDEST_PYTHON = (3, 11)
"""Oldest supported Python: 3.11 in development, 3.12 in AWS's PyTorch image, 3.13 in its Ray image."""

_INSTALLER_FILES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
# Matches a module for one version of Python, also in an abi3 wheel: module.cpython-311-x86_64-linux-gnu.so.
_VERSION_SPECIFIC = re.compile(r"\.(cpython-\d+[^/]*|cp\d+-[^/]*)\.(so|pyd)$")
# A wheel's licence does not cover the shared libraries in it.
_NOTICES = {
    "av": "The wheel includes the shared libraries of FFmpeg (LGPL, version 3 or later) and, among others, of x264 "
    "and x265 (GPL, version 2 or later). Anyone who distributes the artifact distributes them too."
}


@dataclass(frozen=True)
class Wheel:
    """An installed wheel.

    Attributes
    ----------
    name, version, licence
        Values of the metadata.
    tags
        Compatibility tags, such as cp311-abi3-manylinux_2_28_x86_64.
    notice
        Licences of included libraries; None if there are none.
    files
        Content of the files by path below site-packages.
    """

    name: str
    version: str
    licence: str
    tags: tuple[str, ...]
    notice: str | None
    files: Mapping[str, bytes]


def find_wheel(name: str) -> Wheel:
    """Read an installed wheel.

    Raises
    ------
    PackageError
        If it is not installed, was changed after its installation, or does not run in every serving container.
    """
    try:
        library = distribution(name)
    except PackageNotFoundError as error:
        raise PackageError(f"The Python package {name} is not installed: run `node tools/setup.mjs`.") from error
    tags = tuple(message_from_string(library.read_text("WHEEL") or "").get_all("Tag", []))
    if not any(runs_in_containers(tag) for tag in tags):
        raise PackageError(
            f"The installed {name} {library.version} ({', '.join(tags) or 'no wheel'}) does not run in SageMaker's "
            "containers: package on Linux x86-64, with a wheel that is pure Python or abi3."
        )
    files = {str(file): _read(library, file) for file in library.files or [] if _is_packaged(file)}
    for path in files:
        if _VERSION_SPECIFIC.search(path):
            raise PackageError(
                f"{path} of the installed {name} {library.version} is for one version of Python only, although the "
                f"wheel has the tags {', '.join(tags)}: pin a release whose wheel is pure Python or abi3."
            )
    return Wheel(
        name=name,
        version=library.version,
        licence=library.metadata["License-Expression"] or library.metadata["License"] or "not stated by the wheel",
        tags=tags,
        notice=_NOTICES.get(name),
        files=files,
    )


def runs_in_containers(tag: str) -> bool:
    """Tell whether a wheel with this tag runs on Linux x86-64 with `OLDEST_PYTHON` and all later versions."""
    interpreter, abi, platform = tag.split("-", 2)
    if abi == "none" and platform == "any":
        return "py3" in interpreter.split(".")
    since = re.fullmatch(r"cp3(\d+)", interpreter)
    return (
        abi == "abi3"
        and since is not None
        and (3, int(since[1])) <= OLDEST_PYTHON
        and "linux" in platform
        and platform.endswith("x86_64")
    )


def _is_packaged(file: PackagePath) -> bool:
    if ".." in file.parts or "__pycache__" in file.parts:
        return False
    return not (file.parent.name.endswith(".dist-info") and file.name in _INSTALLER_FILES)


def _read(library: Distribution, file: PackagePath) -> bytes:
    path = Path(str(library.locate_file(file)))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PackageError(f"{path} cannot be read: {error.strerror}. Install the environment again.") from error
    if file.hash is not None:
        digest = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, data).digest()).rstrip(b"=").decode()
        if digest != file.hash.value:
            raise PackageError(f"{path} was changed after its installation: install the environment again.")
    return data

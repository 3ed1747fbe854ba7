"""Finds installed wheels that every serving container's Python can load: unpacked, they need no installing there."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from pathlib import Path

from artifact.errors import PackageError

OLDEST_PYTHON = (3, 11)
"""Of the environments that an artifact meets: 3.11 on a laptop, 3.12 in AWS's PyTorch image, 3.13 in its Ray image."""

_INSTALLER_FILES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
# Compiled for one version of Python, whatever the wheel's name says: module.cpython-311-x86_64-linux-gnu.so.
_VERSION_SPECIFIC = re.compile(r"\.(cpython-\d+[^/]*|cp\d+-[^/]*)\.(so|pyd)$")
# A wheel's own licence says nothing of the shared libraries in it.
_NOTICES = {
    "av": "Its wheel holds FFmpeg's shared libraries, under the LGPL, version 3 or later, and beside others those of "
    "x264 and x265, under the GPL, version 2 or later: who passes the artifact on passes them on."
}


@dataclass(frozen=True)
class Wheel:
    """An installed wheel.

    Attributes
    ----------
    name, version, licence
        As its metadata has them.
    tags
        What it runs on, as wheels say it: cp311-abi3-manylinux_2_28_x86_64.
    notice
        What its licence leaves unsaid; None where there is nothing to say.
    files
        Contents by path below site-packages.
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
        If it is not installed, not as its index served it, or not for every Python that an artifact meets.
    """
    try:
        library = distribution(name)
    except PackageNotFoundError as error:
        raise PackageError(f"The Python package {name} is not installed: set up the environment first.") from error
    tags = tuple(
        line.removeprefix("Tag: ")
        for line in (library.read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag: ")
    )
    if not any(runs_in_containers(tag) for tag in tags):
        raise PackageError(
            f"The installed {name} {library.version} ({', '.join(tags) or 'no wheel'}) does not run in SageMaker's "
            "containers: package on x86-64 Linux, with a wheel that is pure or abi3."
        )
    files = {str(file): _read(library, file) for file in library.files or [] if _is_packaged(file)}
    for path in files:
        if _VERSION_SPECIFIC.search(path):
            raise PackageError(
                f"{path} of the installed {name} {library.version} is for one version of Python alone, although the "
                f"wheel says {', '.join(tags)}: pin a release whose wheel is pure or abi3."
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
    """Tell whether the oldest Python that an artifact meets, and all later ones, can load a wheel with this tag."""
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
        raise PackageError(f"{path} cannot be read: {error.strerror}. Set up the environment again.") from error
    if file.hash is not None:
        digest = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, data).digest()).rstrip(b"=").decode()
        if digest != file.hash.value:
            raise PackageError(f"{path} is not what its wheel holds: set up the environment again.")
    return data

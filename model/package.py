"""Builds model.tar.gz, reproducibly: the weights, the handler, and the library that SageMaker's container lacks."""

from __future__ import annotations

import argparse
import errno
import gzip
import hashlib
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import torch
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

from video_inference.architecture import ARCHITECTURES, Architecture, build
from video_inference.detector import CARD_FILE, WEIGHTS_FILE
from video_inference.labels import LABELS

_ROOM = Path(__file__).resolve().parent
_BUNDLED = _ROOM / "weights" / "small.pt"
_HANDLER = ("inference.py", "video_inference")
_LIBRARIES = ("av",)
_BOOKKEEPING = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
_COMPRESSION = 6


class PackageError(Exception):
    """The artifact cannot be built; the message says why and what to do."""


@dataclass(frozen=True)
class Weights:
    """Weights to package: the file's bytes, the network they fit, and what the card and the manifest say of them."""

    data: bytes
    architecture: Architecture
    name: str
    notice: str | None
    classes: Mapping[int, str]
    licence: str


def _bundled_weights() -> Weights:
    try:
        card = json.loads(_BUNDLED.with_suffix(".json").read_text("utf-8"))
        data = _BUNDLED.read_bytes()
    except OSError as error:
        raise PackageError(f"{error.filename}: {error.strerror}. Make it with train.py.") from error
    if _sha256(data) != card["sha256"]:
        raise PackageError(f"{_BUNDLED} is not the file that its card describes. Make both with train.py.")
    return Weights(
        data=data,
        architecture=card["architecture"],
        name=card["name"],
        notice=card["notice"],
        classes={int(label_id): label for label_id, label in card["classes"].items()},
        licence=card["licence"],
    )


def _coco_weights() -> Weights:
    source = MaskRCNN_ResNet50_FPN_Weights.COCO_V1
    try:
        state = source.get_state_dict(progress=sys.stderr.isatty(), check_hash=True)
    except (OSError, RuntimeError) as error:
        raise PackageError(
            f"The COCO weights cannot be fetched from {source.url}: {error}. "
            "Fetch that file elsewhere and give it as --weights FILE, or use --weights small."
        ) from error
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return Weights(
        data=buffer.getvalue(),
        architecture="maskrcnn_resnet50_fpn",
        name="Mask R-CNN ResNet-50 FPN, COCO",
        notice=None,
        classes=LABELS,
        licence="BSD-3-Clause (torchvision); trained on COCO 2017, annotations CC BY 4.0",
    )


def _architecture_of(path: Path, data: bytes) -> Architecture:
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        shapes = {name: tuple(value.shape) for name, value in state.items()}
    except Exception as error:
        # torch.load raises whatever the unpickler or the archive reader met.
        raise PackageError(f"{path} is not a state dictionary saved by torch: give one.") from error
    for architecture in ARCHITECTURES:
        with torch.device("meta"):
            wanted = build(architecture).state_dict()
        if shapes == {name: tuple(value.shape) for name, value in wanted.items()}:
            return architecture
    raise PackageError(f"{path} holds weights of another network than {' or '.join(ARCHITECTURES)}.")


def _file_weights(path: Path, licence: str | None) -> Weights:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PackageError(
            f"The weights {path} cannot be read: {error.strerror}. Give small, coco or a file."
        ) from error
    return Weights(
        data=data,
        architecture=_architecture_of(path, data),
        name=path.stem,
        notice=None,
        classes=LABELS,
        licence=licence or "not stated by who packaged the weights",
    )


def find_weights(choice: str, licence: str | None = None) -> Weights:
    """Get the weights that `--weights` names: "small", "coco", or a file's path.

    Raises
    ------
    PackageError
        If they cannot be had or fit no known network.
    """
    if choice == "small":
        return _bundled_weights()
    if choice == "coco":
        return _coco_weights()
    return _file_weights(Path(choice), licence)


def _library_files(name: str) -> tuple[Distribution, dict[str, Path]]:
    """Find an installed wheel's files by their path in site-packages; it must be one that any Python can load."""
    try:
        library = distribution(name)
    except PackageNotFoundError as error:
        raise PackageError(f"The Python package {name} is not installed: set up the environment first.") from error
    tags = [
        line.removeprefix("Tag: ")
        for line in (library.read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag: ")
    ]
    if not any(_runs_in_container(tag) for tag in tags):
        raise PackageError(
            f"The installed {name} ({', '.join(tags) or 'no wheel'}) does not run in SageMaker's container: "
            "package on x86-64 Linux, with a wheel that is pure or abi3."
        )
    files = {
        str(file): Path(str(library.locate_file(file)))
        for file in library.files or []
        if ".." not in file.parts
        and "__pycache__" not in file.parts
        and not (file.parent.name.endswith(".dist-info") and file.name in _BOOKKEEPING)
    }
    return library, files


def _runs_in_container(tag: str) -> bool:
    _, abi, platform = tag.split("-", 2)
    pure = abi == "none" and platform == "any"
    return pure or (abi == "abi3" and "linux" in platform and platform.endswith("x86_64"))


def _handler_files() -> dict[str, Path]:
    files: dict[str, Path] = {}
    for name in _HANDLER:
        path = _ROOM / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            files[file.relative_to(_ROOM).as_posix()] = file
    return files


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def contents(weights: Weights) -> dict[str, bytes]:
    """Put together what the artifact holds: each entry's bytes by its path in the archive."""
    entries: dict[str, bytes] = {
        WEIGHTS_FILE: weights.data,
        CARD_FILE: _json(
            {
                "name": weights.name,
                "architecture": weights.architecture,
                "weights_sha256": _sha256(weights.data),
                "notice": weights.notice,
                "classes": {str(label_id): label for label_id, label in weights.classes.items()},
            }
        ),
    }
    libraries = []
    for name in _LIBRARIES:
        library, files = _library_files(name)
        libraries.append(
            {
                "name": name,
                "version": library.version,
                "licence": library.metadata["License-Expression"] or library.metadata["License"],
                "licence_files": sorted(f"code/{path}" for path in files if "/licenses/" in path or "/sboms/" in path),
            }
        )
        entries.update({f"code/{path}": file.read_bytes() for path, file in files.items()})
    entries.update({f"code/{path}": file.read_bytes() for path, file in _handler_files().items()})
    entries["manifest.json"] = _json(
        {
            "model": {"name": weights.name, "weights": WEIGHTS_FILE, "licence": weights.licence},
            "made_with": {"torch": torch.__version__},
            "libraries": libraries,
            "files": {path: _sha256(data) for path, data in entries.items()},
        }
    )
    return entries


def write(entries: Mapping[str, bytes], out: Path) -> None:
    """Write a gzipped tar of the entries whose bytes depend on nothing else; the file appears whole or not at all.

    Raises
    ------
    PackageError
        If it cannot be written.
    """
    temporary: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
            temporary = Path(file.name)
            with (
                gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=_COMPRESSION, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
            ):
                for path in sorted(entries):
                    entry = tarfile.TarInfo(path)
                    entry.size = len(entries[path])
                    entry.mode = 0o644
                    archive.addfile(entry, io.BytesIO(entries[path]))
        temporary.chmod(0o644)
        temporary.replace(out)
        temporary = None
    except OSError as error:
        remedy = "Free some space" if error.errno == errno.ENOSPC else "Choose another place with --out"
        raise PackageError(f"The artifact cannot be written to {out}: {error.strerror}. {remedy}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the artifact to write")
    parser.add_argument(
        "--weights",
        default="small",
        metavar="small|coco|FILE",
        help="the model for machines without a GPU, torchvision's COCO weights, or a state dictionary",
    )
    parser.add_argument("--licence", help="the licence of the weights in FILE")
    parser.add_argument("--json", action="store_true", help="print what was built as one JSON object")
    options = parser.parse_args(arguments)
    try:
        weights = find_weights(options.weights, options.licence)
        entries = contents(weights)
        write(entries, options.out)
    except PackageError as error:
        print(f"package.py: {error}", file=sys.stderr)
        return 1
    size, digest = options.out.stat().st_size, _sha256(options.out.read_bytes())
    if options.json:
        built = {
            "artifact": str(options.out),
            "bytes": size,
            "sha256": digest,
            "model": weights.name,
            "entries": len(entries),
        }
        print(json.dumps(built))
    else:
        print(f"{options.out}: {weights.name}, {size / 1e6:.1f} MB, SHA-256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

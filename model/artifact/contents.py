"""Collects the entries of an artifact: weights, handler, wheels, the files for Ray Serve, and a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from artifact.weights import Weights
from artifact.wheels import OLDEST_PYTHON, Wheel, find_wheel
from video_inference.artifact_files import CARD_FILE, WEIGHTS_FILE

MANIFEST_FILE = "manifest.json"

_MODULE = Path(__file__).resolve().parent.parent
# Packages that AWS's PyTorch and Ray images lack.
_WHEELS = ("av",)
# AWS's Ray image looks for these files next to the weights (Deep Learning Containers, "Ray Serve Inference").
_RAY = ("config.yaml", "deployment.py")


def contents(weights: Weights) -> dict[str, bytes]:
    """Collect the entries of an artifact: their content by path in the archive.

    Raises
    ------
    PackageError
        If a wheel cannot be packaged.
    """
    wheels = [find_wheel(name) for name in _WHEELS]
    entries = {
        WEIGHTS_FILE: weights.data,
        CARD_FILE: _json(_card(weights)),
        "LICENSE": (_MODULE.parent / "LICENSE").read_bytes(),
        **{name: (_MODULE / "ray_serve" / name).read_bytes() for name in _RAY},
    }
    for wheel in wheels:
        entries.update({f"code/{path}": data for path, data in wheel.files.items()})
    for file in [_MODULE / "inference.py", *_MODULE.glob("video_inference/**/*.py")]:
        entries[f"code/{file.relative_to(_MODULE).as_posix()}"] = file.read_bytes()
    entries[MANIFEST_FILE] = _json(_manifest(weights, wheels, entries))
    return entries


def _card(weights: Weights) -> dict[str, object]:
    """Return the model card, which the handler reads."""
    return {
        "name": weights.name,
        "architecture": weights.architecture,
        "weights_sha256": _sha256(weights.data),
        "notice": weights.notice,
        "classes": {str(label_id): label for label_id, label in weights.classes.items()},
    }


def _manifest(weights: Weights, wheels: list[Wheel], entries: Mapping[str, bytes]) -> dict[str, object]:
    """Return the manifest: content, versions, hashes and licences of the artifact."""
    return {
        "schema_version": 1,
        "model": {
            "name": weights.name,
            "architecture": weights.architecture,
            "file": WEIGHTS_FILE,
            "sha256": _sha256(weights.data),
            "source": weights.source,
            "licence": weights.licence,
            "notice": weights.notice,
        },
        "handler": {"licence": "Apache-2.0", "licence_file": "LICENSE", "entry": "code/inference.py"},
        "runs_with": {
            "python": f">={'.'.join(str(part) for part in OLDEST_PYTHON)}",
            "platform": "linux x86_64",
            "tried_with": {"torch": version("torch").partition("+")[0]},
        },
        "wheels": [
            {
                "name": wheel.name,
                "version": wheel.version,
                "tags": list(wheel.tags),
                "licence": wheel.licence,
                "notice": wheel.notice,
                "licence_files": sorted(
                    f"code/{path}" for path in wheel.files if "/licenses/" in path or "/sboms/" in path
                ),
                "shared_libraries": sorted(Path(path).name for path in wheel.files if ".libs/" in path),
            }
            for wheel in wheels
        ],
        "files": {path: _sha256(data) for path, data in entries.items()},
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()

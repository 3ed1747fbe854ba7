"""Builds model.tar.gz reproducibly from weights, handler, and the libraries that the serving containers lack."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

from artifact.contents import contents
from artifact.errors import PackageError, UnreachableError
from artifact.stamp import pack
from artifact.weights import CACHE, find_weights

_UNREACHABLE = 3
"""Exit status if the published weights cannot be downloaded."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"Exit status: 0, {_UNREACHABLE} if the COCO weights cannot be downloaded, 1 after other errors.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="artifact to write; not written again if OUT.stamp shows that its inputs are unchanged",
    )
    parser.add_argument(
        "--weights",
        default="small",
        metavar="small|coco|FILE",
        help="small model for machines without a GPU, torchvision's COCO weights, or a state dictionary "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="folder for the downloaded COCO weights (default: %(default)s)"
    )
    parser.add_argument("--licence", help="licence of the weights in FILE")
    parser.add_argument("--json", action="store_true", help="print path, size, hash and content as one JSON object")
    options = parser.parse_args(arguments)
    try:
        weights = find_weights(options.weights, options.licence, options.cache)
        entries = contents(weights)
        pack(entries, options.out)
    except PackageError as error:
        print(f"package.py: {error}", file=sys.stderr)
        return _UNREACHABLE if isinstance(error, UnreachableError) else 1
    packed = options.out.read_bytes()
    size, digest = len(packed), hashlib.sha256(packed).hexdigest()
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

"""Writes the sample videos and the bad files to a folder, with a description of each: `python -m videos --out DIR`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .bad import BAD
from .display import DISPLAY_SAMPLES
from .good import GOOD
from .sample import Sample

LIST = "list.json"


def write_all(folder: Path) -> list[dict[str, object]]:
    """Write every sample to `good/` or `bad/`, and return a description and the expected outcome of each."""
    entries: list[dict[str, object]] = []

    def add(kind: str, sample: Sample, expected: dict[str, object]) -> None:
        path = folder / kind / sample.name
        path.parent.mkdir(parents=True, exist_ok=True)
        size = len(sample.write(path))
        entries.append({"file": f"{kind}/{sample.name}", "kind": kind, "about": sample.about, "bytes": size} | expected)

    for good in GOOD:
        add("good", good, {"truncated": good.share < 1})
    for shown in DISPLAY_SAMPLES:
        add("good", shown, {"truncated": False})
    for bad in BAD:
        add("bad", bad, {"reason": bad.reason})
    (folder / LIST).write_text(json.dumps(entries, indent=2) + "\n", "utf-8")
    return entries


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="videos", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help=f"folder for the files and their description, {LIST}")
    parser.add_argument("--json", action="store_true", help="print the descriptions as JSON")
    options = parser.parse_args(arguments)
    entries = write_all(options.out)
    if options.json:
        print(json.dumps(entries, indent=2))
    else:
        for entry in entries:
            print(f"{entry['bytes']:>8}  {entry['file']:<28} {entry['about']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The benchmark's command line: compares the handler with the blog's design on the same weights and frames."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch

from artifact.contents import contents
from artifact.weights import find_weights
from video_inference.artifact_files import CARD_FILE, WEIGHTS_FILE

from . import cpu, gpu


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


def _print_table(result: dict[str, object]) -> None:
    wanted = cpu.WANTED | gpu.WANTED
    for name, value in result.items():
        if isinstance(value, float):
            aim = f"  (wanted: at least {wanted[name]:g})" if name in wanted else ""
            print(f"{name:<28} {value:>8}{aim}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")
    parser.add_argument("--runs", type=int, default=3, help="of each design, in turn (default: %(default)s)")
    parser.add_argument(
        "--coco-runs", type=int, default=1, help="with the COCO-size model; 0 leaves it out (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=int, default=60, help="of the long videos (default: %(default)s)")
    options = parser.parse_args(arguments)
    chosen = cpu.plan(options.seconds, options.runs, options.coco_runs)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        model_dir = Path(folder)
        for name, data in contents(find_weights("small")).items():
            if name in {CARD_FILE, WEIGHTS_FILE}:
                (model_dir / name).write_bytes(data)
        result = cpu.measure(chosen, model_dir, _say)
        if torch.cuda.is_available():
            result |= gpu.measure(chosen.every_second, model_dir, options.runs, _say)
        else:
            _say("no GPU is here: the keys that start with gpu_ are left out")
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        _print_table(result)
    return 0

"""Compares the handler and the blog's design, with the same weights and frames."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from artifact.contents import contents
from artifact.weights import find_weights
from video_inference.artifact_files import CARD_FILE, WEIGHTS_FILE

from . import bodies, cpu, gpu, planning
from .rows import ALIGNED, rows

_COCO_SECONDS = 2
_NO_GPU = 2


def _log(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


def _print_table(result: dict[str, object]) -> None:
    min_ratios, max_ratios = cpu.MIN_RATIOS | gpu.MIN_RATIOS, planning.MAX_RATIOS
    for name, value in result.items():
        if isinstance(value, float):
            aim = f"  (wanted: at least {min_ratios[name]:g})" if name in min_ratios else ""
            aim += f"  (wanted: at most {max_ratios[name]:g})" if name in max_ratios else ""
            print(f"{name:<34} {value:>8}{aim}")
    measured = result.get("rows")
    for row in measured if isinstance(measured, list) else []:
        print(f"{row['name']:<24} {', '.join(f'{key} {value}' for key, value in row.items() if key.endswith('ratio'))}")


def _measure(options: argparse.Namespace, model_dir: Path) -> dict[str, object]:
    chosen = [row for row in rows(options.seconds) if options.rows is None or row.name in {ALIGNED, *options.rows}]
    result = cpu.measure(chosen, model_dir, options.runs, _log)
    if options.coco_runs > 0:
        result |= cpu.measure_coco(replace(chosen[0], seconds=_COCO_SECONDS), model_dir, options.coco_runs, _log)
    _log("planning: an hour of video")
    result |= planning.measure(options.runs)
    if options.bodies:
        _log(f"bodies: {', '.join(map(str, options.bodies))} MiB through TorchServe")
        result["body_seconds"] = bodies.measure(options.bodies)
    return result | {
        "wanted": {"at_least": cpu.MIN_RATIOS, "at_most": planning.MAX_RATIOS},
        "runs": {"rows and planning": options.runs, "coco_size": options.coco_runs},
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Returns 1 if a step of `--gpu` failed, 2 if there is no GPU, else 0."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument("--runs", type=int, default=3, help="runs of each design, in turn (default: %(default)s)")
    parser.add_argument(
        "--coco-runs", type=int, default=1, help="runs with the COCO-size model; 0 skips it (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=int, default=30, help="length of each row's video in seconds (default: %(default)s)"
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=[row.name for row in rows(1)],
        metavar="NAME",
        help=f"rows to measure in addition to {ALIGNED} (default: all)",
    )
    parser.add_argument(
        "--bodies",
        type=int,
        nargs="*",
        default=[64, 256, 512],
        metavar="MIB",
        help="sizes of bodies to send to TorchServe; no size skips this (default: 64 256 512)",
    )
    parser.add_argument(
        "--gpu",
        action="store_true",
        help=f"measure on the GPU instead, with {gpu.CORES} processor cores, in ten minutes",
    )
    options = parser.parse_args(arguments)
    if options.gpu and not torch.cuda.is_available():
        _log("--gpu needs a GPU that CUDA can use: run it on a machine with one.")
        return _NO_GPU
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        model_dir = Path(folder)
        for name, data in contents(find_weights("small")).items():
            if name in {CARD_FILE, WEIGHTS_FILE}:
                (model_dir / name).write_bytes(data)
        result = gpu.measure(rows(gpu.SECONDS), model_dir, _log) if options.gpu else _measure(options, model_dir)
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        _print_table(result)
    return 1 if result.get("failed") else 0

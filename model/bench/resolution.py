"""Measures speed and accuracy by the model's input size: `python -m bench.resolution`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import box_iou

import sample
from artifact.contents import contents
from artifact.weights import find_weights
from scenes import compose
from video_inference.artifact_files import CARD_FILE, WEIGHTS_FILE
from video_inference.detector import Detector
from video_inference.hardware import choose_hardware
from video_inference.network import Network
from video_inference.picture import Rgb

from . import networks

SIDES = (1333, 1066, 800)
"""Lengths of the longer side in pixels. The first one is the COCO model's limit."""

_FULL_HD = (1920, 1080)
_SCORE = 0.5
_OVERLAP = 0.5


def _picture(seconds: float) -> Rgb:
    return np.array(compose(sample.backdrop(), sample.objects_at(seconds))[0], dtype=np.uint8)


def speed(runs: int) -> dict[int, tuple[float, float]]:
    """Measure the time and the operations of the COCO-size network for a frame of 1080p.

    Parameters
    ----------
    runs
        Number of runs for each size.

    Returns
    -------
    dict
        Seconds (processor time on a CPU, elapsed time on a GPU) and GFLOP, by the longer side in pixels.
    """
    hardware = choose_hardware()
    clock = time.process_time if hardware.device == "cpu" else time.perf_counter
    network = Network(networks.coco(), hardware)
    frame = np.asarray(cv2.resize(_picture(0), _FULL_HD), dtype=np.uint8)
    taken: dict[int, list[float]] = {side: [] for side in SIDES}
    for _ in range(runs + 1):
        for side, seconds in taken.items():
            started = clock()
            network.find([frame], _SCORE, masks=False, max_side=side)
            seconds.append(clock() - started)
    operations = {}
    for side in SIDES:
        with FlopCounterMode(display=False) as counter:
            network.find([frame], _SCORE, masks=False, max_side=side)
        operations[side] = counter.get_total_flops() / 1e9
    # The first run of each size allocates memory and chooses algorithms.
    return {side: (median(seconds[1:]), operations[side]) for side, seconds in taken.items()}


def accuracy(detector: Detector, max_side: int | None, step: float) -> tuple[float, float]:
    """Measure recall and precision of the small model on the sample's street, with a picture every `step` seconds."""
    found = objects = detections = 0
    for number in range(round(sample.SECONDS / step)):
        truths = sample.ground_truth(number * step)
        seen = detector.detect([_picture(number * step)], _SCORE, max_side=max_side)[0]
        objects, detections = objects + len(truths), detections + len(seen)
        for truth in truths:
            boxes = [one.box for one in seen if one.label_id == truth.label_id]
            overlaps = box_iou(torch.tensor(boxes).reshape(-1, 4), torch.tensor([truth.box]))
            found += bool((overlaps >= _OVERLAP).any())
    return found / objects, found / max(1, detections)


def measure(runs: int, step: float) -> list[dict[str, float]]:
    """Measure speed and accuracy. The small model's input size is reduced by the same share, from 256 pixels."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in contents(find_weights("small")).items():
            if name in {CARD_FILE, WEIGHTS_FILE}:
                Path(folder, name).write_bytes(data)
        detector = Detector.load(Path(folder))
    speeds = speed(runs)
    rows = []
    for side in SIDES:
        small = round(256 * side / SIDES[0])
        recall, precision = accuracy(detector, small, step)
        rows.append(
            {
                "max_side": side,
                "seconds_per_frame": round(speeds[side][0], 3),
                "speed_up": round(speeds[SIDES[0]][0] / speeds[side][0], 2),
                "gflop_per_frame": round(speeds[side][1]),
                "small_model_max_side": small,
                "small_model_recall": round(recall, 3),
                "small_model_precision": round(precision, 3),
            }
        )
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="bench.resolution", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each size, in turn (default: %(default)s)")
    parser.add_argument("--step", type=float, default=0.2, help="seconds between the pictures (default: %(default)s)")
    options = parser.parse_args(arguments)
    torch.manual_seed(1)
    print(json.dumps({"device": str(choose_hardware()), "rows": measure(options.runs, options.step)}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

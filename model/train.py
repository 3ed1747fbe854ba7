"""Trains the small model on generated scenes: a fixed number of steps from a seed, weights in half precision."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN
from torchvision.transforms.functional import pil_to_tensor

import scenes
from scores import measure
from shapes import BALL, BIRD, CAR, KINDS, PERSON
from video_inference.architecture import build
from video_inference.detector import load_weights

STEPS = 1000
BATCH = 6
SEED = 20240515
LEARNING_RATE = 2e-3
SCENES = 300

# What has thin limbs is learnt more slowly than what is round or has straight edges.
_SHARES = {PERSON: 0.35, BIRD: 0.3, CAR: 0.175, BALL: 0.175}
# Objects are few pixels wide: a box or a mask that is off by one is wrong sooner than a label is.
_LOSS_WEIGHTS = {"loss_box_reg": 2.0, "loss_mask": 1.5}


def _example(seed: int, step: int, index: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Generate a scene that holds an object, as the (3, H, W) picture and the target that torchvision trains on."""
    rng = np.random.default_rng((seed, step, index))
    image, truths = scenes.scene(rng, _SHARES)
    while not truths:
        image, truths = scenes.scene(rng, _SHARES)
    target = {
        "boxes": torch.tensor([truth.box for truth in truths]),
        "labels": torch.tensor([truth.label_id for truth in truths]),
        "masks": torch.from_numpy(np.stack([truth.mask for truth in truths]).astype(np.uint8)),
    }
    return pil_to_tensor(image).float() / 255, target


def train(steps: int, seed: int) -> MaskRCNN:
    """Train the small model from nothing.

    Parameters
    ----------
    steps
        How many batches of generated scenes it sees.
    seed
        Of the first weights and of the scenes; the same seed and steps give the same weights on machines of a kind.
    """
    # With several threads, the order of sums, and so the weights, would depend on the machine's cores.
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = build("maskrcnn_small").train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    started = time.monotonic()
    for step in range(steps):
        images, targets = zip(*(_example(seed, step, index) for index in range(BATCH)), strict=True)
        losses: dict[str, Tensor] = model(list(images), list(targets))
        loss = torch.stack([value * _LOSS_WEIGHTS.get(name, 1.0) for name, value in losses.items()]).sum()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0 or step == steps - 1:
            parts = ", ".join(f"{name} {value.item():.3f}" for name, value in losses.items())
            seconds = time.monotonic() - started
            print(f"step {step + 1}/{steps}, {seconds:.0f} s: {loss.item():.3f} ({parts})", file=sys.stderr, flush=True)
    return model.eval()


def save(model: MaskRCNN, path: Path) -> None:
    """Write the model's weights as a state dictionary in half precision."""
    state = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def card(weights: Path, steps: int, seed: int) -> dict[str, object]:
    """Describe trained weights: what they are for, where they come from, and how good they are on unseen scenes."""
    model = build("maskrcnn_small")
    load_weights(model, weights)
    return {
        "name": "Mask R-CNN small, generated scenes",
        "architecture": "maskrcnn_small",
        "notice": "The model knows generated scenes only.",
        "classes": {str(kind.label_id): kind.label for kind in KINDS},
        "licence": "Apache-2.0, as this repository; trained on pictures that scenes.py draws and on nothing else",
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "training": {"steps": steps, "batch": BATCH, "seed": seed, "learning_rate": LEARNING_RATE},
        "scores_on_unseen_scenes": measure(model.eval(), seed + 1, SCENES),
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights" / "small.pt")
    parser.add_argument("--measure", action="store_true", help="only write the card of the weights in --out anew")
    options = parser.parse_args()
    if not options.measure:
        save(train(options.steps, options.seed), options.out)
    described = json.dumps(card(options.out, options.steps, options.seed), indent=2) + "\n"
    options.out.with_suffix(".json").write_text(described, "utf-8")
    print(described, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())

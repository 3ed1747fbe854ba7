"""Names of the model's files in an artifact; does not import torch."""

from __future__ import annotations

CARD_FILE = "model.json"
WEIGHTS_FILE = "model.pt"

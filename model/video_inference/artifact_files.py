"""Names of the files beside the code in an artifact; needs no torch."""

from __future__ import annotations

CARD_FILE = "model.json"
WEIGHTS_FILE = "model.pt"

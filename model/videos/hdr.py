"""Converts SDR pictures to HDR pictures of the same content: white is 203 cd/m2, colours are those of BT.2020."""

from __future__ import annotations

from typing import Literal

import numpy as np

from .pictures import Rgb, Rgb16

Curve = Literal["pq", "hlg"]

# Sources: ITU-R BT.2408 (white), BT.1886 (gamma of displays), BT.2087 (colours).
_WHITE = 203.0
_GAMMA = 2.4
_TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def to_hdr(picture: Rgb, curve: Curve) -> Rgb16:
    """Convert an 8-bit picture to a 16-bit one with a transfer curve of ITU-R BT.2100."""
    light = (picture / 255) ** _GAMMA @ _TO_BT2020.T * _WHITE
    code = _pq(light / 10_000) if curve == "pq" else _hlg((light / 1000) ** (1 / 1.2))
    return np.asarray(np.round(np.clip(code, 0, 1) * 65_535), dtype=np.uint16)


def _pq(light: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    power = light ** (2610 / 16_384)
    return np.asarray(((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32), dtype=np.float64)


def _hlg(light: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    bright = 0.17883277 * np.log(np.maximum(12 * light - 0.28466892, 1e-9)) + 0.55991073
    return np.asarray(np.where(light <= 1 / 12, np.sqrt(3 * light), bright), dtype=np.float64)

"""Maps HDR pictures (PQ and HLG) to the range and the colours of ordinary video, for which models are trained."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

HdrTransfer = Literal["smpte2084", "arib-std-b67"]

_Table = npt.NDArray[np.float32]

# ITU-R BT.2408: what is white in ordinary video has 203 cd/m2 in HDR; films are graded for 1,000 cd/m2.
_WHITE = 203.0
_PEAK = 1000.0
# Below this share of white, colours stay as they are.
_KNEE = 0.3
# ITU-R BT.1886: displays of ordinary video.
_DISPLAY_GAMMA = 2.4
_LEVELS, _SHIFT = 4096, 4
# Rows.
_BAND = 16
# ITU-R BT.2087: linear RGB of BT.2020 to that of BT.709.
_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float32
)


def _pq(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Light in cd/m2 by SMPTE ST 2084 (ITU-R BT.2100, table 4)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = code ** (1 / m2)
    return np.asarray(10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1))


def _hlg(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Light in cd/m2 on a display of 1,000 cd/m2 (ITU-R BT.2100, table 5), the system gamma on each channel."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return np.asarray(_PEAK * scene**1.2)


def _compress(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Map light, 1 for white, to 0..1: FFmpeg's Moebius curve (vf_tonemap); below the knee, light stays as it is."""
    peak, knee = _PEAK / _WHITE, _KNEE
    a = -(knee**2) * (peak - 1) / (knee**2 - 2 * knee + peak)
    b = (knee**2 - 2 * knee * peak + peak) / (peak - 1)
    curved = (b**2 + 2 * b * knee + knee**2) / (b - a) * (light + a) / (light + b)
    return np.asarray(np.where(light <= knee, light, np.minimum(curved, 1)))


@cache
def _light_table(transfer: HdrTransfer) -> _Table:
    code = np.linspace(0, 1, _LEVELS)
    light = _pq(code) if transfer == "smpte2084" else _hlg(code)
    return np.asarray(_compress(light / _WHITE), dtype=np.float32)


@cache
def _gamma_table() -> npt.NDArray[np.uint8]:
    return np.asarray(np.round(255 * np.linspace(0, 1, _LEVELS) ** (1 / _DISPLAY_GAMMA)), dtype=np.uint8)


def tone_map(rgb16: npt.NDArray[np.uint16], transfer: HdrTransfer) -> npt.NDArray[np.uint8]:
    """Map RGB of 16 bits with BT.2020's colours to RGB of 8 bits with BT.709's, both of shape (height, width, 3)."""
    mapped = np.empty(rgb16.shape, dtype=np.uint8)
    light, code = _light_table(transfer), _gamma_table()
    # In bands that fit into the processor's caches: whole pictures took several times their memory.
    for top in range(0, len(rgb16), _BAND):
        band = slice(top, top + _BAND)
        linear = light[rgb16[band] >> _SHIFT] @ _TO_BT709.T
        np.clip(linear, 0, 1, out=linear)
        linear *= _LEVELS - 1
        mapped[band] = code[linear.astype(np.uint16)]
    return mapped

"""Maps HDR pictures (PQ and HLG) to the range and the colours of SDR video, which models are trained on."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

HdrTransfer = Literal["smpte2084", "arib-std-b67"]

_Table = npt.NDArray[np.float32]

# ITU-R BT.2408: the white of SDR video is 203 cd/m2 in HDR. The peak of most HDR content is 1,000 cd/m2.
_WHITE = 203.0
_PEAK = 1000.0
# Light below this share of white is not changed.
_KNEE = 0.3
# Gamma of SDR displays (ITU-R BT.1886).
_DISPLAY_GAMMA = 2.4
# The tables have 12 bits.
_LEVELS, _SHIFT = 4096, 4
# Number of rows that are converted at a time.
_BAND = 16
# Linear RGB of BT.2020 to that of BT.709 (ITU-R BT.2087).
_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float32
)


def _pq(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Convert PQ codes, 0 to 1, to light in cd/m2 (SMPTE ST 2084; ITU-R BT.2100, table 4)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = code ** (1 / m2)
    return np.asarray(10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1))


def _hlg(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Convert HLG codes, 0 to 1, to light in cd/m2 on a display of 1,000 cd/m2 (ITU-R BT.2100, table 5).

    The system gamma is applied to each channel separately.
    """
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return np.asarray(_PEAK * scene**1.2)


def _compress(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Map light in units of white to 0 to 1 with FFmpeg's Moebius curve (vf_tonemap), linear below the knee."""
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
    """Map 16-bit RGB of BT.2020 to 8-bit RGB of BT.709, both of shape (height, width, 3)."""
    mapped = np.empty(rgb16.shape, dtype=np.uint8)
    light, code = _light_table(transfer), _gamma_table()
    # In bands that fit into the processor's caches. Whole pictures would need several times their memory.
    for top in range(0, len(rgb16), _BAND):
        band = slice(top, top + _BAND)
        linear = light[rgb16[band] >> _SHIFT] @ _TO_BT709.T
        np.clip(linear, 0, 1, out=linear)
        linear *= _LEVELS - 1
        mapped[band] = code[linear.astype(np.uint16)]
    return mapped

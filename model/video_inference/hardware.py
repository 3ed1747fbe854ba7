"""Chooses what a worker runs its model on, and describes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

Precision = Literal["float32", "float16"]

_CUDA_BATCH = 8
_DRIVER_VERSION = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Hardware:
    """What a model runs on.

    Attributes
    ----------
    device
        torch's name of it.
    precision
        Of convolutions and products of matrices; boxes are always reckoned in float32.
    batch
        Pictures to look at together, at most.
    gpu
        Number of the graphics processor among those of the host, from 0; None on the CPU.
    name
        Of the graphics processor, for people; None on the CPU.
    driver
        Version of NVIDIA's driver, such as "550.163.01"; None if there is none or it does not say.
    cuda
        Version of CUDA that torch was built with, such as "12.4"; None on the CPU.
    """

    device: Literal["cpu", "cuda"]
    precision: Precision
    batch: int
    gpu: int | None = None
    name: str | None = None
    driver: str | None = None
    cuda: str | None = None

    @property
    def torch_device(self) -> torch.device:
        """The device that tensors are put on."""
        return torch.device(self.device) if self.gpu is None else torch.device(self.device, self.gpu)

    def __str__(self) -> str:
        if self.device == "cpu":
            return f"CPU, precision {self.precision}, batch {self.batch}"
        return (
            f"GPU {self.gpu} ({self.name}), driver {self.driver or 'unknown'}, CUDA {self.cuda}, "
            f"precision {self.precision}, batch {self.batch}"
        )


def choose_hardware(gpu: int | None = None) -> Hardware:
    """Take a graphics processor if there is one, with half precision, for which it has units of its own.

    Parameters
    ----------
    gpu
        The number of the one that the server has assigned to this worker; None for the first that the worker sees.
    """
    if not torch.cuda.is_available():
        # Batches were no faster on a CPU, and few have units for half precision.
        return Hardware("cpu", "float32", 1)
    index = 0 if gpu is None else gpu
    # Caches, streams and libraries that are given no device use the current one.
    torch.cuda.set_device(index)
    # Not bfloat16: it has an eighth of the digits, and a T4 would only emulate it.
    return Hardware(
        "cuda", "float16", _CUDA_BATCH, index, torch.cuda.get_device_name(index), _driver_version(), torch.version.cuda
    )


def _driver_version() -> str | None:
    """Read the driver's version from the kernel, which tells it in containers, too."""
    try:
        text = _DRIVER_VERSION.read_text("ascii", errors="replace")
    except OSError:
        return None
    # Such as: NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr  8 12:41:17 UTC 2025
    match = re.search(r"Kernel Module\b.*?\s(\d+(?:\.\d+)+)\s", text)
    return None if match is None else match[1]

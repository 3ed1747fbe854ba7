"""Chooses what a worker runs its model on, and describes it."""

from __future__ import annotations

import logging
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

Precision = Literal["float32", "float16"]

_CUDA_BATCH = 8
_DRIVER_VERSION = Path("/proc/driver/nvidia/version")
_DEVICES = Path("/dev")

_log = logging.getLogger(__name__)


class HardwareError(Exception):
    """A graphics processor is required, and CUDA cannot use one."""


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


def choose_hardware(gpu: int | None = None, *, require_gpu: bool = False) -> Hardware:
    """Take a graphics processor if CUDA can use one, with half precision, for which it has special units; else the CPU.

    A graphics processor that is visible but unusable is logged as a warning.

    Parameters
    ----------
    gpu
        The number of the one that the server has assigned to this worker; None for the first that the worker sees.
    require_gpu
        Whether to fail instead of taking the CPU.

    Raises
    ------
    HardwareError
        If a graphics processor is required and CUDA cannot use it; the message says why and what to do.
    """
    index = 0 if gpu is None else gpu
    problem = _cuda_problem(index)
    if problem is not None:
        driver = _driver_version() or "none"
        if require_gpu:
            raise HardwareError(
                f"REQUIRE_GPU is 1, but CUDA cannot use GPU {index} (NVIDIA driver: {driver}, CUDA of torch: "
                f"{torch.version.cuda or 'none'}): {problem} Choose a machine image whose driver fits the serving "
                "image (the stack's setting inferenceAmi), or set requireGpu to false to work on the CPU."
            )
        if _gpu_is_visible():
            _log.warning("A GPU is there, but CUDA cannot use it (NVIDIA driver: %s): %s", driver, problem)
        # Batches were no faster on a CPU, and few have units for half precision.
        return Hardware("cpu", "float32", 1)
    # Not bfloat16: it has an eighth of the digits, and a T4 would only emulate it.
    return Hardware(
        "cuda", "float16", _CUDA_BATCH, index, torch.cuda.get_device_name(index), _driver_version(), torch.version.cuda
    )


def _cuda_problem(index: int) -> str | None:
    """Use a graphics processor once, and make it the current one.

    Returns
    -------
    str or None
        Why CUDA cannot use it, as one line that ends with a full stop; None if it can.
    """
    if torch.version.cuda is None:
        return "torch is built without CUDA."
    try:
        # torch repeats some errors as warnings; the caller decides how loud they are.
        with warnings.catch_warnings(action="ignore"):
            # Caches, streams and libraries that are given no device use the current one.
            torch.cuda.set_device(index)
            # A driver may load and still lack code for the device: only a kernel's result shows that.
            torch.ones(1, device=torch.device("cuda", index)).add(1).item()
    except (RuntimeError, AssertionError) as error:
        # The first line is the reason; those after it are hints for debugging kernels.
        reason = (str(error).strip() or repr(error)).splitlines()[0].rstrip(".")
        return f"{reason}."
    return None


def _gpu_is_visible() -> bool:
    """Tell whether the host shows a graphics processor of NVIDIA: its driver, or its device files."""
    return _DRIVER_VERSION.exists() or any(_DEVICES.glob("nvidia[0-9]*"))


def _driver_version() -> str | None:
    """Read the driver's version from the kernel, which tells it in containers, too."""
    try:
        text = _DRIVER_VERSION.read_text("ascii", errors="replace")
    except OSError:
        return None
    # Such as: NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr  8 12:41:17 UTC 2025
    match = re.search(r"Kernel Module\b.*?\s(\d+(?:\.\d+)+)\s", text)
    return None if match is None else match[1]

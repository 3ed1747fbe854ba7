"""Chooses the device of a worker's model, and describes it."""

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
    """A GPU is required, but CUDA cannot use one."""


@dataclass(frozen=True)
class Hardware:
    """Device that a model runs on.

    Attributes
    ----------
    device
        torch's name of the device.
    precision
        Precision of convolutions and matrix products. Boxes are always computed in float32.
    batch
        Maximum number of pictures in a batch.
    gpu
        Number of the GPU on its host, from 0; None on the CPU.
    name
        Display name of the GPU; None on the CPU.
    driver
        Version of NVIDIA's driver, such as "550.163.01"; None on the CPU, or if unknown.
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
        """The device as torch's type, for tensors."""
        return torch.device(self.device) if self.gpu is None else torch.device(self.device, self.gpu)

    def __str__(self) -> str:
        if self.device == "cpu":
            return f"CPU, precision {self.precision}, batch {self.batch}"
        return (
            f"GPU {self.gpu} ({self.name}), driver {self.driver or 'unknown'}, CUDA {self.cuda}, "
            f"precision {self.precision}, batch {self.batch}"
        )


def choose_hardware(gpu: int | None = None, *, require_gpu: bool = False) -> Hardware:
    """Choose a GPU with half precision if CUDA can use one, else the CPU.

    A GPU that is visible but unusable is logged as a warning.

    Parameters
    ----------
    gpu
        Number of the GPU that the server has assigned to this worker; None for the first one that the worker sees.
    require_gpu
        True to fail instead of choosing the CPU.

    Raises
    ------
    HardwareError
        If a GPU is required and CUDA cannot use it. The message has the reason and a remedy.
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
            _log.warning("A GPU is visible, but CUDA cannot use it (NVIDIA driver: %s): %s", driver, problem)
        # In a measurement, batches were not faster on a CPU. Few CPUs have units for half precision.
        return Hardware("cpu", "float32", 1)
    # Not bfloat16: it has 8 bits of precision instead of 11, and a T4 only emulates it.
    return Hardware(
        "cuda", "float16", _CUDA_BATCH, index, torch.cuda.get_device_name(index), _driver_version(), torch.version.cuda
    )


def _cuda_problem(index: int) -> str | None:
    """Run a kernel on a GPU, and make the GPU the current one.

    Returns
    -------
    str or None
        Reason why CUDA cannot use it, in one line with a full stop; None if it can.
    """
    if torch.version.cuda is None:
        return "torch is built without CUDA."
    try:
        # torch repeats some errors as warnings. The caller logs or raises the error.
        with warnings.catch_warnings(action="ignore"):
            # Caches, streams and libraries without an explicit device use the current one.
            torch.cuda.set_device(index)
            # torch may have no kernels for the device although the driver loads. Only running a kernel shows that.
            torch.ones(1, device=torch.device("cuda", index)).add(1).item()
    except (RuntimeError, AssertionError) as error:
        # The first line is the reason, the others are hints for debugging kernels.
        reason = (str(error).strip() or repr(error)).splitlines()[0].rstrip(".")
        return f"{reason}."
    return None


def _gpu_is_visible() -> bool:
    """Tell whether NVIDIA's driver or its device files are visible."""
    return _DRIVER_VERSION.exists() or any(_DEVICES.glob("nvidia[0-9]*"))


def _driver_version() -> str | None:
    """Read the driver's version from the kernel, which also works in containers."""
    try:
        text = _DRIVER_VERSION.read_text("ascii", errors="replace")
    except OSError:
        return None
    # Example: NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr  8 12:41:17 UTC 2025
    match = re.search(r"Kernel Module\b.*?\s(\d+(?:\.\d+)+)\s", text)
    return None if match is None else match[1]

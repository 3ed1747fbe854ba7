"""Classifies the errors of a GPU: those that can be retried, and those that end the worker process."""

from __future__ import annotations

import gc
import logging
import os
import re
import sys
from typing import NoReturn

import torch

# cuBLAS and cuDNN do not raise torch.OutOfMemoryError. cuBLAS reports "not initialized" if its workspace does not fit.
_OUT_OF_MEMORY = re.compile(
    r"out of memory|can't allocate memory|ALLOC_FAILED|ALLOCATION_FAILED|CUBLAS_STATUS_NOT_INITIALIZED", re.IGNORECASE
)
_DEVICE_ERROR = re.compile(r"CUDA (driver )?error|cuDNN error|CU[A-Z]+_STATUS_")
_EXIT_STATUS = 1

_log = logging.getLogger(__name__)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether the memory of the GPU or of the host ran out, so that a smaller batch may fit."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(str(error)) is not None


def is_sticky(error: BaseException) -> bool:
    """Tell whether the process has lost its GPU, so that every later call would fail with the same error.

    After an illegal access, a device-side assert, an ECC error or a launch failure, "any further CUDA work will return
    the same error. To continue using CUDA, the process must be terminated and relaunched" (CUDA Runtime API,
    cudaError). Other errors of the driver and its libraries count too: an unnecessary restart costs seconds, but a
    worker that stays broken fails every video.
    """
    return isinstance(error, RuntimeError) and not is_out_of_memory(error) and bool(_DEVICE_ERROR.search(str(error)))


def free_memory() -> None:
    """Return the memory that torch caches to the GPU."""
    gc.collect()
    torch.cuda.empty_cache()


def end_worker(error: BaseException) -> NoReturn:
    """Log an error and end this process at once; the server starts another one.

    SystemExit does not work here: it runs the exit handlers of libraries, which wait for the GPU.
    """
    _log.critical("The GPU is lost to this worker, which ends now. The server starts another one.", exc_info=error)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(_EXIT_STATUS)

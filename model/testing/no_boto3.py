"""Handler whose container has no boto3.

Tests put this file into an unpacked artifact, and SAGEMAKER_PROGRAM makes SageMaker's toolkit load it.
"""

from __future__ import annotations

import sys

from inference import model_fn, transform_fn

__all__ = ["model_fn", "transform_fn"]

# The import system takes None for a module that does not exist.
sys.modules["boto3"] = None  # type: ignore[assignment]

"""Base class of sample videos, which encodes each of them once in a process."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Sample(ABC):
    """A sample video.

    Attributes
    ----------
    name
        Name of the file. The suffix chooses the container.
    about
        Short description.
    """

    name: str
    about: str

    @abstractmethod
    def encode(self, path: Path) -> bytes:
        """Encode the video to a path in an empty folder, and return the content."""

    @cached_property
    def body(self) -> bytes:
        """Content of the file."""
        with tempfile.TemporaryDirectory(prefix="sample-") as folder:
            return self.encode(Path(folder, self.name))

    def write(self, path: Path) -> bytes:
        """Write the file to a path, and return the content."""
        path.write_bytes(self.body)
        return self.body

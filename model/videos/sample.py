"""Base class of sample videos, which encodes each of them once in a process."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
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


@dataclass(frozen=True)
class MadeSample(Sample):
    """A sample video that a function makes.

    Attributes
    ----------
    make
        Writes the video to a path, and returns the content. May write temporary files next to it.
    """

    make: Callable[[Path], bytes]

    def encode(self, path: Path) -> bytes:
        """Make the video at a path with the suffix of its name, and return the content."""
        return self.make(path)

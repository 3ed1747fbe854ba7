"""What the sample videos have in common: each is encoded once in a process, however often it is written."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Sample(ABC):
    """A video that can be written.

    Attributes
    ----------
    name
        Of the file; the container follows from it.
    about
        What is special about it, in a few words.
    """

    name: str
    about: str

    @abstractmethod
    def encode(self, path: Path) -> bytes:
        """Encode it to a path, in a folder that has no other files, and return its bytes."""

    @cached_property
    def body(self) -> bytes:
        """The file's bytes."""
        with tempfile.TemporaryDirectory(prefix="sample-") as folder:
            return self.encode(Path(folder, self.name))

    def write(self, path: Path) -> bytes:
        """Write it to a path and return its bytes."""
        path.write_bytes(self.body)
        return self.body

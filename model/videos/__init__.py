"""Generates videos for tests, the fuzzer, the benchmark and manual trials: `python -m videos --help`."""

from .boxes import turned
from .pictures import HEIGHT, WIDTH, number_of, numbered
from .times import regular
from .writer import Codec, write, write_numbered, write_sound

__all__ = [
    "HEIGHT",
    "WIDTH",
    "Codec",
    "number_of",
    "numbered",
    "regular",
    "turned",
    "write",
    "write_numbered",
    "write_sound",
]

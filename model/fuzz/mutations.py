"""Damages files at random. Each file depends only on the seed of the run and the number of the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Mutation = Callable[[bytearray, np.random.Generator], None]

# Bytes at the beginning and the end where formats store sizes. Damage there reaches more code than in pictures.
_EDGE = 2000
_NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def _place(body: bytearray, rng: np.random.Generator) -> int:
    """Choose a position, half of the time near the beginning or the end."""
    near = int(rng.integers(min(_EDGE, len(body)))) if rng.random() < 0.5 else int(rng.integers(len(body)))
    return len(body) - 1 - near if rng.random() < 0.3 else near


def _span(body: bytearray, rng: np.random.Generator) -> slice:
    """Choose a range of up to an eighth of the file. Short ranges are more likely."""
    start = _place(body, rng)
    return slice(start, start + 1 + int(rng.random() ** 3 * len(body) / 8))


def flip_bits(body: bytearray, rng: np.random.Generator) -> None:
    """Invert up to 16 bits."""
    for _ in range(rng.integers(1, 17)):
        body[_place(body, rng)] ^= 1 << int(rng.integers(8))


def write_noise(body: bytearray, rng: np.random.Generator) -> None:
    """Overwrite a range with noise."""
    span = _span(body, rng)
    body[span] = rng.bytes(len(body[span]))


def write_zeros(body: bytearray, rng: np.random.Generator) -> None:
    """Overwrite a range with zeros."""
    span = _span(body, rng)
    body[span] = bytes(len(body[span]))


def write_number(body: bytearray, rng: np.random.Generator) -> None:
    """Overwrite 1 to 8 bytes with a number at the limit of an integer type, in either byte order."""
    size = int(rng.choice((1, 2, 4, 8)))
    number = int(rng.choice(_NUMBERS)) % (1 << 8 * size)
    start = _place(body, rng)
    body[start : start + size] = number.to_bytes(size, "big" if rng.random() < 0.7 else "little")


def drop(body: bytearray, rng: np.random.Generator) -> None:
    """Remove a range."""
    del body[_span(body, rng)]


def repeat(body: bytearray, rng: np.random.Generator) -> None:
    """Insert a copy of a range at another position."""
    span = _span(body, rng)
    place = _place(body, rng)
    body[place:place] = body[span]


def insert(body: bytearray, rng: np.random.Generator) -> None:
    """Insert up to 64 bytes of noise."""
    place = _place(body, rng)
    body[place:place] = rng.bytes(int(rng.integers(1, 65)))


def cut(body: bytearray, rng: np.random.Generator) -> None:
    """Remove the end."""
    del body[_place(body, rng) :]


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits,
    write_noise,
    write_zeros,
    write_number,
    write_number,
    drop,
    repeat,
    insert,
    cut,
)


def damaged(originals: Sequence[bytes], seed: int, number: int) -> bytes:
    """Return a damaged file: an original, or the start of one and the end of another, with 1 to 4 mutations.

    Parameters
    ----------
    originals
        Files to damage, at least one.
    seed
        Seed of the run.
    number
        Number of the file in the run.
    """
    rng = np.random.default_rng((seed, number))
    body = bytearray(originals[int(rng.integers(len(originals)))])
    if rng.random() < 0.1:
        other = originals[int(rng.integers(len(originals)))]
        body[int(rng.integers(len(body) + 1)) :] = other[int(rng.integers(len(other) + 1)) :]
    for _ in range(rng.integers(1, 5)):
        if body:
            MUTATIONS[rng.integers(len(MUTATIONS))](body, rng)
    return bytes(body)

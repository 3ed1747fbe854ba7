"""Damages files at random, repeatably: each of a run's files depends on the run's seed and its own number alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Mutation = Callable[[bytearray, np.random.Generator], None]

# Where formats keep sizes and counts: damage there reaches more code than damage in pictures.
_EDGE = 2000
_NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def _place(body: bytearray, rng: np.random.Generator) -> int:
    """Choose a position, half of the time near the beginning or the end."""
    near = int(rng.integers(min(_EDGE, len(body)))) if rng.random() < 0.5 else int(rng.integers(len(body)))
    return len(body) - 1 - near if rng.random() < 0.3 else near


def _span(body: bytearray, rng: np.random.Generator) -> slice:
    """Choose a range of up to an eighth of the file; short ones are likelier."""
    start = _place(body, rng)
    return slice(start, start + 1 + int(rng.random() ** 3 * len(body) / 8))


def flip_bits(body: bytearray, rng: np.random.Generator) -> None:
    """Turn up to 16 bits over."""
    for _ in range(rng.integers(1, 17)):
        body[_place(body, rng)] ^= 1 << int(rng.integers(8))


def write_noise(body: bytearray, rng: np.random.Generator) -> None:
    """Write noise over a range."""
    span = _span(body, rng)
    body[span] = rng.bytes(len(body[span]))


def write_zeros(body: bytearray, rng: np.random.Generator) -> None:
    """Write zeros over a range."""
    span = _span(body, rng)
    body[span] = bytes(len(body[span]))


def write_number(body: bytearray, rng: np.random.Generator) -> None:
    """Write a number from the edge of what fits over 1 to 8 bytes, in either order."""
    size = int(rng.choice((1, 2, 4, 8)))
    number = int(rng.choice(_NUMBERS)) % (1 << 8 * size)
    start = _place(body, rng)
    body[start : start + size] = number.to_bytes(size, "big" if rng.random() < 0.7 else "little")


def drop(body: bytearray, rng: np.random.Generator) -> None:
    """Take a range out."""
    del body[_span(body, rng)]


def repeat(body: bytearray, rng: np.random.Generator) -> None:
    """Put a range in a second time, anywhere."""
    span = _span(body, rng)
    place = _place(body, rng)
    body[place:place] = body[span]


def insert(body: bytearray, rng: np.random.Generator) -> None:
    """Put up to 64 bytes of noise in."""
    place = _place(body, rng)
    body[place:place] = rng.bytes(int(rng.integers(1, 65)))


def cut(body: bytearray, rng: np.random.Generator) -> None:
    """Cut the end off."""
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
    """Make the file of a number: an original, or the head of one and the tail of another, damaged 1 to 4 times.

    Parameters
    ----------
    originals
        At least one.
    seed, number
        Of the run, and of the file in it.
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

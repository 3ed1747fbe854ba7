"""Tests of the prefetcher: limits, order, errors and deadlines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import chain, islice

import pytest

from video_inference.prefetcher import Prefetcher


class Source:
    """Source that counts its items and records when it is closed."""

    def __init__(self, count: int, fail_at: int | None = None) -> None:
        self.made = 0
        self.closed = threading.Event()
        self._count = count
        self._fail_at = fail_at

    def items(self) -> Iterator[int]:
        try:
            for number in range(self._count):
                if number == self._fail_at:
                    raise ValueError("broken")
                self.made += 1
                yield number
        finally:
            self.closed.set()


def test_all_items_arrive_in_order() -> None:
    with Prefetcher(Source(500).items(), 3) as prefetcher:
        assert list(chain.from_iterable(prefetcher.batches(1))) == list(range(500))


@pytest.mark.parametrize("depth", [1, 4])
def test_the_source_never_runs_further_ahead_than_the_limit(depth: int) -> None:
    source = Source(60)
    furthest = 0
    with Prefetcher(source.items(), depth) as prefetcher:
        for consumed, _ in enumerate(prefetcher.batches(1), 1):
            # A slow consumer, so that the thread has time to exceed the limit.
            threading.Event().wait(0.003)
            furthest = max(furthest, source.made - consumed)
    assert 1 <= furthest <= depth + 1


def test_an_error_of_the_source_follows_the_items_before_it() -> None:
    with Prefetcher(Source(10, fail_at=7).items(), 2) as prefetcher:
        items = prefetcher.batches(1)
        assert list(islice(items, 7)) == [[number] for number in range(7)]
        with pytest.raises(ValueError, match="broken"):
            next(items)


def test_a_consumer_that_fails_stops_the_thread_and_closes_the_source() -> None:
    source = Source(1_000_000)

    def consume() -> None:
        with Prefetcher(source.items(), 2) as prefetcher:
            for (item,) in prefetcher.batches(1):
                if item == 5:
                    raise KeyError(item)

    with pytest.raises(KeyError):
        consume()
    assert source.closed.is_set()
    assert "prefetcher" not in [thread.name for thread in threading.enumerate()]
    assert source.made <= 5 + 1 + 2 + 1


def test_the_time_in_the_source_is_counted() -> None:
    def slow() -> Iterator[int]:
        for number in range(5):
            threading.Event().wait(0.01)
            yield number

    with Prefetcher(slow(), 2) as prefetcher:
        list(prefetcher.batches(1))
    assert prefetcher.busy_seconds >= 0.05


def test_batches_have_the_waiting_items_in_order_up_to_their_size() -> None:
    source = Source(100)
    with Prefetcher(source.items(), 8) as prefetcher:
        batches = []
        for batch in prefetcher.batches(5):
            batches.append(batch)
            threading.Event().wait(0.005)
    assert [item for batch in batches for item in batch] == list(range(100))
    assert {len(batch) for batch in batches} <= {1, 2, 3, 4, 5}
    # A slow consumer gets full batches.
    assert max(len(batch) for batch in batches) == 5


def test_a_slow_source_gives_short_batches() -> None:
    def slow() -> Iterator[int]:
        for number in range(5):
            threading.Event().wait(0.02)
            yield number

    with Prefetcher(slow(), 8) as prefetcher:
        # Waiting for a full batch would give a list of five.
        assert len(next(prefetcher.batches(5))) < 5


def test_a_deadline_ends_the_wait_for_a_slow_source() -> None:
    stop = threading.Event()

    def slow() -> Iterator[int]:
        yield 0
        stop.wait(60)
        yield 1

    with Prefetcher(slow(), 2) as prefetcher:
        batches = list(prefetcher.batches(1, time.monotonic() + 0.2))
        stop.set()
    assert (batches, prefetcher.deadline_passed) == ([[0]], True)


def test_a_passed_deadline_discards_waiting_items() -> None:
    source = Source(3)
    with Prefetcher(source.items(), 5) as prefetcher:
        assert source.closed.wait(60)
        assert list(prefetcher.batches(1, time.monotonic())) == []
    assert prefetcher.deadline_passed


def test_a_source_may_end_before_the_deadline() -> None:
    with Prefetcher(Source(3).items(), 5) as prefetcher:
        assert list(prefetcher.batches(1, time.monotonic() + 60)) == [[0], [1], [2]]
    assert not prefetcher.deadline_passed

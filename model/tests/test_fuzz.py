"""Tests of the fuzzer: it detects crashes, hangs, growth and wrong samples."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fuzz import __main__ as command
from fuzz.campaign import Campaign, originals
from fuzz.growth import MAX_GROWTH_BYTES, ResourceUsage, growth_of
from fuzz.mutations import MUTATIONS, Mutation, damaged
from fuzz.packets import PacketDamage, intact_videos
from fuzz.watchdog import CrashError, HangError, Watchdog
from tests.scripted_worker import GOOD_ANSWER, scripted_worker


@pytest.mark.long
def test_one_process_survives_eighty_damaged_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The limit is high, because a machine under load is slow. A hang takes longer.
    arguments = ["--files", "80", "--packets", "38", "--seed", "7", "--limit", "60", "--keep", str(tmp_path), "--json"]
    status = command.main(arguments)
    report = json.loads(capsys.readouterr().out)
    assert report["faults"] == []
    assert status == 0
    assert report["files"] == sum(report["statuses"].values()) == 80
    assert report["statuses"]["200"] >= 20
    assert report["packets"]["faults"] == []
    assert report["packets"]["statuses"] == {"200": 38}
    assert list(tmp_path.iterdir()) == []


def test_a_crash_is_reported_and_the_next_file_gets_a_new_worker() -> None:
    with Watchdog(60, scripted_worker) as watchdog:
        assert watchdog.send(b"fine") == GOOD_ANSWER
        with pytest.raises(CrashError, match=r"ended with -6:\s+scripted worker: last line of the log"):
            watchdog.send(b"crash")
        assert watchdog.send(b"fine") == GOOD_ANSWER
        assert watchdog.started == 2


def test_a_hanging_worker_is_killed() -> None:
    with Watchdog(0.5, scripted_worker) as watchdog:
        with pytest.raises(HangError, match=r"no answer after 0\.5 s"):
            watchdog.send(b"hang")
        assert watchdog.started == 1


def test_files_that_fail_are_reported_and_kept(tmp_path: Path) -> None:
    with Watchdog(60, scripted_worker) as watchdog:
        report = Campaign(3, watchdog, tmp_path / "kept", lambda _done: None).run(
            [b"fine", b"raise", b"crash", b"fine"]
        )
    assert report.statuses == {200: 2, 500: 1}
    assert [(failure.number, failure.kind) for failure in report.failures] == [(1, "exception"), (2, "crash")]
    assert "KeyError" in report.failures[0].what
    assert [Path(failure.file).read_bytes() for failure in report.failures] == [b"raise", b"crash"]
    assert report.faults == ["1 x crash", "1 x exception"]


def test_a_kept_file_can_be_sent_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kept.bin"
    file.write_bytes(b"no video")
    assert command.main(["--again", str(file), "--json", "--limit", "60"]) == 0
    assert json.loads(capsys.readouterr().out)["statuses"] == {"400": 1}


def usages(count: int, *, memory: int = 0, files: float = 0, threads: float = 0) -> list[ResourceUsage]:
    """Return the resources of a worker that leaks this much per body, with some noise in its memory."""
    return [
        ResourceUsage(
            5 * 10**8 + number * memory + number % 7 * 10**6, 9 + int(number * files), 4 + int(number * threads)
        )
        for number in range(count)
    ]


def test_a_worker_without_leaks_does_not_grow() -> None:
    assert growth_of(usages(2000)).faults == []
    assert growth_of(usages(1)).faults == []


def test_a_small_leak_is_reported() -> None:
    leak = 2 * MAX_GROWTH_BYTES // 2000
    assert growth_of(usages(2000, memory=leak)).faults[0].startswith("memory grew by")
    assert growth_of(usages(2000, files=0.01)).faults == ["open files grew from 14 to 28"]
    assert growth_of(usages(80, threads=0.1)).faults == ["threads grew from 6 to 11"]


def test_growth_during_the_warm_up_is_ignored() -> None:
    cold = [ResourceUsage(10**8 * number, number, 1) for number in range(5)]
    assert growth_of(cold + usages(95)).faults == []


def test_a_damaged_file_depends_only_on_seed_and_number() -> None:
    bodies = [bytes(range(256)) * 20, b"abc" * 1000]
    files = [damaged(bodies, 1, number) for number in range(50)]
    assert files == [damaged(bodies, 1, number) for number in range(50)]
    assert len(set(files)) == 50
    assert len({damaged(bodies, seed, 0) for seed in range(50)}) == 50


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_every_mutation_accepts_a_file_of_one_byte(mutation: Mutation) -> None:
    for seed in range(200):
        mutation(bytearray(b"x"), np.random.default_rng(seed))


def test_the_originals_are_small_enough_to_send_thousands() -> None:
    assert max(map(len, originals())) < 70_000


def test_changed_samples_outside_the_damaged_group_are_reported() -> None:
    (film,) = (one for one in intact_videos() if one.name == "rate-25.mp4")
    damage = PacketDamage([film], 1)
    bodies = list(damage.bodies(5))
    assert bodies == list(damage.bodies(5))
    assert all(len(body) == len(film.body) and body != film.body for body in bodies)
    answer = replace(GOOD_ANSWER, samples=tuple(film.samples.items()))
    assert damage.check(0, answer) == ""
    film_packet = "packet 47 of rate-25.mp4 were damaged (1.440 to 1.920 s)"
    assert film_packet in damage.check(0, replace(answer, samples=()))
    for second, named in ((Fraction(1), "1.000 s"), (Fraction(8, 5), "")):
        wrong = replace(answer, samples=tuple((film.samples | {second: 0}).items()))
        assert damage.check(0, wrong).endswith(named)
        missing = replace(answer, samples=tuple(one for one in film.samples.items() if one[0] != second))
        assert damage.check(0, missing).endswith(named and f"{named} is missing")
    new = replace(answer, samples=(*film.samples.items(), (Fraction(3, 10), 0)))
    assert damage.check(0, new).endswith("0.300 s is new")

"""Sends damaged videos to one process that runs the handler, and fails if it crashes, hangs or grows."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from .campaign import Campaign, Report, originals
from .mutations import damaged
from .packets import PacketDamage, intact_videos
from .watchdog import Watchdog
from .worker import serve_samples

_ROOT = Path(__file__).resolve().parent.parent.parent


def _progress(total: int) -> Callable[[int], None]:
    """Return a function that prints progress to stderr: one updated line on a terminal, a line per 10 % in a log."""
    started = time.monotonic()
    live = sys.stderr.isatty()
    step = max(1, total // (100 if live else 10))

    def show(done: int) -> None:
        if done % step == 0 or done == total:
            seconds = time.monotonic() - started
            end = "\r" if live and done < total else "\n"
            print(f"fuzz: {done}/{total} files, {seconds:.0f} s", end=end, file=sys.stderr, flush=True)

    return show


def _as_json(report: Report) -> dict[str, object]:
    return {
        "seed": report.seed,
        "files": sum(report.statuses.values())
        + sum(1 for failure in report.failures if failure.kind in {"crash", "hang"}),
        "statuses": {str(status): count for status, count in sorted(report.statuses.items())},
        "failures": [asdict(failure) for failure in report.failures],
        "slowest_seconds": round(report.slowest, 3),
        "peak_memory": report.peak,
        "growth": None if report.growth is None else asdict(report.growth),
        "faults": report.faults,
    }


def _print_summary(report: Report) -> None:
    for failure in report.failures:
        print(f"file {failure.number}: {failure.kind}, kept as {failure.file}\n{failure.what.rstrip()}\n")
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(report.statuses.items()))
    print(f"answers       {statuses or 'none'}")
    print(f"slowest file  {report.slowest:.2f} s")
    if report.growth is not None:
        warm, end = report.growth.warm, report.growth.end
        print(f"memory        {warm.memory / 1e6:.0f} MB when warm, {end.memory / 1e6:.0f} MB at the end")
        print(f"open files    {warm.files} when warm, {end.files} at the end")
        print(f"threads       {warm.threads} when warm, {end.threads} at the end")
    print("result        " + ("; ".join(report.faults) or "no crash, no hang, no growth"))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Returns 1 if a file fails or the process grows, else 0."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="damaged files to send (default: %(default)s)")
    parser.add_argument(
        "--packets", type=int, default=500, help="files with one damaged packet to send (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the damage (default: %(default)s)")
    parser.add_argument(
        "--limit", type=float, default=10, help="time limit for a file in seconds (default: %(default)s)"
    )
    parser.add_argument(
        "--keep", type=Path, default=_ROOT / ".local" / "fuzz", help="folder for files that fail (default: .local/fuzz)"
    )
    parser.add_argument("--again", type=Path, nargs="+", metavar="FILE", help="send these files unchanged instead")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    again: list[Path] | None = options.again
    if again is None:
        base = originals()
        bodies = (damaged(base, options.seed, number) for number in range(options.files))
    else:
        bodies = (file.read_bytes() for file in again)
    with Watchdog(options.limit) as watchdog:
        progress = _progress(options.files if again is None else len(again))
        report = Campaign(options.seed, watchdog, options.keep, progress).run(bodies)
    packets: Report | None = None
    if again is None and options.packets > 0:
        damage = PacketDamage(intact_videos(), options.seed)
        with Watchdog(options.limit, serve_samples) as watchdog:
            keep, progress = options.keep / "packets", _progress(options.packets)
            campaign = Campaign(options.seed, watchdog, keep, progress, damage.check)
            packets = campaign.run(damage.bodies(options.packets))
    if options.json:
        print(json.dumps(_as_json(report) | {"packets": packets and _as_json(packets)}, indent=2))
    else:
        _print_summary(report)
        if packets is not None:
            print("\nFiles with one damaged packet each:")
            _print_summary(packets)
    return 1 if report.faults or (packets is not None and packets.faults) else 0


if __name__ == "__main__":
    sys.exit(main())

"""`make bench-console`: what each page costs on the server at a million loans and a thousand members."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from consolebench.filler import TODAY, Sizes, fill
from consolebench.visiting import MY_PAGES, MY_WORKBOOKS, PAGES, WORKBOOKS, Visit, visiting

from huxin.cli.setup import prepare
from huxin.registry import embedded
from huxin.registry.sector import close_sector
from huxin.registry.session import connection, forget_engine
from huxin.settings import SHANGHAI, Settings

LIMIT_MS = 300
_NIGHT = datetime(TODAY.year, TODAY.month, TODAY.day, 22, 0, tzinfo=SHANGHAI)


def main() -> None:
    """Fills a home of the bench's own, opens each page, prints its milliseconds; the last line is one JSON object."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the server must not stay
    asked = _arguments()
    root = os.environ.get("HUXIN_BENCH_DIR")
    with tempfile.TemporaryDirectory(prefix="huxin-console-", dir=root) as folder:
        settings = replace(Settings(home=Path(folder) / "home"), fixed_now=_NIGHT)
        try:
            figures = _measured(settings, asked)
        finally:
            forget_engine(settings)
            embedded.stop(settings)
    print(json.dumps(figures))
    if figures["slowest_ms"] > LIMIT_MS:
        sys.exit(1)


def _measured(settings: Settings, asked: argparse.Namespace) -> dict[str, float]:
    prepare(settings)
    begun = perf_counter()
    fill(settings, Sizes(asked.loans, asked.members, asked.enquiries, asked.loans // 20))
    print(f"filled in {perf_counter() - begun:.0f} s", flush=True)
    figures: dict[str, float] = {"loans": asked.loans, "members": asked.members, "enquiries": asked.enquiries}
    with connection(settings) as database:
        begun = perf_counter()
        close_sector(database, settings.now())
        figures["close_s"] = round(perf_counter() - begun, 2)
    with visiting(settings) as visit:
        pages = {f"{name}_ms": _timed(visit, name, asked.repeat) for name in (*PAGES, *MY_PAGES)}
        books = {f"{name}_ms": _timed(visit, name, asked.repeat) for name in (*WORKBOOKS, *MY_WORKBOOKS)}
    slowest = {"slowest_workbook_ms": max(books.values()), "slowest_ms": max(pages.values())}
    return figures | pages | books | slowest


def _timed(visit: Visit, name: str, repeat: int) -> float:
    """The median of some openings after a first that warms caches, in milliseconds on the server."""
    size = visit.open(name)
    times = []
    for _ in range(repeat):
        begun = perf_counter()
        visit.open(name)
        times.append((perf_counter() - begun) * 1000)
    print(f"  {name:<24}{median(times):8.1f} ms{size:>12,} bytes", flush=True)
    return round(median(times), 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loans", type=int, default=1_000_000)
    parser.add_argument("--members", type=int, default=1_000)
    parser.add_argument("--enquiries", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""`make bench-enquiry`: enquiries and reservations, as ratios to what the same machine does at the same time."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from enquirybench import statements
from enquirybench.growth import TIMES, growth
from enquirybench.home import Filled, copied, filled, reused, running_home
from enquirybench.people import SAMPLE, sample, write_keys
from enquirybench.promises import promises
from enquirybench.speed import Stand, race, stand
from enquirybench.stages import time_stages

PARTS = ("profile", "race", "growth", "reservations")
Figures = dict[str, float]


def main() -> None:
    """Runs the parts asked for; the last line printed is one JSON object."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # no server must stay
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job begins without
    asked = _arguments()
    root = Path(os.environ.get("HUXIN_BENCH_DIR") or ".huxin-bench").absolute()
    figures: Figures = {"loans": asked.loans}
    with running_home(root) as home:
        source = filled(home, asked.loans)
        large = filled(home, asked.loans * TIMES) if "growth" in asked.only else None
        with copied(home, source) as copy:
            chosen = sample(copy, min(SAMPLE, copy.book.subjects))
            write_keys(copy, chosen)
            statements.prepare(copy)
            with stand(copy, chosen) as at:
                figures |= _measured(at, large, asked)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def _measured(at: Stand, large: Filled | None, asked: argparse.Namespace) -> Figures:
    figures: Figures = {}
    if "profile" in asked.only:
        figures |= time_stages(at)
    if "race" in asked.only:
        figures |= race(at, asked.seconds, asked.rounds)
    if large is not None:
        with reused(large) as kept:
            figures |= growth(at, kept, asked.seconds, asked.rounds)
    if "reservations" in asked.only:
        figures |= promises(at, asked.seconds, asked.rounds)
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--loans", type=int, default=1_000_000, help="loans in the registry (default 1,000,000)"
    )
    parser.add_argument("--seconds", type=float, default=8, help="of each measurement (default 8)")
    parser.add_argument("--rounds", type=int, default=3, help="whose middle one counts (default 3)")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts to run, of {','.join(PARTS)}")
    parser.add_argument(
        "--growth", action=argparse.BooleanOptionalAction, default=True, help="also at ten times the loans"
    )
    asked = parser.parse_args()
    asked.only = set(asked.only.split(",")) - (set() if asked.growth else {"growth"})
    if asked.only - set(PARTS):
        parser.error(f"--only takes {', '.join(PARTS)}")
    return asked


if __name__ == "__main__":
    main()

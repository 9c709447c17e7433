"""`make bench-night`: the night's speed and memory, its speed as ratios to a bare COPY of its rows."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from nightbench.data import Inbox, big, first_and_second, small
from nightbench.home import Measured, clear_homes, fresh_home, history_rows, night, outcomes, server_uri
from nightbench.reference import Reference, measure_copy

PARTS = ("first", "second", "gx", "10m", "small")
Figures = dict[str, float]


def main() -> None:
    """Runs the parts asked for; the last line printed is one JSON object."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the server must not stay
    asked = _arguments()
    root = Path(os.environ.get("HUXIN_BENCH_DIR") or ".huxin-bench").absolute()
    clear_homes(root)
    try:
        figures = _measured(root, asked)
    finally:
        clear_homes(root)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def _measured(root: Path, asked: argparse.Namespace) -> Figures:
    figures: Figures = {"rows": asked.rows}
    if {"first", "second", "gx", "small"} & asked.only:
        figures |= _nights(root, asked.rows, "second" in asked.only, asked.repeat)
    if "small" in asked.only:
        figures |= _many_small(root, asked.rows, figures["first_s"])
    if "10m" in asked.only:
        figures |= _memory(root, asked.rows * 10)
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="rows of the first night (default 1,000,000)"
    )
    parser.add_argument(
        "--repeat", type=int, default=1, help="first and second nights, their medians (default 1)"
    )
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts to run, of {','.join(PARTS)}")
    asked = parser.parse_args()
    asked.only = set(asked.only.split(","))
    if asked.only - set(PARTS):
        parser.error(f"--only takes {', '.join(PARTS)}")
    return asked


def _nights(root: Path, rows: int, with_second: bool, repeat: int) -> Figures:
    """First and second night in one home each time, with the COPY to compare them with after either.

    Right before the first night another one is run in a home of its own, and the first COPY of each kind does not
    count either: what has to be fetched once (files, code, memory of a virtual machine's host) is fetched by these.
    """
    inboxes = first_and_second(root, rows)
    firsts, seconds, copies = [], [], []
    for turn in range(repeat):
        with fresh_home(root / f"home-nights-{turn}", inboxes[0].members) as home:
            with fresh_home(root / f"home-uncounted-{turn}", inboxes[0].members) as other:
                _run(other, inboxes[0], "first night, not counted")
            firsts.append(_run(home, inboxes[0], "first night"))
            copies.append(_copied(home))
            if with_second:
                seconds.append(_run(home, inboxes[1], "second night"))
                print(f"  {inboxes[1].changed:,} rows changed, {history_rows(home):,} went to history")
                copies.append(_copied(home))
    copy_s, first_s = _median_run(copies, "text"), median(one.seconds for one in firsts)
    figures = {
        "first_ratio": copy_s / first_s,
        "first_s": first_s,
        "copy_s": copy_s,
        "copy_binary_s": _median_run(copies, "binary"),
        "gx_s": median(_gx_seconds(one.stages) for one in firsts),
        "import_s": median(one.imports for one in firsts),
        "peak_mib_first": max(one.peak_mib for one in firsts),
    }
    if seconds:
        figures["second_s"] = median(one.seconds for one in seconds)
        figures["second_ratio"] = copy_s / figures["second_s"]
    return figures


def _many_small(root: Path, rows: int, one_file_s: float) -> Figures:
    """As many rows in submissions of a thousand, against one file."""
    each = min(1000, rows)
    inbox = small(root, max(1, rows // each), each)
    with fresh_home(root / "home-small", inbox.members) as home:
        measured = _run(home, inbox, f"{len(inbox.members)} submissions")
    return {"many_small_ratio": measured.seconds / one_file_s, "many_small_s": measured.seconds}


def _memory(root: Path, rows: int) -> Figures:
    inbox = big(root, rows)
    with fresh_home(root / "home-big", inbox.members) as home:
        measured = _run(home, inbox, f"one file of {rows:,} rows")
    return {"peak_mib_10m": measured.peak_mib, "big_s": measured.seconds}


def _run(home: Path, inbox: Inbox, title: str) -> Measured:
    """One night, told stage by stage, its outcome held against what was planted."""
    measured = night(home, inbox.path, inbox.as_of)
    print(f"\n{title}: {inbox.rows:,} rows in {measured.seconds:.2f} s, peak {measured.peak_mib:,.0f} MiB")
    for stage, seconds in measured.stages.items():
        print(f"  {stage:<24}{seconds:8.2f} s")
    print(f"  {'(other)':<24}{measured.seconds - sum(measured.stages.values()):8.2f} s")
    for step, peak in measured.peaks.items():
        print(f"  peak up to {step:<13}{peak:8,.0f} MiB")
    print(f"  {'imports, left out':<24}{measured.imports:8.2f} s", flush=True)
    _hold_to_truth(outcomes(home, inbox.as_of), inbox)
    return measured


def _hold_to_truth(found: Sequence[Mapping[str, object]], inbox: Inbox) -> None:
    """A fast night that lost rows is no night: raises SystemExit when the outcome is not what was planted."""
    latest = found[-len(inbox.members) :]
    if sum(int(str(one["rows"])) for one in latest) != inbox.rows:
        raise SystemExit("the night did not take every row")
    if inbox.rejected is None:
        return
    if (latest[0]["rejected"], latest[0]["codes"]) != (inbox.rejected, inbox.codes):
        raise SystemExit(f"planted {inbox.rejected}: {inbox.codes}\nfound {latest[0]}")


def _copied(home: Path) -> Reference:
    copied = measure_copy(server_uri(home), home)
    print(
        f"\nbare COPY of {copied.rows:,} rows, sorted, into the logged table with its key (medians; a first run"
    )
    print("  of each, right before these, does not count)")
    for form, runs in copied.runs.items():
        print(f"  {form:<24}{median(runs):8.2f} s   of {', '.join(f'{run:.2f}' for run in sorted(runs))}")
    return copied


def _median_run(copies: Sequence[Reference], form: str) -> float:
    return median(run for copy in copies for run in copy.runs[form])


def _gx_seconds(stages: Mapping[str, float]) -> float:
    return sum(seconds for stage, seconds in stages.items() if "gx" in stage)


if __name__ == "__main__":
    main()

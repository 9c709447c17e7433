"""`make bench-privacy`: identifiers to tokens, blind evaluations, re-keying, each beside its limit in one run."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import signal
import sys

# Each is a module of privacybench whose `measure()` gives figures by name; they run in this order.
PARTS = ("tokens", "joins", "oprf", "rekey")


def main() -> None:
    """Runs the parts asked for; the last line printed is one JSON object of their figures."""
    signal.signal(
        signal.SIGTERM, lambda number, frame: sys.exit(128 + number)
    )  # no server of a part must stay
    figures: dict[str, float] = {}
    for part in _asked():
        print(f"\n{part}", flush=True)
        found: dict[str, float] = importlib.import_module(f"privacybench.{part}").measure()
        for name, value in found.items():
            print(f"  {name:<36}{value:>16,.4g}" if value < 100 else f"  {name:<36}{value:>16,.0f}")
        figures |= found
    print(json.dumps(figures))


def _asked() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__)
    there = [part for part in PARTS if importlib.util.find_spec(f"privacybench.{part}")]
    parser.add_argument("--only", default=",".join(there), help=f"parts to run, of {', '.join(there)}")
    asked = parser.parse_args().only.split(",")
    if unknown := set(asked) - set(there):
        parser.error(f"--only takes {', '.join(there)}, and not {', '.join(sorted(unknown))}")
    return [part for part in there if part in asked]


if __name__ == "__main__":
    main()

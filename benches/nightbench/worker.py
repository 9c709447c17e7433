"""One night in this process, measured: `python -m nightbench.worker INBOX`; the last line printed is JSON."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from time import perf_counter


def main() -> None:
    """Imports first and apart, then the night itself."""
    start = perf_counter()
    from huxin.nightly.pipeline import run_night
    from huxin.registry import wire
    from huxin.settings import Settings
    from huxin_privacy.fast import available
    from huxin_privacy.suites import S256

    available(S256)  # loads the compiled kernel: an import as well
    wire.prepare()  # likewise
    imported = perf_counter()
    peaks: dict[str, float] = {}
    report = run_night(
        Settings.from_env(), Path(sys.argv[1]), progress=lambda step, _: peaks.update({step: _peak_mib()})
    )
    done = perf_counter()
    if report.failed:
        raise SystemExit(f"failed: {sorted(set(report.failed.values()))}")
    print(
        json.dumps(
            {
                "seconds": done - imported,
                "imports": imported - start,
                "stages": dict(report.timings),
                "peak_mib": _peak_mib(),
                "peaks": peaks,
            }
        )
    )


def _peak_mib() -> float:
    """Most memory this process, or a child of it, ever held.

    Linux lets a new process start with its parent's ru_maxrss; VmHWM is this one's own.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        own //= 1024 if sys.platform == "darwin" else 1
        children //= 1024 if sys.platform == "darwin" else 1
    return max(own, children) / 1024


if __name__ == "__main__":
    main()

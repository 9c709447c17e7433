"""A container's health, as an exit code: 0 well, 1 not.

`health.py URL`             URL answers 200 in time
`health.py URL COMPONENT`   and tells that Airflow's component (`triggerer`, `dag_processor`) has a heartbeat
`health.py connected PORT`  a process of this container has a connection to PORT: of a service that nobody can ask

Standard library only, so that it starts in a tenth of a second and the images need no curl.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

SECONDS = 4
ESTABLISHED = "01"
# A machine's proxy must not come between a container and itself.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def well(url: str, component: str | None) -> bool:
    """Whether the address answers with 200 in time and, of a component, tells "healthy"."""
    try:
        with DIRECT.open(url, timeout=SECONDS) as answer:
            if component is None:
                return bool(answer.status == 200)
            said = json.load(answer).get(component) or {}
    except (OSError, ValueError):
        return False
    return bool(said.get("status") == "healthy")


def connected(port: int) -> bool:
    """Whether the kernel's tables of this network namespace hold an established connection to that port."""
    tables = [table for name in ("tcp", "tcp6") if (table := Path("/proc/net") / name).exists()]
    rows = [line.split() for table in tables for line in table.read_text(encoding="ascii").splitlines()[1:]]
    return any(row[2].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)


def main(what: str, which: str | None = None) -> int:
    good = connected(int(which or 0)) if what == "connected" else well(what, which)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

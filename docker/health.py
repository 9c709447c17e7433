"""A container's health: `health.py URL [component]`. Exit code 0 when URL answers 200 and the component is well.

Standard library only, so that it starts in a tenth of a second and the images need no curl. With a component
(`triggerer`, `dag_processor`) the answer is Airflow's, which tells each one's state by its last heartbeat.
"""

from __future__ import annotations

import json
import sys
import urllib.request

SECONDS = 4
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


if __name__ == "__main__":
    sys.exit(0 if well(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None) else 1)

"""A hook for tests of sudden death: a process that reaches the stage named by HUXIN_FAULT is killed at once.

HUXIN_FAULT is `stage` or `stage@n` (its n-th passage); HUXIN_FAULT_PID names another process to kill in its
stead (the database server's). Without the variable a passage costs one look into the environment.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_passages: Counter[str] = Counter()

STAGES = (
    "receive.sealed",
    "receive.recorded",
    "validate.spooled",
    "validate.quarantined",
    "validate.recorded",
    "pseudonymize.spooled",
    "pseudonymize.recorded",
    "load.copied",
    "load.claimed",
    "load.resolved",
    "load.superseded",
    "load.arrived",
    "load.published",
    "load.committed",
    "load.forgotten",
    "report.rendered",
)


def reach(stage: str) -> None:
    """Marks a passage through `stage`, one of STAGES."""
    wanted = os.environ.get("HUXIN_FAULT")
    if not wanted:
        return
    name, _, nth = wanted.partition("@")
    if name != stage:
        return
    _passages[stage] += 1
    if _passages[stage] == int(nth or 1):
        os.kill(int(os.environ.get("HUXIN_FAULT_PID") or os.getpid()), signal.SIGKILL)

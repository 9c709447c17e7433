"""A hook for tests of sudden death: a process that reaches the stage named by HUXIN_FAULT is killed at once.

HUXIN_FAULT is `stage` or `stage@n` (its n-th passage). HUXIN_FAULT_PID names another process to kill in its stead,
with its children (the database server and its backends); HUXIN_FAULT_SIGNAL another signal to send itself.
Without the variable a passage costs one look into the environment.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

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
    "load.paired",
    "load.published",
    "load.committed",
    "load.forgotten",
    "report.rendered",
    "confirm.recorded",
    "again.recorded",
    "withdraw.recorded",
)
# Of a file that came too early and is sent again over the wire.
RETAKE_STAGES = ("retake.sealed", "retake.recorded")
# Of the sequencer, which works beside the night.
AUDIT_STAGES = ("audit.taken", "audit.appended", "audit.signed", "audit.committed")

# Of the exchange of keys: a keyring written and its act not yet on record, a batch committed.
KEY_STAGES = ("keys.written", "rekey.moved", "rekey.marked")
# Of acts on keys in a zone that has no log: noted there, taken by the registry zone.
ACT_STAGES = ("acts.noted", "acts.sent")


def reach(stage: str) -> None:
    """Marks a passage through `stage`, one of STAGES, RETAKE_STAGES, AUDIT_STAGES, KEY_STAGES or ACT_STAGES."""
    wanted = os.environ.get("HUXIN_FAULT")
    if not wanted:
        return
    name, _, nth = wanted.partition("@")
    if name != stage:
        return
    _passages[stage] += 1
    if _passages[stage] == int(nth or 1):
        _strike()


def _strike() -> None:
    other = os.environ.get("HUXIN_FAULT_PID")
    if other:
        _kill_family(int(other))
    else:
        os.kill(os.getpid(), getattr(signal, os.environ.get("HUXIN_FAULT_SIGNAL") or "SIGKILL"))


def _kill_family(parent: int) -> None:
    """Kills a process with its children, and returns when all of them are dead."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    family = [parent, *map(int, children)]
    for each in family:
        os.kill(each, signal.SIGKILL)
    while any(map(_lives, family)):
        time.sleep(0.001)


def _lives(number: int) -> bool:
    try:
        status = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"

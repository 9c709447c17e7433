"""A simulation that goes on while somebody looks at its progress: its state stands in a file, whoever asks."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from huxin.decision import Policy
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.oversight.policy_simulation import Period, simulate
from huxin.settings import Settings

FOLDER: Final = "simulations"
_KEPT_S: Final = 86_400
# One that has not moved for so long has died with its process.
_STILL_S: Final = 60.0
_TOLD_S: Final = 0.5


@dataclass(frozen=True)
class Simulation:
    """How far it is: "running", "done" (then `found` is its result), "failed" (then `code` says why), "lost"."""

    state: str
    done: int = 0
    total: int = 0
    found: dict[str, Any] | None = None
    code: str | None = None


def begin(settings: Settings, policy: Policy, period: Period) -> UUID:
    """Starts one in a thread of this process; returns its number."""
    id_ = new_id()
    folder = settings.home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    _sweep(folder)
    _write(settings, id_, Simulation("running"))
    threading.Thread(target=_run, args=(settings, policy, period, id_), daemon=True).start()
    return id_


def look(settings: Settings, id_: UUID) -> Simulation | None:
    """How far it is; None when there is none of that number (any more)."""
    path = _path(settings, id_)
    try:
        found, moved = Simulation(**json.loads(path.read_text(encoding="utf-8"))), path.stat().st_mtime
    except (OSError, ValueError, TypeError):
        return None
    return Simulation("lost") if found.state == "running" and time.time() - moved > _STILL_S else found


def _run(settings: Settings, policy: Policy, period: Period, id_: UUID) -> None:
    told = 0.0

    def progress(done: int, total: int) -> bool:
        nonlocal told
        if time.monotonic() - told >= _TOLD_S:
            told = time.monotonic()
            _write(settings, id_, Simulation("running", done, total))
        return True

    try:
        found = simulate(settings, policy, period, progress)
        _write(settings, id_, Simulation("done", found["enquiries"], found["enquiries"], found))
    except HuxinError as error:
        _write(settings, id_, Simulation("failed", code=error.code))
    except Exception:
        # What it says might quote what it read.
        _write(settings, id_, Simulation("failed", code="H0102"))


def _write(settings: Settings, id_: UUID, now: Simulation) -> None:
    path = _path(settings, id_)
    partial = path.with_suffix(".part")
    with suppress(OSError):
        partial.write_text(json.dumps(vars(now)), encoding="utf-8")
        partial.replace(path)


def _path(settings: Settings, id_: UUID) -> Path:
    return settings.home / FOLDER / f"{id_}.json"


def _sweep(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _KEPT_S:
                path.unlink()

"""The guard as a scheduler's task calls it: counts come out, and no error carries its text out."""

from __future__ import annotations

import logging

from huxin.errors import HuxinError, for_operators
from huxin.oversight.closing import close_quietly
from huxin.oversight.guard import run_guard
from huxin.settings import Settings

log = logging.getLogger(__name__)


def run() -> dict[str, int]:
    """Runs every monitor. HuxinError H1908 with the kind of the fault, as a scheduler keeps what is raised."""
    try:
        done = run_guard(Settings.from_env())
        # What came in by day, and where the night runs in another zone.
        close_quietly(Settings.from_env())
    except HuxinError as error:
        log.error("%s %s", error.code, for_operators(error, "en"))
        raise HuxinError("H1908", kind=error.code) from None
    except Exception as error:
        raise HuxinError("H1908", kind=type(error).__name__) from None
    return {"found": len(done.found), "new": done.fresh}

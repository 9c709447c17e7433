"""A whole night in this process: the very steps that the DAG runs as tasks, one group after another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import UUID

from huxin.errors import HuxinError
from huxin.nightly.after_validation import load_step, pseudonymize_step
from huxin.nightly.groups import in_sequence
from huxin.nightly.inbox import Arrival, arrivals, waiting
from huxin.nightly.leftovers import clear_leftovers
from huxin.nightly.members_copy import follow_members
from huxin.nightly.memory import give_back
from huxin.nightly.receive import Received, as_of_date, receive
from huxin.nightly.timings import Timings
from huxin.nightly.validate.step import validate_group
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, find_all, unfinished
from huxin.settings import Settings
from huxin_privacy.errors import PrivacyError

log = logging.getLogger(__name__)

Progress = Callable[[str, int], None]  # stage, rows or files done since the last call
_BUNCH = 200


def _nobody(stage: str, done: int) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class NightReport:
    """What a night did. `submissions` are those of the inbox and any that were left unfinished before."""

    submissions: list[Submission]
    fresh: int
    failed: dict[UUID, str]
    without_manifest: list[tuple[str, str]]
    timings: Timings = field(default_factory=Timings)


def run_night(
    settings: Settings, inbox: Path, as_of: date | None = None, progress: Progress | None = None
) -> NightReport:
    """Receives, validates, pseudonymizes, loads and publishes what lies in an inbox; safe to run again.

    `as_of` leaves the files of other days where they are. Whatever an earlier run left unfinished is finished.
    A group that fails is tried submission by submission, so that one bad file cannot hold the others. When the disk
    is full, what was received until then is worked before HuxinError H0612 is raised.
    """
    timings = Timings()
    tell = progress or _nobody
    follow_members(settings)
    clear_leftovers(settings)
    with timings.stage("receive"):
        received, shortage = _receive(settings, _of_day(arrivals(inbox), as_of), tell)
    with connection(settings) as database:
        todo = unfinished(database)
    failed: dict[UUID, str] = {}
    for group in in_sequence(todo):
        failed |= work_group(settings, group, timings, tell)
    if shortage:
        raise shortage
    ids = list(dict.fromkeys([item.submission.id for item in received] + [item.id for item in todo]))
    with connection(settings) as database:
        after = {item.id: item for item in find_all(database, ids)}
    fresh = sum(item.fresh for item in received)
    return NightReport([after[each] for each in ids], fresh, failed, waiting(inbox), timings)


def run_group(
    settings: Settings, ids: Sequence[UUID], timings: Timings, progress: Progress | None = None
) -> None:
    """The three steps over one group of submissions, from whatever state each is in."""
    tell = progress or _nobody
    give_back()
    validate_group(settings, ids, timings, lambda rows: tell("validate", rows))
    give_back()
    pseudonymize_step(settings)(settings, ids, timings)
    tell("pseudonymize", len(ids))
    give_back()
    load_step(settings)(settings, ids, timings)
    tell("load", len(ids))


def work_group(
    settings: Settings, group: list[UUID], timings: Timings, tell: Progress = _nobody
) -> dict[UUID, str]:
    """Works a group through, and where it fails one submission after another; those that failed, with the fault."""
    try:
        run_group(settings, group, timings, tell)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except (
        BaseException
    ) as error:  # whatever one file does, the others go on; a panic of polars is no Exception
        log.warning("a group of %d submissions failed: %s", len(group), _named(error))
        if len(group) == 1:
            return {group[0]: _named(error)}
        return {k: v for each in group for k, v in work_group(settings, [each], timings, tell).items()}
    return {}


def _named(error: BaseException) -> str:
    """An error without its text, which might quote a cell."""
    return error.code if isinstance(error, HuxinError | PrivacyError) else type(error).__name__


def _receive(
    settings: Settings, found: list[Arrival], tell: Progress
) -> tuple[list[Received], HuxinError | None]:
    """What was received, and the full disk that ended it early."""
    received: list[Received] = []
    for bunch in _bunches(found):
        try:
            received += receive(settings, bunch, lambda arrival: tell("receive", 1))
        except HuxinError as error:
            if error.code != "H0612":
                raise
            return received, error
    return received, None


def _of_day(found: list[Arrival], as_of: date | None) -> list[Arrival]:
    return found if as_of is None else [item for item in found if as_of_date(item) in (as_of, None)]


def _bunches(found: list[Arrival]) -> list[list[Arrival]]:
    return [found[start : start + _BUNCH] for start in range(0, len(found), _BUNCH)]

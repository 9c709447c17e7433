"""The worker beside the API: works what came over HTTP as soon as it is there, one worker at a time.

It calls the night's own steps. Where a night works the same submission, whoever comes second waits and then finds it
done (`registry.alone`); what the worker leaves behind, the next night finishes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from huxin.errors import HuxinError
from huxin.nightly.groups import lightest_first
from huxin.nightly.leftovers import clear_leftovers
from huxin.nightly.members_copy import follow_members
from huxin.nightly.timings import Timings
from huxin.registry.partitions import ensure_month
from huxin.registry.session import connection
from huxin.registry.tickets import forget_spent
from huxin.registry.worklist import Bell, bell, ready
from huxin.settings import Settings
from huxin.zones.layout import zone_of
from huxin.zones.roles import REGISTRY

log = logging.getLogger(__name__)

_SLICE = 1.0  # seconds between two looks whether to stop
_ROUND = 30.0  # seconds after which to look for work that nobody rang for
_LONGEST = 600.0  # seconds until a submission that keeps failing is tried again
_TIDY = 3600.0


@dataclass
class Patience:
    """When what failed is tried again: after 2, 4, 8 … seconds, up to ten minutes."""

    tries: dict[UUID, int] = field(default_factory=dict)
    due: dict[UUID, float] = field(default_factory=dict)

    def allows(self, submission_id: UUID) -> bool:
        return time.monotonic() >= self.due.get(submission_id, 0.0)

    def note(self, worked: list[UUID], failed: dict[UUID, str]) -> None:
        for each in worked:
            if each not in failed:
                self.tries.pop(each, None)
                self.due.pop(each, None)
                continue
            self.tries[each] = tries = self.tries.get(each, 0) + 1
            self.due[each] = time.monotonic() + min(2.0**tries, _LONGEST)


def work_on(settings: Settings, stop: Callable[[], bool]) -> None:
    """Works submissions as they come, until `stop` says so; a lost database is waited for."""
    patience = Patience()
    while not stop():
        try:
            with bell(settings) as session:
                _attend(settings, session, patience, stop)
        except HuxinError as error:
            log.warning("%s: the worker tries again in %d s", error.code, int(5 * _SLICE))
            _rest(5, stop)


def work_round(settings: Settings, patience: Patience) -> int:
    """Works everything that waits now, lightest member first; how many submissions that were."""
    with connection(settings) as database:
        todo = [item for item in ready(database) if patience.allows(item.id)]
    if not todo:
        return 0
    from huxin.nightly.pipeline import work_group  # Great Expectations: not before there is work

    for group in lightest_first(todo):
        patience.note(group, work_group(settings, group, Timings()))
    return len(todo)


def _attend(settings: Settings, session: Bell, patience: Patience, stop: Callable[[], bool]) -> None:
    while not session.alone():
        if _rest(5, stop):
            return
    tidied = 0.0
    while not stop():
        if time.monotonic() - tidied > _TIDY or not tidied:
            _tidy(settings)
            tidied = time.monotonic()
        work_round(settings, patience)
        _until_bell(session, patience, stop)


def _tidy(settings: Settings) -> None:
    """Clears what was left behind, and makes this month's tables and the next one's: the API's login may make none."""
    if zone_of(settings) != REGISTRY:  # which knows them by itself
        follow_members(settings)
    clear_leftovers(settings)
    with connection(settings) as database:
        for moment in (settings.now(), settings.now() + 2 * timedelta(seconds=_TIDY)):
            ensure_month(database, moment)
        forget_spent(database, settings.now())


def _until_bell(session: Bell, patience: Patience, stop: Callable[[], bool]) -> None:
    """Returns when the bell rings, when something that failed is due again, or after a while."""
    now = time.monotonic()
    end = min([now + _ROUND, *(due for due in patience.due.values() if due > now)])
    while not stop() and not session.wait(_SLICE) and time.monotonic() < end:
        pass


def _rest(slices: int, stop: Callable[[], bool]) -> bool:
    for _ in range(slices):
        if stop():
            return True
        time.sleep(_SLICE)
    return stop()

"""A member's word on a submission, recorded at once and without the night's machinery: let it in, take it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from uuid import UUID

from huxin import faults
from huxin.contract import State
from huxin.errors import HuxinError
from huxin.nightly.spool import Spool
from huxin.registry.alone import alone
from huxin.registry.partitions import ensure_month
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, change, find, last_published
from huxin.registry.withdrawing import lock_member, withdraw_published
from huxin.settings import Settings
from huxin.zones.layout import zone_of
from huxin.zones.roles import INTAKE

_IN_REGISTRY = (State.PUBLISHED, State.AWAITING_CONFIRMATION)
# How a submission is held meanwhile: `alone` waits for a worker that has it, `at_once` does not.
Hold = Callable[[Settings, Sequence[UUID]], AbstractContextManager[object]]


def allow(settings: Settings, submission_id: UUID, hold: Hold = alone) -> Submission:
    """Lets a waiting submission be loaded although many loans vanished; it is not loaded here.

    HuxinError H0602 (no such submission), H0603 (it does not wait), and what `hold` raises.
    """
    with hold(settings, [submission_id]):
        item = found(settings, submission_id)
        if item.state == State.AWAITING_CONFIRMATION:
            fresh = replace(item, state=State.PSEUDONYMIZED, confirmed=True, changed_at=settings.now())
            with connection(settings) as database:
                change(database, [fresh])
            faults.reach("confirm.recorded")
            return fresh
        if item.confirmed and item.state == State.PSEUDONYMIZED:  # allowed before, and interrupted
            return item
    raise HuxinError("H0603", state=item.state.name.lower())


def withdraw(settings: Settings, submission_id: UUID, hold: Hold = alone) -> Submission:
    """Takes back a waiting submission, or the member's last published one. HuxinError H0602, H0604, H0605."""
    with hold(settings, [submission_id]):
        item = found(settings, submission_id)
        if item.state in _IN_REGISTRY and zone_of(settings) == INTAKE:
            from huxin.nightly.handing_over import (
                withdraw_elsewhere,  # the night's machinery, of this case only
            )

            withdraw_elsewhere(settings, item)
        elif item.state == State.PUBLISHED:
            _withdraw_published(settings, item)
        elif item.state == State.AWAITING_CONFIRMATION:
            with connection(settings) as database:
                change(database, [replace(item, state=State.WITHDRAWN, changed_at=settings.now())])
        else:
            raise HuxinError("H0604", state=item.state.name.lower())
        faults.reach("withdraw.recorded")
        Spool(settings).forget(item.id)
    return found(settings, submission_id)


def found(settings: Settings, submission_id: UUID) -> Submission:
    """The submission of that id. HuxinError H0602."""
    with connection(settings) as database:
        item = find(database, submission_id)
    if item is None:
        raise HuxinError("H0602", id=submission_id)
    return item


def _withdraw_published(settings: Settings, item: Submission) -> None:
    with connection(settings) as database:
        lock_member(database, item.member_id)
        last = last_published(database, item.member_id)
        if last is None or last.id != item.id:
            raise HuxinError("H0605")
        ensure_month(database, settings.now())
        withdraw_published(database, item.member_id, item.id, settings.now())

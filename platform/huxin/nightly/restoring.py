"""A submission whose sealed files were lost with the machine's power is begun anew, when its file still lies there."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from huxin import faults
from huxin.contract import State
from huxin.nightly import spool
from huxin.nightly.spool import Spool
from huxin.registry.alone import unattended
from huxin.registry.session import connection
from huxin.registry.submissions import UNFINISHED, Submission, change, find_all
from huxin.settings import Settings
from huxin_privacy.errors import PrivacyError

_NEEDED = {
    State.RECEIVED: (spool.SOURCE,),
    State.VALIDATED: (spool.ROWS,),
    State.PSEUDONYMIZED: (spool.KEYS, spool.LOANS),
}


def restore(settings: Settings, vault: Spool, sealed: Sequence[tuple[UUID, UUID]]) -> None:
    """For pairs (submission on record, the same file just sealed under another id): mends what is damaged.

    Only what is unfinished and held by no worker is looked at; its sealed source is written anew and it starts over.
    """
    fresh = dict(sealed)
    with unattended(settings, list(fresh)) as free:
        with connection(settings) as database:
            items = [item for item in find_all(database, free) if item.state in UNFINISHED]
        damaged = [item for item in items if not sound(vault, item)]
        for item in damaged:
            _seal_anew(vault, fresh[item.id], item.id)
        with connection(settings) as database:
            change(database, [begun_anew(item, settings) for item in damaged])


def came_too_early(item: Submission) -> bool:
    """Whether its day, which had not come, is all that it was refused for: the day is looked at last."""
    return item.state == State.REFUSED and item.facts.get("reason") == "future"


def take_up(settings: Settings, vault: Spool, sealed: Sequence[tuple[UUID, Submission]]) -> None:
    """For pairs (submission on record, the same file just sealed and judged under another id): what had come too early
    and may be gone on with today begins anew.

    Its sealed source lies in its place before that is on record, so whoever dies in between leaves it refused, to be
    sent once more.
    """
    fresh = {known: item for known, item in sealed if item.state == State.RECEIVED}
    with unattended(settings, list(fresh)) as free:
        with connection(settings) as database:
            early = [item for item in find_all(database, free) if came_too_early(item)]
        begun = [begun_anew(replace(item, facts=fresh[item.id].facts), settings) for item in early]
        for item in begun:
            if not sound(vault, item):
                _seal_anew(vault, fresh[item.id].id, item.id)
        faults.reach("retake.sealed")
        with connection(settings) as database:
            change(database, begun)
    faults.reach("retake.recorded")


def sound(vault: Spool, item: Submission) -> bool:
    """Whether the files that the next step needs are there, whole as far as opening them proves."""
    needed = _NEEDED[item.state] if item.state == State.RECEIVED or item.accepted else ()
    try:
        for stage in needed:
            vault.reader(item.id, stage).close()
    except (PrivacyError, OSError):
        return False
    return True


# What its taking found out, and later steps need.
_OF_THE_MANIFEST = frozenset(("size", "came", "sum_principal", "sum_balance", "element_key"))


def begun_anew(item: Submission, settings: Settings) -> Submission:
    """The submission as when it was received, one attempt on."""
    kept = {k: v for k, v in item.facts.items() if k in _OF_THE_MANIFEST}
    return replace(
        item,
        state=State.RECEIVED,
        rows=None,
        accepted=None,
        rejected=None,
        warned=None,
        codes={},
        facts=kept,
        attempt=item.attempt + 1,
        changed_at=settings.now(),
    )


def _seal_anew(vault: Spool, origin: UUID, target: UUID) -> None:
    vault.forget(target)
    vault.create(target)
    with vault.reader(origin, spool.SOURCE) as source, vault.writer(target, spool.SOURCE) as sealed:
        shutil.copyfileobj(source, sealed, 4 << 20)

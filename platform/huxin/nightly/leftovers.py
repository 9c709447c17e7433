"""What a sudden death leaves in the spool: files that their submission's state no longer needs, or of nobody at all.

Each step clears away what its own earlier tries left; here is what no step would come back to.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from huxin.contract import State
from huxin.nightly import spool
from huxin.nightly.spool import Spool
from huxin.registry.alone import unattended
from huxin.registry.session import connection
from huxin.registry.submissions import UNFINISHED, Submission, find_all
from huxin.settings import Settings

log = logging.getLogger(__name__)

_BUNCH = 500
_RECEIVED = {"key", f"{spool.SOURCE}.sealed"}


def clear_leftovers(settings: Settings) -> None:
    """Removes what killed workers left in the spool. Nothing that a worker holds or a state needs is touched."""
    vault = Spool(settings)
    with vault.nobody_receiving() as still:
        folders = vault.folders()
        names = list(folders)
        for start in range(0, len(names), _BUNCH):
            bunch = names[start : start + _BUNCH]
            known = _found(settings, bunch)
            if still:
                _clear_unknown(vault, {each: folders[each] for each in bunch if each not in known})
            _clear_known(
                settings, vault, [each for each in bunch if _surplus(known.get(each), folders[each])]
            )


def _clear_unknown(vault: Spool, unknown: dict[UUID, set[str]]) -> None:
    """Files sealed by a process that died before it recorded them. They still lie in the inbox.

    A folder with more than a received file was on record once, in a database that is not this one: it stays.
    """
    strange = 0
    for submission_id, files in unknown.items():
        if all(name in _RECEIVED or name.endswith(".tmp") for name in files):
            vault.forget(submission_id)
        else:
            strange += 1
    if strange:
        log.warning("%d folders of the spool belong to no submission of this database", strange)


def _clear_known(settings: Settings, vault: Spool, ids: Sequence[UUID]) -> None:
    """Brings folders to what the states of their submissions keep; the state is read once nobody can change it."""
    with unattended(settings, ids) as free:
        for item in _found(settings, free).values():
            if item.state not in UNFINISHED:
                vault.forget(item.id, keep=kept(item))


def kept(item: Submission) -> tuple[str, ...]:
    """The stages that a submission at rest needs in the spool."""
    if item.state == State.AWAITING_CONFIRMATION:
        return spool.AFTER_TOKENS
    if item.state == State.REFUSED:  # out of turn, its checked rows can be tried again; else the file as sent
        return spool.AFTER_TOKENS if "held" in item.facts else (spool.SOURCE,)
    return spool.AFTER_PUBLISHING if item.state == State.PUBLISHED else ()


def _surplus(item: Submission | None, files: set[str]) -> bool:
    if item is None or item.state in UNFINISHED:
        return False
    return not files <= {"key", *(f"{stage}.sealed" for stage in kept(item))} or files == {"key"}


def _found(settings: Settings, ids: Sequence[UUID]) -> dict[UUID, Submission]:
    with connection(settings) as database:
        return {item.id: item for item in find_all(database, ids)}

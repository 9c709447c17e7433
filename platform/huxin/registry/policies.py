"""The policies that there are: those shipped, and those that operators approved.

An approved policy begins on a later day than that of its approval (oversight.policy_rules), so what a process read on
a business day holds until that day is over, and every process changes over at the same midnight without being told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection

from huxin.decision import Policy, load_policies
from huxin.decision.policy_text import read_policy
from huxin.errors import HuxinError
from huxin.registry.policy_changes import APPROVED, PolicyChange, hold_changes, list_changes
from huxin.registry.session import connection
from huxin.settings import Settings

_Home = tuple[str | None, Path]
_Known = tuple[date, tuple[Policy, ...], tuple[Policy, ...]]  # when read, those shipped, all
_read: dict[_Home, _Known] = {}


def policy_on(settings: Settings, on: date) -> Policy:
    """The policy in force on a business day. HuxinError H1507 when none is, and those of `all_policies`."""
    return _in_force(policies(settings), on)


def tiers_known(database: Connection, today: date) -> list[str]:
    """The tiers that the policy in force knows and each that follows it; nobody approves another until the end."""
    hold_changes(database)
    every = all_policies(database)
    present = _in_force(every, today)
    later = [policy.tiers.keys() for policy in every if policy.effective_on > today]
    return [tier for tier in present.tiers if all(tier in each for each in later)]


def policy_version(settings: Settings, version: str) -> Policy:
    """The policy of that version, to compute a past answer again. HuxinError H1513 when there is none."""
    for policy in policies(settings):
        if policy.version == version:
            return policy
    raise HuxinError("H1513", version=version[:32])


def all_policies(database: Connection) -> tuple[Policy, ...]:
    """Every policy that is, was or will be in force, oldest first.

    HuxinError H1501 to H1508 for a faulty one, H1504 where one shipped and one approved have the same version or day,
    H1519 where an approved one is not what was approved.
    """
    approved = [policy_of(change) for change in list_changes(database, APPROVED)]
    found = (*load_policies(), *approved)
    for name in ("version", "effective_on"):
        if len({getattr(policy, name) for policy in found}) < len(found):
            raise HuxinError("H1504", place=name)
    return tuple(sorted(found, key=lambda policy: policy.effective_on))


def policy_of(change: PolicyChange) -> Policy:
    """What was proposed, as a value. HuxinError H1519 where the document is another than was proposed."""
    if sha256(change.document.encode()).hexdigest() != change.sha256:
        raise HuxinError("H1519", version=change.version)
    return read_policy(change.document, change.version, change.effective_on).policy


def _in_force(policies: Sequence[Policy], on: date) -> Policy:
    for policy in reversed(policies):
        if policy.effective_on <= on:
            return policy
    raise HuxinError("H1507", day=on.isoformat())


def policies(settings: Settings) -> tuple[Policy, ...]:
    """All, as this process knows them on this business day. Errors as `all_policies`."""
    home, today, shipped = (settings.database_url, settings.home), settings.today(), load_policies()
    known = _read.get(home)
    if known is None or known[0] != today or known[1] is not shipped:
        with connection(settings) as database:
            known = _read[home] = today, shipped, all_policies(database)
    return known[2]

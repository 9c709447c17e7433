"""What operators change of a member, each act with who and when: its data, status, tier, and limits of its own."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from huxin.decision.codes import PURPOSES
from huxin.enquiry.own_words import require_nobody
from huxin.errors import HuxinError
from huxin.oversight.alarms import Wanted
from huxin.registry import limits
from huxin.registry.console_members import MemberRow, member_row, rename
from huxin.registry.member_acts import note_member_act
from huxin.registry.members import change_member, set_status
from huxin.registry.policies import tiers_known

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,31}")
_KIND: Final = re.compile(r"[a-z][a-z_]{1,31}")
_LONGEST: Final = 128
_RESERVED: Final = frozenset(
    ("new", "export", "words")
)  # addresses of the console's own beside members' codes


def require_data(code: str, name: str, kind: str) -> None:
    """HuxinError H2015 where a member's code, name or kind will not do, H1207 where a person stands in the name."""
    fine = _CODE.fullmatch(code) and name.strip() and name.isprintable() and len(name) <= _LONGEST
    if not (fine and _KIND.fullmatch(kind)) or code.lower() in _RESERVED:
        raise HuxinError("H2015")
    require_nobody({"name": name})


def change_data(database: Connection, found: MemberRow, name: str, kind: str, by: str, now: datetime) -> None:
    """Another name or kind of lender. HuxinError H2015, H1207."""
    require_data(found.code, name, kind)
    if name != found.name:
        rename(database, found.id, name)
    if kind != found.kind:
        change_member(database, found.code, kind=kind, now=now)
    if (name, kind) != (found.name, found.kind):
        facts = {"code": found.code, "kind": kind, "name": name}
        note_member_act(database, found.id, "member.set", facts, by, now)


def change_status(
    database: Connection, code: str, states: tuple[str, str], topic: str, by: str, now: datetime
) -> None:
    """From the one state to the other. HuxinError H2011: it is in neither any more."""
    found = _found(database, code)
    if found.status != states[0]:
        raise HuxinError("H2011")
    set_status(database, code, states[1], now)
    note_member_act(database, found.id, topic, {"code": code}, by, now)


def change_tier(database: Connection, code: str, tier: str, by: str, now: datetime, today: date) -> None:
    """What the member sees of others, from now on. HuxinError H2011: a policy of now or later knows none."""
    if tier not in tiers_known(database, today):
        raise HuxinError("H2011")
    found = _found(database, code)
    change_member(database, code, tier=tier, now=now)
    note_member_act(database, found.id, "member.set", {"code": code, "tier": tier}, by, now)


def set_limit(database: Connection, found: MemberRow, wanted: Wanted, by: str, now: datetime) -> None:
    """Limits a member for a purpose, more tightly than the policy does. HuxinError H2016."""
    if wanted.purpose not in PURPOSES or (wanted.per_minute is None and wanted.per_day is None):
        raise HuxinError("H2016")
    limits.set_limit(database, found.id, wanted.purpose, wanted.per_minute, wanted.per_day, wanted.until, now)
    until = wanted.until and wanted.until.isoformat()
    facts = {"code": found.code, **asdict(wanted), "until": until}
    note_member_act(database, found.id, "member.limited", facts, by, now)


def lift_limit(database: Connection, found: MemberRow, purpose: str, by: str, now: datetime) -> None:
    """The policy's quota holds again. HuxinError H2011: there was no limit."""
    if not limits.lift_limit(database, found.id, purpose):
        raise HuxinError("H2011")
    note_member_act(database, found.id, "member.unlimited", {"code": found.code, "purpose": purpose}, by, now)


def _found(database: Connection, code: str) -> MemberRow:
    found = member_row(database, code)
    if found is None:
        raise HuxinError("H0701", code=code[:64])
    return found

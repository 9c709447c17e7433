"""Rows of policies that operators propose, approve and withdraw."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from huxin.errors import HuxinError
from huxin.registry.tables import member
from huxin.registry.tables_policy import policy_change

PROPOSED: Final = "proposed"
APPROVED: Final = "approved"
WITHDRAWN: Final = "withdrawn"

_C = policy_change.c


@dataclass(frozen=True)
class PolicyChange:
    """One proposal as it stands; `document` is the YAML as it was written."""

    id: UUID
    version: str
    effective_on: date
    document: str = field(repr=False)
    sha256: str
    state: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None


def add_change(connection: Connection, change: PolicyChange) -> None:
    """Writes a proposal. HuxinError H1504 when its version is another's that was not withdrawn."""
    try:
        connection.execute(insert(policy_change).values(vars(change)))
    except IntegrityError:
        raise HuxinError("H1504", place="version") from None


def find_change(connection: Connection, id_: UUID, lock: bool = False) -> PolicyChange | None:
    """One change; with `lock` nobody else settles it before this transaction's end."""
    query = select(policy_change).where(_C.id == id_)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else PolicyChange(*row)


def list_changes(connection: Connection, state: str | None = None) -> list[PolicyChange]:
    """All of a state or all there are, the oldest proposal first."""
    query = select(policy_change).order_by(_C.proposed_at, _C.id)
    rows = connection.execute(query if state is None else query.where(_C.state == state))
    return [PolicyChange(*row) for row in rows]


def settle_change(connection: Connection, id_: UUID, state: str, by: str, now: datetime) -> None:
    """Sets APPROVED or WITHDRAWN. HuxinError H1504 when another approved one has the same day of effect."""
    try:
        connection.execute(
            update(policy_change)
            .where(_C.id == id_)
            .values({"state": state, f"{state}_by": by, f"{state}_at": now})
        )
    except IntegrityError:
        raise HuxinError("H1504", place="effective_on") from None


def tiers_held(connection: Connection) -> list[str]:
    """The tiers of members that are not closed."""
    return list(connection.execute(select(member.c.tier).distinct().order_by(member.c.tier)).scalars())


def hold_changes(connection: Connection) -> None:
    """Whoever changes policies or members' tiers does it one after another, until the transaction's end."""
    connection.execute(text("SELECT policy_hold()"))

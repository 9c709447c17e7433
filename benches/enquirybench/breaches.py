"""Caps recomputed from what was recorded: every grant replayed in order of time, by plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Caps:
    """The greatest numbers that are allowed, the grant itself included; None does not bind. Cents."""

    lenders: int | None
    open_loans: int | None
    outstanding: int | None


@dataclass(frozen=True)
class Grant:
    """A reservation as the log and the table tell it. `ended_at` is None unless released; amounts in cents."""

    id: str
    subject: str
    member: int
    amount: int
    granted_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.expires_at > at and (self.ended_at is None or self.ended_at > at)


@dataclass(frozen=True)
class Owed:
    """What a subject owed before: the members of its open loans, one entry a loan, and their balances together."""

    members: tuple[int, ...] = ()
    balance: int = 0


@dataclass(frozen=True)
class Breach:
    """A grant after which a cap was exceeded: which cap, and by how much."""

    grant: Grant = field(repr=False)
    cap: str
    excess: int


def breaches(grants: Iterable[Grant], owed: Mapping[str, Owed], caps: Caps) -> list[Breach]:
    """Every grant after which its subject stood above a cap, and which.

    Grants of one moment count in the order of their ids. One that ended or expired before a later grant no longer
    counts then; what a subject owed before counts throughout.
    """
    by_subject: dict[str, list[Grant]] = defaultdict(list)
    for grant in grants:
        by_subject[grant.subject].append(grant)
    found: list[Breach] = []
    for subject, mine in by_subject.items():
        before: list[Grant] = []
        for grant in sorted(mine, key=lambda one: (one.granted_at, one.id)):
            before = [one for one in before if one.holds(grant.granted_at)]
            before.append(grant)
            found += _exceeded(grant, before, owed.get(subject, Owed()), caps)
    return found


def _exceeded(grant: Grant, held: list[Grant], owed: Owed, caps: Caps) -> list[Breach]:
    reached = {
        "lenders": (len({*owed.members, *(one.member for one in held)}), caps.lenders),
        "open_loans": (len(owed.members) + len(held), caps.open_loans),
        "outstanding": (owed.balance + sum(one.amount for one in held), caps.outstanding),
    }
    return [
        Breach(grant, name, value - cap)
        for name, (value, cap) in reached.items()
        if cap is not None and value > cap
    ]


def disagreements(table: Iterable[Grant], log: Mapping[str, int]) -> list[str]:
    """Ids that the table and the log (id to amount in cents) do not both tell alike."""
    held = {grant.id: grant.amount for grant in table}
    return sorted(id_ for id_ in held.keys() | log.keys() if held.get(id_) != log.get(id_))

"""When a policy may be changed and by whom; no input or output."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from huxin.decision import Policy
from huxin.errors import HuxinError
from huxin.settings import SHANGHAI

# A process reads the policies at the beginning of a business day: an approval has to be there by then, on every
# machine's clock.
LEAD: Final = timedelta(minutes=5)
LONGEST_NAME: Final = 64


def first_day(now: datetime) -> date:
    """The first business day from which on a policy can still be put in force."""
    return (now + LEAD).astimezone(SHANGHAI).date() + timedelta(days=1)


def require_ahead(effective_on: date, now: datetime) -> None:
    """HuxinError H1516 when the day has begun, or is about to."""
    if effective_on < first_day(now):
        raise HuxinError("H1516", day=effective_on.isoformat(), first=first_day(now).isoformat())


def person(by: str) -> str:
    """A person's name or account as it is kept. HuxinError H1518 when there is none, or it is too long."""
    said = " ".join(unicodedata.normalize("NFKC", by).split())
    if not said or len(said) > LONGEST_NAME or not said.isprintable():
        raise HuxinError("H1518", most=LONGEST_NAME)
    return said


def require_other(proposed_by: str, by: str) -> None:
    """HuxinError H1517 when both are the same person, however the name is written."""
    if person(proposed_by).casefold() == person(by).casefold():
        raise HuxinError("H1517", by=person(by))


def require_tiers(policy: Policy, held: Iterable[str]) -> None:
    """HuxinError H1520 when members are of a tier that the policy lacks: their enquiries would be refused."""
    missing = sorted(set(held) - policy.tiers.keys())
    if missing:
        raise HuxinError("H1520", version=policy.version, tiers=", ".join(missing))


def require_new(policy: Policy, known: Iterable[Policy]) -> None:
    """HuxinError H1504 when another policy has this version or this day."""
    for other in known:
        for name in ("version", "effective_on"):
            if getattr(other, name) == getattr(policy, name):
                raise HuxinError("H1504", place=name)

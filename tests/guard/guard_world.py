"""A town of members that ask and lend: days of enquiries and loans, written as the platform writes them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

from enquiry_registry.registry_world import LOAN
from huxin.audit.records import make_record, make_salt
from huxin.ids import id_at
from huxin.oversight.guard import Run, run_guard
from huxin.registry.alarms import Alarm, list_alarms
from huxin.registry.connect import libpq_uri
from huxin.registry.replay import When
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import SHANGHAI, Settings

TODAY = date(2026, 5, 31)
_COLUMNS = (
    "subject_id",
    "id",
    "member_id",
    "asked_at",
    "purpose",
    "staff",
    "policy",
    "tier",
    "facts",
    "answer",
)


@dataclass(frozen=True)
class Ask:
    """One enquiry: who asks whom about what, when, and whether the subject had loans then."""

    member: int
    subject: UUID
    at: datetime
    known: bool = False
    purpose: str = "application"
    staff: str = "S1"


@dataclass
class Town:
    """A registry whose members are known by number; `chance` makes each run the same."""

    settings: Settings
    chance: random.Random = field(default_factory=lambda: random.Random(20260531))

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(libpq_uri(self.settings), autocommit=True) as database:
            done = database.execute(statement, values or None)
            return done.fetchall() if done.description else []

    def ask(self, asks: Iterable[Ask]) -> list[UUID]:
        """Puts enquiries on record, in the outbox too, and lets the sequencer take them; their numbers."""
        rows = [(each, id_at(each.at)) for each in asks]
        with psycopg.connect(libpq_uri(self.settings)) as database:
            _copy(database, f"enquiry ({', '.join(_COLUMNS)})", [_enquiry(*row) for row in rows])
            _copy(
                database,
                "enquiry_key (member_id, key, digest, enquiry_id, subject_id)",
                [(each.member, str(id_), b"d", id_, each.subject) for each, id_ in rows],
            )
            _copy(database, "outbox (id, topic, body, recorded_at)", [_outbox(*row) for row in rows])
        drain(self.settings)
        return [id_ for _, id_ in rows]

    def lend(self, member: int, subjects: Iterable[UUID], on: date, note: str = "L") -> None:
        """The night of that day brings a loan of the member to each of these."""
        rows = []
        for subject in subjects:
            row = {
                **LOAN,
                "subject_id": subject,
                "member_id": member,
                "loan_no": f"{note}-{subject.hex[:12]}",
            }
            row |= {"disbursed_on": on, "due_on": on + timedelta(days=365), "submission_id": uuid4()}
            rows.append(row | {"recorded_at": datetime.combine(on, time(22), SHANGHAI)})
        if rows:
            with psycopg.connect(libpq_uri(self.settings)) as database:
                _copy(database, f"loan ({', '.join(rows[0])})", [tuple(row.values()) for row in rows])

    def guard(self, on: date = TODAY, hour: int = 23) -> Run:
        """The monitors as they run at that hour."""
        at = moment(on, hour)
        return run_guard(replace(self.settings, fixed_now=at), When(None, at, on))

    def alarms(self, member: int | None = None, state: str = "going_on") -> list[Alarm]:
        with connection(self.settings) as database:
            found = list_alarms(database, state, None if member is None else f"M{member}", None, 1000)
        return sorted(found, key=lambda each: (each.member, each.kind, each.about))

    def kinds(self, member: int) -> list[str]:
        return [alarm.kind for alarm in self.alarms(member)]

    def days_of(
        self, member: int, days: Sequence[date], people: Sequence[UUID], a_day: int, hits: float, lent: float
    ) -> None:
        """An honest member: so many applications a day, a share of them of known people; some are lent to.

        Days differ, and so do the people: the shares are what is drawn from, not what comes out.
        """
        asks: list[Ask] = []
        for day in days:
            todays = [
                self._one(member, day, people, hits)
                for _ in range(self.chance.randint(a_day, a_day * 5 // 4))
            ]
            asks += todays
            asks += [
                replace(each, at=each.at + timedelta(hours=1), staff="S2") for each in todays[::7]
            ]  # asked twice
            borrowers = {each.subject for each in todays if self.chance.random() < lent}
            self.lend(
                member, borrowers, day + timedelta(days=self.chance.randint(0, 9)), f"L{member}{day:%m%d}"
            )
        self.ask(asks)

    def _one(self, member: int, day: date, people: Sequence[UUID], hits: float) -> Ask:
        known = self.chance.random() < hits
        subject = self.chance.choice(people) if known else uuid4()
        at = moment(day, 8) + timedelta(seconds=self.chance.randrange(36_000))
        return Ask(member, subject, at, known, staff=f"S{self.chance.randint(1, 9)}")


def moment(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), SHANGHAI)


def days_before(count: int, until: date = TODAY) -> list[date]:
    """So many days, the last of them `until`."""
    return [until - timedelta(days=number) for number in reversed(range(count))]


def _copy(database: psycopg.Connection[Any], target: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with database.cursor().copy(f"COPY {target} FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)


def _enquiry(ask: Ask, id_: UUID) -> tuple[Any, ...]:
    return ask.subject, id_, ask.member, ask.at, ask.purpose, ask.staff, "2020.1", "full", b"f", b"a"


def _outbox(ask: Ask, id_: UUID) -> tuple[Any, ...]:
    """As the desk writes it."""
    facts = {"enquiry": str(id_), "member": f"M{ask.member}", "purpose": ask.purpose}
    feed = {
        "mobile_id": None,
        "subject_id": str(ask.subject),
        "member_id": ask.member,
        "enquiry_id": str(id_),
        "asked_at": ask.at.isoformat(),
        "purpose": ask.purpose,
        "known": ask.known,
    }
    leaf = {"salt": make_salt().hex(), "record": make_record("enquiry.answered", ask.at, facts)}
    body = {"record_id": str(id_), "member": ask.member, "leaf": leaf, "feed": feed}
    return id_at(ask.at), "enquiry.answered", json.dumps(body), ask.at

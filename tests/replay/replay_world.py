"""The real night beside the model, with a clock that moves, members that ask and reserve, and what they were told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from model import Row
from night_world import World
from sqlalchemy import text

from huxin.decision import Coverage, Facts
from huxin.decision.arrears import Month
from huxin.enquiry import reservation_acts, reserving
from huxin.enquiry.answering import Used
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.sealing import FACTS, opened
from huxin.enquiry.subject_keys import Person
from huxin.enquiry.timeline import months_told
from huxin.ids import new_id
from huxin.registry import enquiries, gathering, replay
from huxin.registry.members import change_member, set_status
from huxin.registry.policies import policy_version
from huxin.registry.replay import PRESENT, When, Whom
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import SHANGHAI, Settings
from support.rows import mobile, name, resident_id

STEP = timedelta(minutes=3)
CROWD = 20


@dataclass(frozen=True)
class Remembered:
    """An enquiry as it was answered, all that the answer was made of included."""

    id: UUID
    asker: Asker
    person: int
    at: datetime
    used: Used
    told: dict[str, Any]
    months: list[Month] | None

    @property
    def facts(self) -> Facts:
        return Facts.from_json(self.used.facts)


@dataclass
class Past:
    """A registry whose clock moves on with each act; what was answered is remembered."""

    world: World
    desk: Desk
    remembered: list[Remembered] = field(default_factory=list)
    reserved: list[tuple[Asker, UUID]] = field(default_factory=list)

    @classmethod
    def begun(cls, settings: Settings, folder: Path, members: tuple[str, ...] = ("M0001", "M0002")) -> Past:
        """On a registry with these members."""
        return cls(World(settings, folder, list(members)), Desk(settings))

    @property
    def settings(self) -> Settings:
        return self.world.settings

    def tick(self) -> datetime:
        """Three minutes later."""
        later = replace(self.settings, fixed_now=self.settings.now() + STEP)
        self.world.settings = self.desk.settings = later
        self.desk._covering._settings = later  # the same clock for its days
        self.desk._covering._read = None
        return later.now()

    def asker(self, code: str) -> Asker:
        with connection(self.settings) as database:
            found = database.execute(text("SELECT id FROM member WHERE code = :code"), {"code": code})
            return Asker(found.scalar_one(), code)

    def ask(self, code: str, person: int, purpose: str = "application") -> Remembered:
        """As the API asks, by identifier, name and mobile; the feed of mobiles is drained at once."""
        now, asker = self.tick(), self.asker(code)
        until = date(2027, 1, 1)
        request = EnquiryRequest(who(person), purpose, "SQ1", until, "S-1", "case", 2_000_000, "consumer")
        told = json.loads(self.desk.enquire(asker, request, str(new_id())).content)
        id_ = UUID(told["enquiry_id"])
        stored = enquiries.fetch(self.desk.live, asker.member_id, id_)
        assert stored is not None
        facts = opened(self.desk.keys.seal_keys, FACTS, id_, stored.facts)
        used = Used.restored(facts, lambda version: policy_version(self.settings, version))
        drain(self.settings)
        made = Remembered(id_, asker, person, now, used, told, months_told(self.desk, asker.member_id, id_))
        self.remembered.append(made)
        return made

    def reserve(self, asked: Remembered) -> UUID | None:
        """On an enquiry; None where a cap or its age forbids it."""
        self.tick()
        wanted = reserving.ReservationRequest(asked.id, 2_000_000, "consumer")
        granted = reserving.reserve(self.desk, asked.asker, wanted, str(new_id())).told
        self.reserved.append((asked.asker, UUID(granted["reservation_id"])))
        return self.reserved[-1][1]

    def change(self, place: int, loan_no: str | None) -> None:
        """Releases a reservation, or converts it into a loan of this number."""
        self.tick()
        asker, id_ = self.reserved[place]
        if loan_no is None:
            reservation_acts.release(self.desk, asker, id_)
        else:
            reservation_acts.convert(self.desk, asker, id_, loan_no, None)

    def member(self, code: str, **changes: str) -> None:
        """An operator's word on a member: status, tier or kind."""
        now = self.tick()
        with connection(self.settings) as database:
            if "status" in changes:
                set_status(database, code, changes["status"], now)
            else:
                change_member(database, code, **changes, now=now)

    # What is compared ---------------------------------------------------------------------------------

    def facts(self, asker: Asker, person: int, at: datetime | None, now: datetime) -> dict[str, Any]:
        """What enquiry_facts_at tells, at a past moment or of the present."""
        facts: dict[str, Any] = orjson.loads(self.facts_told(asker, person, at, now))
        return facts

    def facts_told(self, asker: Asker, person: int, at: datetime | None, now: datetime) -> bytes:
        """The same as the very bytes."""
        keys = self.desk.keys.of(who(person))
        today = now.astimezone(SHANGHAI).date()
        with connection(self.settings) as database:
            subject = replay.subjects_of(database, [keys.keys])[0]
            mobile_id = replay.mobiles_of(database, [keys.mobile_keys])[0]
            whom = Whom(subject, keys.name_marks, True, mobile_id)
            found = replay.facts_at(database, asker.member_id, [whom], When(at, now, today), 7)
        return found[0]

    def gathered(self, asker: Asker, person: int, now: datetime) -> dict[str, Any]:
        """What the API's own round trip gathers at this moment, claiming nobody."""
        facts: dict[str, Any] = orjson.loads(self.gathered_told(asker, person, now))
        return facts

    def gathered_told(self, asker: Asker, person: int, now: datetime) -> bytes:
        """The same as the very bytes."""
        keys = self.desk.keys.of(who(person))
        asking = gathering.Asking(
            member_id=asker.member_id,
            purpose="application",
            keys=keys.keys,
            now=now,
            today=now.astimezone(SHANGHAI).date(),
            claim=False,
            name_marks=keys.name_marks,
            mobile_keys=keys.mobile_keys,
            stacking_days=7,
        )
        return gathering.gather(self.desk.live, asking).facts

    def coverage(self, at: datetime | None, since: date, now: datetime) -> Coverage:
        with connection(self.settings) as database:
            reach = replay.coverage_at(database, since, When(at, now, now.astimezone(SHANGHAI).date()))
        return Coverage(reach.members, reach.reported, reach.oldest_as_of)

    def check_present(self, people: range) -> None:
        """Both ways of asking agree on the present, and on it as a moment, to the byte."""
        now, asker = self.tick(), self.asker("M0001")
        for person in people:
            gathered = self.gathered_told(asker, person, now)
            assert self.facts_told(asker, person, PRESENT, now) == gathered, person
            assert self.facts_told(asker, person, now, now) == gathered, person

    def check_past(self) -> None:
        """Each enquiry's moment still tells what the enquiry was told."""
        for each in self.remembered:
            then = self.facts_told(each.asker, each.person, each.at, each.at)
            assert then == each.used.facts, (each.asker.code, each.person, each.at)
            assert self.coverage(each.at, date(2026, 5, 24), each.at) == each.used.coverage
            assert months_told(self.desk, each.asker.member_id, each.id) == each.months
            longest = max(
                [days or 0 for month in each.months or () for days in (month.own, month.others)], default=0
            )
            assert longest <= each.told["delinquency"]["max_dpd_24m"]


def who(person: int) -> Person:
    """The person: two neighbours (1 and 2, 3 and 4) share a mobile number, and all from CROWD on have one."""
    number = CROWD if person >= CROWD else person - 1 + person % 2
    return Person("resident_id", resident_id(person), None, name(person), mobile(number))


__all__ = ["Past", "Remembered", "Row", "who"]

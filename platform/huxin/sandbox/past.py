"""What others did before: enquiries and reservations, made by the very desk that answers, at their time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from huxin.enquiry.desk import Desk
from huxin.enquiry.request import APPLICATION, Asker, EnquiryRequest
from huxin.enquiry.reserving import ReservationRequest, reserve
from huxin.enquiry.subject_keys import Person
from huxin.ids import new_id
from huxin.sandbox.people import invented
from huxin.sandbox.subjects import Before, Sandbox, TestSubject
from huxin.settings import SHANGHAI, Settings

PRODUCT = "consumer"


def make_past(settings: Settings, data: Sandbox, members: Mapping[str, int]) -> None:
    """Everything under `asked` and `reserved`, as it would have happened. `members` are ids by code."""
    desk, now = Desk(settings), settings.now()
    try:
        for subject in data.subjects:
            for before in (*subject.asked, *subject.reserved):
                _do(desk, subject, before, now, Asker(members[before.lender], before.lender))
    finally:
        desk.close()


def _do(desk: Desk, subject: TestSubject, before: Before, now: datetime, asker: Asker) -> None:
    at = now - timedelta(hours=before.hours_ago)
    desk.settings = replace(desk.settings, fixed_now=at)
    enquiry_id = _ask(desk, asker, _who(subject, before), before.amount, at)
    if before in subject.reserved:
        wanted = ReservationRequest(enquiry_id, before.amount * 100, PRODUCT)
        reserve(desk, asker, wanted, f"past-{new_id()}")


def _who(subject: TestSubject, before: Before) -> Person:
    """The subject itself, or an invented person that has its mobile number."""
    return (
        subject.person
        if before.other is None
        else replace(invented(before.other), mobile=subject.person.mobile)
    )


def _ask(desk: Desk, asker: Asker, person: Person, amount: int, at: datetime) -> UUID:
    until = at.astimezone(SHANGHAI).date() + timedelta(days=365)
    request = EnquiryRequest(
        person, APPLICATION, "SQ-SANDBOX", until, "sandbox", "past", amount * 100, PRODUCT
    )
    told = desk.enquire(asker, request, f"past-{new_id()}")
    return UUID(orjson.loads(told.content)["enquiry_id"])

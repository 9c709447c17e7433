"""The facts of a subject: every key there, delays by the member's own day, windows counted to the moment."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from registry_world import Desk, token

from huxin.decision.facts import Facts
from huxin.registry import enquiry_lots, reservations
from huxin.registry.gathering import coverage


@pytest.fixture
def key(desk: Desk) -> bytes:
    return token()


@pytest.fixture
def subject(desk: Desk, key: bytes) -> UUID:
    found = desk.gather(1, key).subject_id
    assert found is not None
    return found


def only(facts: dict[str, Any]) -> dict[str, Any]:
    (loan,) = facts["loans"]
    return dict(loan)


def test_facts_of_nobody_are_whole(desk: Desk) -> None:
    assert desk.facts(1, token()) == {
        "today": "2026-05-31",
        "now": "2026-05-31T14:00:00Z",
        "loans": [],
        "reservations": [],
        "enquiries": [],
        "enquirers30": 0,
        "others_recent": {"enquiries": 0, "members": 0},
        "mobile": None,
        "disputes": 0,
    }


def test_the_decision_reads_what_the_registry_writes(desk: Desk, key: bytes, subject: UUID) -> None:
    desk.loan(subject, 1, "A", terms_left=3, closed_on=None, special_event=2, hardship=2, name_mark=uuid4())
    desk.loan(subject, 2, "B", role=3, overdue_since=date(2026, 5, 1), status=2, class5=3, max_dpd=40)
    desk.reserve(2, desk.asked(2, key))
    desk.gather(1, key, mobile_keys=[(token(), 9)])
    facts = Facts.from_json(desk.gather(1, key, mobile_keys=[(token(), 9)], name_marks=[token()]).facts)
    assert [loan.m for loan in facts.loans] == [0, 1]
    assert [(each.m, each.amount) for each in facts.reservations] == [(1, 100_000)]


def test_other_members_are_numbers_by_appearance(desk: Desk, key: bytes, subject: UUID) -> None:
    for days, member in enumerate((4, 2, 1, 4, 3)):
        begun = date(2026, 1, 1) + timedelta(days=days)
        desk.loan(subject, member, f"L{days}", disbursed_on=begun, balance=days)
    assert [(loan["m"], loan["balance"]) for loan in desk.facts(1, key)["loans"]] == [
        (1, 0),
        (2, 1),
        (0, 2),
        (1, 3),
        (3, 4),
    ]


def test_void_versions_are_not_there_and_guarantors_are(desk: Desk, key: bytes, subject: UUID) -> None:
    desk.loan(subject, 2, "A", void_by=uuid4())
    desk.loan(subject, 2, "B", role=3)
    assert only(desk.facts(1, key))["role"] == 3


@pytest.mark.parametrize(
    ("changed", "dpd"),
    [
        ({}, 20),  # the member's newest day is 05-30, the loan's own 05-21
        ({"stale_as_of": date(2026, 5, 25)}, 15),
        ({"ended_by": 1, "ended_on": date(2026, 5, 28)}, 17),
        ({"overdue_since": None}, 0),
    ],
)
def test_days_past_due_are_of_the_effective_day(
    desk: Desk, key: bytes, subject: UUID, changed: dict[str, Any], dpd: int
) -> None:
    desk.run("UPDATE member SET as_of_date = '2026-05-30' WHERE id = 2")
    desk.loan(
        subject, 2, "A", **{"as_of_date": date(2026, 5, 21), "overdue_since": date(2026, 5, 10), **changed}
    )
    assert only(desk.facts(1, key))["dpd"] == dpd


@pytest.mark.parametrize(
    ("status", "balance", "ended_by", "open_"),
    [
        (1, 1, None, True),
        (4, 0, None, True),
        (5, 1, None, True),
        (5, 0, None, False),
        (7, 0, None, False),
        (1, 1, 1, False),
    ],
)
def test_open_is_the_contracts_word(
    desk: Desk, key: bytes, subject: UUID, status: int, balance: int, ended_by: int | None, open_: bool
) -> None:
    ended_on = date(2026, 5, 30) if ended_by else None
    desk.loan(subject, 2, "A", status=status, balance=balance, ended_by=ended_by, ended_on=ended_on)
    assert only(desk.facts(1, key))["open"] is open_


def adverse(desk: Desk, subject: UUID, version: int, until: date, dpd: int) -> None:
    values = (subject, version, until - timedelta(days=dpd), until, dpd)
    desk.run("INSERT INTO loan_adverse VALUES (%s, 2, 'A', %s, %s, %s, %s, 700, NULL)", values)


def test_what_was_adverse_before_is_told(desk: Desk, key: bytes, subject: UUID) -> None:
    desk.loan(subject, 2, "A", version=4)
    adverse(desk, subject, 1, date(2022, 1, 31), 90)
    adverse(desk, subject, 2, date(2025, 3, 31), 30)
    found = only(desk.facts(1, key))
    assert (found["dpd24"], found["bad_until"], found["bad_amount"]) == (30, "2025-03-31", 700)
    assert found["bad_since"] == "2021-11-02"


@pytest.mark.parametrize(
    ("changed", "until", "since"),
    [
        ({}, None, None),
        ({"overdue_since": date(2026, 5, 1)}, None, "2026-05-01"),
        ({"class5": 5, "status": 7, "closed_on": date(2026, 4, 1)}, "2026-04-01", "2026-05-31"),
        ({"max_dpd": 9, "status": 7, "closed_on": date(2026, 4, 1)}, "2026-04-01", None),
        ({"max_dpd": 9}, "2026-05-31", None),
    ],
)
def test_a_default_ends_on_a_day_or_has_not_ended(
    desk: Desk, key: bytes, subject: UUID, changed: dict[str, Any], until: str | None, since: str | None
) -> None:
    desk.loan(subject, 2, "A", **changed)
    found = only(desk.facts(1, key))
    assert (found["bad_until"], found["bad_since"]) == (until, since)


def test_the_name_agrees_or_differs_or_is_not_known(desk: Desk, key: bytes, subject: UUID) -> None:
    mark = uuid4()
    desk.loan(subject, 2, "A", name_mark=mark)
    assert only(desk.facts(1, key, name_marks=[mark.bytes]))["name"] is True
    assert only(desk.facts(1, key, name_marks=[token()]))["name"] is False
    assert only(desk.facts(1, key))["name"] is None
    desk.run("UPDATE loan SET name_mark = NULL")
    assert only(desk.facts(1, key, name_marks=[mark.bytes]))["name"] is None


def test_enquiries_are_counted_by_window_kind_and_purpose(desk: Desk, key: bytes, subject: UUID) -> None:
    desk.run("UPDATE member SET kind = 'bank' WHERE id = 3")
    for days in (0, 6, 10, 20, 60, 100, 300, 366):
        desk.record(2, subject, asked_at=desk.now - timedelta(days=days))
    desk.record(3, subject, purpose="guarantee")
    desk.record(3, subject, purpose="post_loan")
    desk.record(
        1, subject, asked_at=desk.now - timedelta(days=7)
    )  # seven whole days ago: no longer within them
    facts = desk.facts(1, key)
    assert facts["enquiries"] == [
        {"own": True, "kind": "microlender", "d7": 0, "d15": 1, "d30": 1, "d90": 1, "d180": 1, "d365": 1},
        {"own": False, "kind": "bank", "d7": 1, "d15": 1, "d30": 1, "d90": 1, "d180": 1, "d365": 1},
        {"own": False, "kind": "microlender", "d7": 2, "d15": 3, "d30": 4, "d90": 5, "d180": 6, "d365": 7},
    ]
    assert facts["enquirers30"] == 2
    assert facts["others_recent"] == {"enquiries": 3, "members": 2}
    assert desk.facts(1, key, stacking_days=15)["others_recent"] == {"enquiries": 4, "members": 2}


def test_a_mobile_has_subjects_and_enquiries_of_its_own(desk: Desk, key: bytes) -> None:
    phone = token()
    mobile = desk.gather(1, key, mobile_keys=[(phone, 9)]).mobile_id
    assert desk.facts(1, key, mobile_keys=[(phone, 9)])["mobile"] == {"subjects": 1, "enquiries": []}
    for member, days in ((2, 1), (2, 40), (1, 0)):
        asked = desk.now - timedelta(days=days)
        desk.run(
            "INSERT INTO mobile_enquiry SELECT %s, id_floor(%s), %s, gen_random_uuid(), 'application', %s",
            (mobile, asked, member, asked),
        )
        desk.run("INSERT INTO mobile_subject VALUES (%s, gen_random_uuid())", (mobile,))
    found = desk.facts(1, token(), mobile_keys=[(phone, 9)])["mobile"]
    assert found["subjects"] == 4
    assert [(each["own"], each["d7"], each["d90"]) for each in found["enquiries"]] == [
        (True, 1, 1),
        (False, 1, 2),
    ]


@pytest.mark.parametrize("claim", [True, False], ids=["claimed", "unknown"])
def test_the_subject_asked_about_counts_once_by_its_mobile(desk: Desk, key: bytes, claim: bool) -> None:
    """Not yet among those of the number, standing there already, or known to nobody: it is one of them."""
    phone = [(token(), 9)]
    first = desk.gather(1, key, mobile_keys=phone)

    def subjects(asked: bytes, numbers: list[tuple[bytes, int]], claim: bool = True) -> int:
        return int(desk.facts(1, asked, mobile_keys=numbers, claim=claim)["mobile"]["subjects"])

    desk.run("INSERT INTO mobile_subject VALUES (%s, gen_random_uuid())", (first.mobile_id,))
    assert subjects(key, phone) == 2
    desk.run("INSERT INTO mobile_subject VALUES (%s, %s)", (first.mobile_id, first.subject_id))
    assert subjects(key, phone) == 2
    assert subjects(token(), phone, claim) == 3
    assert subjects(token(), [(token(), 9)], claim) == 1


def test_the_third_of_a_lot_with_one_mobile_is_told_by_its_first_question(desk: Desk) -> None:
    phone = [(token(), 1)]
    mobile = desk.gather(1, token(), mobile_keys=phone).mobile_id
    for _ in range(2):
        desk.run("INSERT INTO mobile_subject VALUES (%s, gen_random_uuid())", (mobile,))
    askings = [desk.asking(member, token(), mobile_keys=phone) for member in (1, 2)]
    for found in enquiry_lots.gather_all(desk.live, askings):
        assert found is not None
        assert json.loads(found.facts)["mobile"]["subjects"] == 3


def test_a_converted_reservation_counts_until_its_loan_does(desk: Desk, key: bytes, subject: UUID) -> None:
    granted = desk.reserve(2, desk.asked(2, key)).id
    until = desk.now + timedelta(days=7)
    reservations.convert(desk.live, desk.changing(2, granted), until, contract_no="HT-1")
    assert desk.facts(1, key)["reservations"] == [
        {
            "m": 1,
            "amount": 100_000,
            "granted_at": "2026-05-31T14:00:00Z",
            "expires_at": "2026-06-07T14:00:00Z",
        }
    ]
    older = desk.now.date() - timedelta(days=1)
    desk.loan(subject, 2, "A", contract_no="HT-1", disbursed_on=older)
    facts = desk.facts(1, key)
    assert (len(facts["loans"]), len(facts["reservations"])) == (1, 1), "another drawing of the contract"
    desk.loan(subject, 2, "B", contract_no="HT-1", disbursed_on=desk.now.date())
    facts = desk.facts(1, key)
    assert (len(facts["loans"]), facts["reservations"]) == (2, [])


def test_coverage_counts_active_members(desk: Desk) -> None:
    desk.run("UPDATE member SET as_of_date = '2026-05-30' WHERE id <= 3")
    desk.run("UPDATE member SET as_of_date = '2026-05-20' WHERE id = 4")
    desk.run("UPDATE member SET status = 'suspended' WHERE id = 1")
    assert coverage(desk.live, date(2026, 5, 28)) == (4, 2, date(2026, 5, 20))


def test_facts_name_no_member_however_many_there_are(desk: Desk, key: bytes, subject: UUID) -> None:
    """Others are numbered by their loans first, whichever has several; then by their promises; one's own is 0."""
    for member in (3, 2, 3, 1, 4):
        desk.loan(subject, member, f"L{uuid4()}")
    for member in (4, 1, 5):
        desk.reserve(member, desk.asked(member, key))
    told = desk.gather(1, key).facts
    facts = json.loads(told)
    assert b"@" not in told
    assert [loan["m"] for loan in facts["loans"]] == [0, 1, 2, 2, 3]
    assert sorted(promise["m"] for promise in facts["reservations"]) == [0, 3, 4]

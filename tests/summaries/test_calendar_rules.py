"""The states of a day: each by an example, and the edges of time to the microsecond."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from huxin.errors import HuxinError
from huxin.oversight.calendar import STATES, due_at, state_of
from huxin.oversight.reporting_policy import load_reporting_policies, reporting_policy
from huxin.registry.reports import ReportDay
from huxin.registry.terms import BACKFILL, EXTENSION, HOLIDAY, Term
from huxin.settings import SHANGHAI

DAY = date(2026, 5, 29)  # a Friday
POLICY = reporting_policy(DAY)
DUE = datetime(2026, 5, 30, 6, 0, tzinfo=SHANGHAI)
TICK = timedelta(microseconds=1)
LONG_AGO = date(2026, 1, 1)
HOUR = timedelta(hours=1)


def term(kind: str, until: datetime | None = None, member: int = 1) -> Term:
    return Term(member, DAY, kind, until, "system", DUE, "op")


def report(at: datetime | None = None, **counts: int) -> ReportDay:
    return ReportDay(1, DAY, files=0 if at is None else 1, first_at=at, **counts)


EXTENDED = term(EXTENSION, DUE + 10 * HOUR)
MADE_UP = term(BACKFILL, DUE + 48 * HOUR)
CASES = {
    "in time, at the very moment": (report(DUE), (), DUE + HOUR, "reported"),
    "a moment too late": (report(DUE + TICK), (), DUE + HOUR, "late"),
    "in time by an extension": (report(DUE + 9 * HOUR), (EXTENDED,), DUE + 20 * HOUR, "reported"),
    "too late for the extension too": (report(DUE + 11 * HOUR), (EXTENDED,), DUE + 20 * HOUR, "late"),
    "made up for in the time granted": (report(DUE + 40 * HOUR), (MADE_UP,), DUE + 90 * HOUR, "backfilled"),
    "made up for after that": (report(DUE + 50 * HOUR), (MADE_UP,), DUE + 90 * HOUR, "late"),
    "reported on a holiday": (report(DUE + HOUR), (term(HOLIDAY),), DUE + 2 * HOUR, "reported"),
    "a holiday": (None, (term(HOLIDAY),), DUE + HOUR, "holiday"),
    "everybody's holiday": (None, (term(HOLIDAY, member=0),), DUE + HOUR, "holiday"),
    "not due yet, to the last moment": (None, (), DUE, "not_due"),
    "missing from then on": (None, (), DUE + TICK, "missing"),
    "an extension runs": (None, (EXTENDED,), DUE + HOUR, "extended"),
    "before it was due an extension is nothing special": (None, (EXTENDED,), DUE - HOUR, "not_due"),
    "an extension that is over": (None, (EXTENDED,), DUE + 11 * HOUR, "missing"),
    "asked for after all": (None, (MADE_UP,), DUE + HOUR, "backfill"),
    "asked for in vain": (None, (MADE_UP,), DUE + 49 * HOUR, "missing"),
    "waits for the member": (report(waiting=1), (), DUE + HOUR, "waiting"),
    "refused is missing": (report(refused=2), (), DUE + HOUR, "missing"),
    "withdrawn is missing": (report(withdrawn=1), (), DUE + HOUR, "missing"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_state_by_an_example(case: str) -> None:
    held, terms, now, state = CASES[case]
    found = state_of(POLICY, DAY, held, terms, now, LONG_AGO)
    assert found.state == state
    assert found.due_at == due_at(POLICY.due, DAY, terms)
    assert found.refused is (case == "refused is missing")


def test_the_examples_leave_no_state_out() -> None:
    assert {state for *_, state in CASES.values()} == set(STATES) - {"none"}


def test_who_has_not_joined_or_is_suspended_owes_nothing() -> None:
    now = DUE + HOUR
    assert state_of(POLICY, DAY, None, (), now, DAY + timedelta(days=1)).state == "none"
    assert state_of(POLICY, DAY, None, (), now, DAY).state == "missing"
    assert state_of(POLICY, DAY, None, (), now, LONG_AGO, active=False).state == "none"
    assert state_of(POLICY, DAY, report(DUE), (), now, LONG_AGO, active=False).state == "reported"


def test_weekends_are_free_where_the_policy_says_so() -> None:
    saturday, now = DAY + timedelta(days=1), DUE + 90 * HOUR
    assert state_of(POLICY, saturday, None, (), now, LONG_AGO).state == "missing"
    free = replace(POLICY, weekends=False)
    assert state_of(free, saturday, None, (), now, LONG_AGO).state == "holiday"
    assert state_of(free, DAY, None, (), now, LONG_AGO).state == "missing"


def test_the_longest_extension_counts_and_none_shortens() -> None:
    shorter = term(EXTENSION, DUE - 3 * HOUR)
    assert due_at(POLICY.due, DAY, [shorter]) == DUE
    assert due_at(POLICY.due, DAY, [shorter, EXTENDED, term(EXTENSION, DUE + HOUR)]) == DUE + 10 * HOUR


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("days_after: 1", "days_after: 40"), "H1503"),
        (("hour: 6", "hour: 24"), "H1503"),
        (("weekends: true", "weekdays: true"), "H1502"),
        (("stability: 15", "stability: -1"), "H1503"),
        (
            (
                "timeliness: 35, rejects: 30, completeness: 20, stability: 15",
                "timeliness: 0, rejects: 0, completeness: 0, stability: 0",
            ),
            "H1503",
        ),
        (("version:", "version: x\n  version:"), "H1501"),
    ],
)
def test_a_faulty_policy_is_refused_whole(tmp_path, change, code) -> None:  # type: ignore[no-untyped-def]
    from huxin.paths import schema_root

    text = (schema_root() / "policy" / "reporting.yaml").read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "reporting.yaml").write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(HuxinError) as error:
        load_reporting_policies(tmp_path)
    assert error.value.code == code


def test_before_the_first_policy_there_is_none() -> None:
    with pytest.raises(HuxinError) as error:
        reporting_policy(date(2019, 12, 31))
    assert error.value.code == "H2301"

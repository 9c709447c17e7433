"""A member's own limit at the desk: the tighter of it and the policy's quota, told in the answer's headers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from guard_world import TODAY, Town

from huxin.cli.setup import prepare
from huxin.enquiry import limiting
from huxin.enquiry.desk import Desk
from huxin.enquiry.questions import Told
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.oversight.alarms import Wanted, limit, unlimit
from support.rows import resident_id


@pytest.fixture
def desk(town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(limiting, "SECONDS", 0.0)
    prepare(town.settings)
    made = Desk(town.settings)
    yield made
    made.close()


def set_clock(desk: Desk, now: datetime) -> None:
    desk.settings = replace(desk.settings, fixed_now=now)


def ask(
    desk: Desk, member: int = 1, purpose: str = "application", n: int = 1, key: str | None = None
) -> Told:
    person = Person("resident_id", resident_id(n))
    request = EnquiryRequest(person, purpose, "SQ1", date(2028, 12, 31), "S1", "CASE", 500_000)
    return desk.enquire(Asker(member, f"M{member}"), request, key or str(new_id()))


def test_the_tighter_of_both_holds_for_this_member_and_purpose(town: Town, desk: Desk) -> None:
    assert ask(desk).quota.limit == 6000
    limit(town.settings, "M1", Wanted("application", None, 3, None))
    for left in (1, 0):
        told = ask(desk)
        assert (told.quota.limit, told.quota.remaining) == (3, left)
    with pytest.raises(HuxinError) as refused:
        ask(desk)
    assert (refused.value.code, refused.value.facts["limit"]) == ("H1123", 3)
    assert ask(desk, purpose="guarantee").quota.limit == 6000
    assert ask(desk, member=2).quota.limit == 6000


def test_whoever_asks_too_often_for_a_minute_has_not_used_up_the_day(town: Town, desk: Desk) -> None:
    limit(town.settings, "M1", Wanted("application", 2, 4, None))
    minutes = [0] * 4
    for minute in range(4):
        set_clock(desk, town.settings.now() + timedelta(minutes=minute))
        for _ in range(5):
            try:
                minutes[minute] += ask(desk).fresh
            except HuxinError as refused:
                assert (refused.code, refused.facts["window_s"]) == ("H1123", 60 if minute < 2 else 86400)
    assert minutes == [2, 2, 0, 0]


def test_a_limit_never_widens_the_policy(town: Town, desk: Desk) -> None:
    limit(town.settings, "M1", Wanted("application", 10_000_000, 10_000_000, None))
    assert ask(desk).quota.limit == 6000


def test_a_limit_ends_with_its_day_or_when_it_is_lifted(town: Town, desk: Desk) -> None:
    limit(town.settings, "M1", Wanted("application", 0, None, TODAY))
    with pytest.raises(HuxinError, match="H1209"):
        ask(desk)
    tomorrow = Desk(replace(town.settings, fixed_now=town.settings.now() + timedelta(days=1)))
    assert ask(tomorrow).fresh
    tomorrow.close()
    assert unlimit(town.settings, "M1", "application")
    assert ask(desk).fresh


def test_it_is_read_every_few_seconds_and_not_with_each_question(
    town: Town, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiting, "SECONDS", 3600.0)
    assert ask(desk).quota.limit == 6000
    limit(town.settings, "M1", Wanted("application", 1, None, None))
    assert ask(desk).quota.limit == 6000
    monkeypatch.setattr(limiting, "SECONDS", 0.0)
    with pytest.raises(HuxinError, match="H1123"):
        ask(desk)


def test_what_was_asked_before_a_limit_came_was_not_refused(town: Town, desk: Desk) -> None:
    for key in ("K1", "K2", "K3"):
        ask(desk, key=key)
    limit(town.settings, "M1", Wanted("application", None, 2, None))
    assert not ask(desk, key="K3").fresh, "answered again, for that is no new question"
    assert town.guard().found == []
    for refused in (1, 2):
        with pytest.raises(HuxinError, match="H1123"):
            ask(desk)
        town.guard()
        (alarm,) = town.alarms()
        assert alarm.figures == {"quota": 2, "asked": 4 + refused, "refused": refused}


def test_what_a_purpose_that_is_not_open_refused_counts(town: Town, desk: Desk) -> None:
    limit(town.settings, "M1", Wanted("application", 0, 0, None))
    with pytest.raises(HuxinError, match="H1209"):
        ask(desk)
    (found,) = town.guard().found
    assert (found.kind, found.figures) == ("quota", {"quota": 0, "asked": 1, "refused": 1})


def test_what_a_minute_refused_is_no_alarm_and_each_day_begins_anew(town: Town, desk: Desk) -> None:
    limit(town.settings, "M1", Wanted("application", 1, 2, None))
    for days, minutes in ((0, 0), (0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 0), (1, 1)):
        set_clock(desk, town.settings.now() + timedelta(days=days, minutes=minutes))
        try:
            ask(desk)
        except HuxinError as refused:
            assert refused.code == "H1123"
        if minutes == 3:
            assert town.run("SELECT day, per_day, refused FROM quota_refused") == [(TODAY, 2, 2)]
    assert town.run("SELECT refused FROM quota_refused") == [(2,)]
    set_clock(desk, town.settings.now() + timedelta(days=1, minutes=2))
    with pytest.raises(HuxinError, match="H1123"):
        ask(desk)
    assert town.run("SELECT day, refused FROM quota_refused") == [(TODAY + timedelta(days=1), 1)]

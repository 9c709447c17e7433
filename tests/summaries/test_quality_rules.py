"""The index by worked examples, its bounds, and the league against the rules applied day by day."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from huxin.oversight.calendar import OWED, PUBLISHED, REPORTED, day_off, state_of, terms_by_day
from huxin.oversight.quality import Figures, quality_of
from huxin.oversight.reporting import joined, late_members, league, window
from huxin.oversight.reporting_policy import reporting_policy
from huxin.registry.reports import rejections, report_days, reporters
from huxin.registry.session import connection
from huxin.registry.terms import BACKFILL, EXTENSION, HOLIDAY, Term, set_terms, terms_between
from huxin.settings import SHANGHAI, Settings
from support.queries import watched

TODAY = date(2026, 5, 31)
POLICY = reporting_policy(TODAY)
RULES = POLICY.quality


def test_a_worked_example() -> None:
    figures = Figures(
        due=10, published=8, on_time=6, rows=1_000, rejected=20, vanished=50, swings=0.28, steps=7
    )
    found = quality_of(RULES, figures)
    assert (found.timeliness, found.rejects) == (75.0, 80.0)
    assert (found.completeness, found.stability) == (76.0, 80.0)
    assert found.index == round((35 * 75 + 30 * 80 + 20 * 76 + 15 * 80) / 100, 1)


@pytest.mark.parametrize(
    ("figures", "index"),
    [
        (Figures(), None),  # nothing was due and nothing came
        (Figures(due=5), 0.0),  # all was due and nothing came
        (Figures(due=1, published=1, on_time=1, rows=10), 100.0),  # one good day: no stability yet
        (Figures(due=1, published=1, on_time=1), 100.0),  # an empty increment in time
        (Figures(due=2, published=2, on_time=0, rows=10, rejected=10, vanished=10, swings=0.2, steps=1), 0.0),
    ],
)
def test_what_cannot_be_said_does_not_count(figures: Figures, index: float | None) -> None:
    assert quality_of(RULES, figures).index == index


def test_any_figures_give_an_index_within_bounds_that_worse_figures_do_not_raise() -> None:
    chance = random.Random(5)
    for _ in range(2_000):
        due = chance.randint(1, 40)
        published = chance.randint(0, due + 2)
        rows = chance.randint(0, 500)
        figures = Figures(
            due,
            published,
            chance.randint(0, published),
            rows,
            chance.randint(0, rows),
            chance.randint(0, 2 * rows + 1),
            chance.random() * 3,
            chance.randint(0, 30),
        )
        figures = replace(figures, swings=min(figures.swings, figures.steps * RULES.swing_percent / 100))
        found = quality_of(RULES, figures)
        for part in vars(found).values():
            assert part is None or 0 <= part <= 100
        for worse in (
            replace(figures, on_time=max(0, figures.on_time - 1)),
            replace(figures, rejected=min(rows, figures.rejected + 1)),
            replace(figures, vanished=figures.vanished + 1),
            replace(figures, due=due + 1),
        ):
            assert (quality_of(RULES, worse).index or 0) <= (found.index or 0)


def _sown(settings: Settings, seed: int) -> None:
    """Ten members with forty days of reports, some late, some missing, and grants of every kind."""
    chance = random.Random(seed)
    now = settings.now()
    rows, terms = [], []
    for member in range(1, 11):
        for back in range(40):
            day = TODAY - timedelta(days=back)
            if chance.random() < 0.06:
                kind = chance.choice((HOLIDAY, EXTENSION, BACKFILL))
                until = datetime.combine(day, time(12), SHANGHAI) + timedelta(days=chance.randint(1, 4))
                owner = 0 if chance.random() < 0.1 else member
                terms.append(Term(owner, day, kind, None if kind == HOLIDAY else until, "system", now, "op"))
            if chance.random() < 0.8:
                at = datetime.combine(day, time(22), SHANGHAI) + timedelta(hours=chance.randint(0, 60))
                sent = chance.randint(0, 50)
                rows.append(
                    {
                        "member": member,
                        "day": day,
                        "at": at,
                        "rows": sent,
                        "rejected": chance.randint(0, sent // 5),
                        "vanished": chance.randint(0, sent // 9),
                        "loans": chance.choice((None, chance.randint(30, 40))),
                    }
                )
    with connection(settings) as database:
        database.execute(
            text("""INSERT INTO member (id, code, name, status, created_at)
                SELECT n, 'M' || n, 'M', CASE WHEN n = 9 THEN 'suspended' ELSE 'active' END,
                    CASE WHEN n = 10 THEN '2026-05-20'::timestamptz ELSE '2026-01-01' END
                FROM generate_series(1, 10) n""")
        )
        database.execute(
            text("""INSERT INTO report_day (member_id, day, files, refused, waiting, withdrawn, rows, accepted,
                rejected, warned, vanished, first_at, last_at, loans)
                VALUES (:member, :day, 1, 0, 0, 0, :rows, 0, :rejected, 0, :vanished, :at, :at, :loans)"""),
            rows,
        )
        set_terms(database, terms)


@pytest.mark.parametrize("seed", range(4))
def test_the_league_counts_as_the_rules_do_day_by_day(settings: Settings, seed: int) -> None:
    _sown(settings, seed)
    now = settings.now()
    with connection(settings) as database:
        since, until = window(POLICY, now)
        placed = {each.member.id: each for each in league(database, POLICY, now)}
        terms = terms_between(database, since, until)
        held = {(each.member_id, each.day): each for each in report_days(database, since, until)}
        for member in reporters(database):
            granted = terms_by_day(terms, member.id)
            every = [since + timedelta(days=number) for number in range(RULES.days)]
            since_joined = [day for day in every if day >= joined(member)]
            days = [day for day in since_joined if not day_off(POLICY, day, granted.get(day, ()))]
            states = [
                state_of(
                    POLICY,
                    day,
                    held.get((member.id, day)),
                    granted.get(day, ()),
                    now,
                    joined(member),
                    member.status == "active",
                ).state
                for day in days
            ]
            mine = [held[member.id, day] for day in days if (member.id, day) in held]
            figures = placed[member.id].figures
            assert figures.published == sum(each in PUBLISHED for each in states)
            assert figures.on_time == sum(each == REPORTED for each in states)
            assert figures.rows == sum(each.rows for each in mine)
            assert figures.rejected == sum(each.rejected for each in mine)
            assert figures.vanished == sum(each.vanished for each in mine)
            assert figures.due == sum(each in OWED for each in states), (member.id, states)
            assert (figures.swings, figures.steps) == pytest.approx(
                _swings([held[member.id, day] for day in since_joined if (member.id, day) in held])
            )


def _swings(days) -> tuple[float, int]:  # type: ignore[no-untyped-def]
    pairs = [(a.loans, b.loans) for a, b in pairwise(days) if None not in (a.loans, b.loans)]
    return sum(min(abs(b - a) / max(a, 1), RULES.swing_percent / 100) for a, b in pairs), len(pairs)


def test_the_best_stand_first_and_equals_share_a_place(settings: Settings) -> None:
    _sown(settings, 1)
    with connection(settings) as database:
        placed = league(database, POLICY, settings.now())
    indices = [each.quality.index for each in placed if each.quality.index is not None]
    assert indices == sorted(indices, reverse=True)
    assert placed[0].place == 1
    for one, other in pairwise(placed):
        if one.quality.index is not None and other.quality.index is not None:
            assert (one.place == other.place) is (one.quality.index == other.quality.index)


@pytest.mark.parametrize("seed", range(2))
def test_rejections_are_counted_by_check_of_the_sector_and_of_each_member(
    settings: Settings, seed: int
) -> None:
    """Against the same rows added up here: days outside, warnings and what was taken back count for nothing."""
    chance = random.Random(seed)
    since, until = TODAY - timedelta(days=29), TODAY
    rows = {
        (member, TODAY - timedelta(days=back), code): chance.choice((0, 0, 1, 3, 40))
        for member in range(1, 8)
        for back in range(40)
        for code in ("E1101", "E2001", "F0002", "W4001")
        if chance.random() < 0.4
    }
    with connection(settings) as database:
        database.execute(
            text("INSERT INTO report_code (member_id, day, code, hits) VALUES (:member, :day, :code, :hits)"),
            [{"member": m, "day": d, "code": c, "hits": hits} for (m, d, c), hits in rows.items()],
        )
        database.execute(
            text("""INSERT INTO report_day (member_id, day, files, refused, waiting, withdrawn, rows, accepted,
                rejected, warned, vanished) SELECT n, :day, 1, 0, 0, 0, 1, 1, 0, 0, 0 FROM generate_series(1, 10) n"""),
            {"day": TODAY},
        )
    with watched() as seen, connection(settings) as database:
        found = rejections(database, since, until)
    assert seen.count == 2
    assert seen.walks(settings, ("report_code", "report_day", "finding", "submission")) == []
    by_member: dict[int, Counter[str]] = {}
    for (member, day, code), hits in rows.items():
        if since <= day <= until and code[0] != "W" and hits:
            by_member.setdefault(member, Counter())[code] += hits
    sector: Counter[str] = sum(by_member.values(), Counter())
    told = [(each.code, each.hits, each.members) for each in found.rules]
    assert told == sorted(
        ((code, hits, sum(code in mine for mine in by_member.values())) for code, hits in sector.items()),
        key=lambda each: (-each[1], each[0]),
    )
    assert {member: (each.code, each.hits) for member, each in found.worst.items()} == {
        member: min(mine.items(), key=lambda each: (-each[1], each[0])) for member, mine in by_member.items()
    }
    assert found.senders == 10


def test_the_window_ends_with_the_newest_day_that_is_due() -> None:
    evening = datetime(2026, 5, 31, 22, 0, tzinfo=SHANGHAI)
    assert window(POLICY, evening)[1] == date(2026, 5, 30)
    assert window(POLICY, evening.replace(hour=5))[1] == date(2026, 5, 29)
    since, until = window(POLICY, evening)
    assert (until - since).days == RULES.days - 1


def test_late_members_are_those_that_owe_the_most_first(settings: Settings) -> None:
    _sown(settings, 2)
    with connection(settings) as database:
        late = late_members(database, POLICY, settings.now())
    assert late
    assert [len(each.days) for each in late] == sorted((len(each.days) for each in late), reverse=True)
    assert all(each.member.status == "active" for each in late)
    assert all(
        days == sorted(days, reverse=True) for days in ([day for day, _ in each.days] for each in late)
    )

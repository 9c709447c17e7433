"""The sector at the close of nights, against a count over everything."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from huxin.cli.setup import prepare
from huxin.nightly import actions
from huxin.nightly.pipeline import run_night
from huxin.nightly.submitting import submit
from huxin.oversight.closing import close_if_due
from huxin.registry.members import add_members
from huxin.registry.sector import lenders_trend, sector_now, sector_trend
from huxin.registry.session import connection
from huxin.settings import Settings
from support.rows import loan, overdue, write_submission

TODAY = date(2026, 5, 31)
YESTERDAY = TODAY - timedelta(days=1)
MEMBERS = [f"M{number:04d}" for number in range(1, 8)]
_COUNT = """
    SELECT least(n, 5), count(*) FROM (
        SELECT subject_id, count(DISTINCT member_id) AS n FROM loan
        WHERE ended_by IS NULL AND role < 3 AND (status < 5 OR (status = 5 AND balance > 0)) GROUP BY 1) s GROUP BY 1
"""


@pytest.fixture
def home(settings: Settings) -> Settings:
    prepare(settings)
    with connection(settings) as database:
        add_members(database, [(code, f"{code} 小贷") for code in MEMBERS], settings.now())
    return settings


def _night(home: Settings, folder: Path, as_of: date, seed: int, members: list[str]) -> None:
    """Each member reports loans of the same thirty of sixty people, a few of them overdue, one of them gone."""
    chance = random.Random(seed)
    for code in members:
        rows = []
        for person in random.Random(code).sample(range(1, 61), 31)[seed % 2 : 30]:
            row = loan(
                code, person, loan_no=f"{code}-{person}", balance=f"{chance.randint(1_000, 15_000)}.00"
            )
            if chance.random() < 0.2:
                row = overdue(row, chance.choice((10, 100, 300)), as_of)
            rows.append(row)
        write_submission(folder, code, rows, as_of, 1, "full")
    run_night(home, folder)
    close_if_due(home)


def _brute(home: Settings) -> tuple[dict[int, list[int]], Counter[int]]:
    with connection(home) as database:
        query = """SELECT class5, count(DISTINCT member_id), count(*), sum(balance), count(overdue_since),
            sum(overdue_amount) FROM loan
            WHERE role = 1 AND ended_by IS NULL AND (status < 5 OR (status = 5 AND balance > 0)) GROUP BY 1"""
        classes = {row[0]: [int(each) for each in row[1:]] for row in database.execute(text(query))}
        return classes, Counter({row[0]: row[1] for row in database.execute(text(_COUNT))})


def _held(
    home: Settings,
) -> tuple[dict[int, list[int]], dict[date, dict[int, list[int]]], dict[date, Counter[int]]]:
    with connection(home) as database:
        now = {each.class5: list(vars(each).values())[1:] for each in sector_now(database) if each.loans}
        trend: dict[date, dict[int, list[int]]] = defaultdict(dict)
        for each in sector_trend(database, date(2026, 1, 1), TODAY):
            if each.sums.loans:
                trend[each.day][each.sums.class5] = list(vars(each.sums).values())[1:]
        lenders: dict[date, Counter[int]] = defaultdict(Counter)
        for row in lenders_trend(database, date(2026, 1, 1), TODAY):
            lenders[row.day][row.lenders] = row.subjects
    return now, trend, lenders


def test_each_night_closes_with_what_a_count_over_everything_comes_to(home: Settings, tmp_path: Path) -> None:
    _night(home, tmp_path / "first", YESTERDAY, 1, MEMBERS)
    classes, subjects = _brute(home)
    now, trend, lenders = _held(home)
    assert now == trend[YESTERDAY] == classes
    assert +lenders[YESTERDAY] == subjects
    assert len(subjects) >= 4
    later = replace(home, fixed_now=home.now() + timedelta(hours=1))
    # Two members are late: at the close their books are those of the day before.
    _night(later, tmp_path / "second", TODAY, 2, MEMBERS[:5])
    after, after_subjects = _brute(home)
    now, trend, lenders = _held(home)
    assert trend[YESTERDAY] == classes
    assert now == trend[TODAY] == after != classes
    assert +lenders[TODAY] == after_subjects
    assert +lenders[YESTERDAY] == subjects
    assert close_if_due(later) is None


def test_what_is_taken_back_leaves_the_sums_at_the_next_close(home: Settings, tmp_path: Path) -> None:
    _night(home, tmp_path / "first", YESTERDAY, 3, MEMBERS[:2])
    later = replace(home, fixed_now=home.now() + timedelta(hours=1))
    before, _ = _brute(home)
    rows = [loan("M0001", person, loan_no=f"X-{person}") for person in range(70, 90)]
    item, _ = submit(later, write_submission(tmp_path, "M0001", rows, TODAY, 1, "incremental"), "M0001")
    close_if_due(later)
    assert _held(home)[1][TODAY] != before
    withdrawn = replace(home, fixed_now=home.now() + timedelta(hours=2))
    actions.withdraw(withdrawn, item.id)
    now, *_ = _held(home)
    assert now == before == _brute(home)[0]  # at once
    close_if_due(withdrawn)
    _, trend, lenders = _held(home)
    assert trend[YESTERDAY] == before
    assert +lenders[YESTERDAY] == _brute(home)[1]


def test_before_the_first_loan_there_is_nothing_to_close(home: Settings) -> None:
    assert close_if_due(home) is None
    assert _held(home) == ({}, {}, {})

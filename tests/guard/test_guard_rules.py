"""When a share is out of the ordinary: worked examples, bounds, and thousands of honest days without an alarm."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huxin.oversight.guard_policy import guard_policy
from huxin.oversight.guard_rules import Share, few_loans, unusual_hits

POLICY = guard_policy(date(2026, 5, 31))
HITS, LOANS = POLICY.hit_rate, POLICY.conversion
shares = st.integers(0, 10_000).flatmap(lambda of: st.integers(0, of).map(lambda hits: Share(of, hits)))


@pytest.mark.parametrize(
    ("now", "own", "sector", "against"),
    [
        (
            Share(500, 0),
            Share(5_000, 2_250),
            Share(90_000, 40_000),
            ["own", "sector"],
        ),  # one number after another
        (Share(500, 500), Share(5_000, 2_250), Share(90_000, 40_000), ["own", "sector"]),  # hits only
        (Share(500, 230), Share(5_000, 2_250), Share(90_000, 40_000), None),  # as ever
        (Share(199, 0), Share(5_000, 2_250), Share(90_000, 40_000), None),  # too few to say
        (
            Share(500, 90),
            Share(5_000, 800),
            Share(90_000, 40_000),
            None,
        ),  # unlike the others, but not by so much
        (Share(500, 0), Share(), Share(90_000, 40_000), ["sector"]),  # new here
        (Share(500, 0), Share(), Share(), None),  # nobody is known yet
        (Share(500, 300), Share(5_000, 1_500), Share(90_000, 40_000), ["own"]),  # unlike itself
    ],
)
def test_shares_of_hits(now: Share, own: Share, sector: Share, against: list[str] | None) -> None:
    found = unusual_hits(HITS, now, own, sector)
    assert (found and found["against"]) == against


def test_what_was_explained_is_held_against_the_member_itself_alone() -> None:
    now, sector = Share(500, 5), Share(90_000, 60_000)
    assert unusual_hits(HITS, now, Share(5_000, 60), sector) is not None
    assert unusual_hits(HITS, now, Share(5_000, 60), sector, explained=1.2) is None
    assert unusual_hits(HITS, now, Share(5_000, 60), sector, explained=60.0) is not None
    found = unusual_hits(HITS, now, Share(5_000, 2_500), sector, explained=1.2)
    assert found is not None
    assert found["against"] == ["own"]


def test_the_figures_say_what_was_held_against_what() -> None:
    assert unusual_hits(HITS, Share(300, 3), Share(100, 50), Share(1_000, 500)) == {
        "against": ["sector"],
        "enquiries": 300,
        "known": 3,
        "share": 1.0,
        "usual_own": None,
        "usual_sector": 50.0,
    }
    assert few_loans(LOANS, "application", Share(200, 1), Share(1_000, 200)) == {
        "subjects": 200,
        "borrowers": 1,
        "share": 0.5,
        "usual_sector": 20.0,
    }


@pytest.mark.parametrize(
    ("purpose", "own", "sector", "alarm"),
    [
        ("application", Share(200, 0), Share(5_000, 1_000), True),
        ("application", Share(200, 0), Share(), True),
        ("application", Share(99, 0), Share(5_000, 1_000), False),
        ("application", Share(200, 6), Share(5_000, 1_000), False),
        ("application", Share(200, 5), Share(5_000, 150), False),  # nobody lends this month
        ("post_loan", Share(200, 99), Share(5_000, 4_900), False),
        ("post_loan", Share(200, 40), Share(5_000, 4_900), True),  # whose borrowers are these?
    ],
)
def test_few_become_borrowers(purpose: str, own: Share, sector: Share, alarm: bool) -> None:
    assert (few_loans(LOANS, purpose, own, sector) is not None) == alarm


@given(shares, shares, shares)
def test_the_shares_are_never_divided_by_nothing(now: Share, own: Share, sector: Share) -> None:
    found = unusual_hits(HITS, now, own, sector)
    assert found is None or now.of >= HITS.least
    assert found is None or set(found["against"]) <= {"own", "sector"}
    few_loans(LOANS, "application", own, sector)


@given(shares, shares)
def test_a_member_like_the_others_and_like_itself_is_usual(own: Share, sector: Share) -> None:
    near = replace(HITS, least=1)
    assert unusual_hits(near, own, own, own) is None
    assert unusual_hits(near, own, own, sector, explained=own.percent) is None


def test_two_hundred_honest_members_of_every_kind_give_no_alarm_in_sixty_days() -> None:
    """Each has a share of its own, which wanders; 12,000 member-days, and not one of them is out of the ordinary."""
    chance, alarms = random.Random(7), 0
    members = [(chance.uniform(0.25, 0.65), chance.randint(210, 600)) for _ in range(200)]
    past: list[list[Share]] = [[] for _ in members]
    for day in range(60):
        today = []
        for (share, enquiries), days in zip(members, past, strict=True):
            drawn = min(max(share + chance.gauss(0, 0.03) - 0.04 * (day % 7 == 6), 0), 1)
            count = chance.randint(enquiries * 4 // 5, enquiries)
            hits = sum(chance.random() < drawn for _ in range(count)) if count < 300 else round(count * drawn)
            today.append(Share(count, hits))
            del days[: -HITS.usual_days]
        usual = [sum(days, Share()) for days in past]
        every = sum(usual, Share())
        alarms += sum(
            unusual_hits(HITS, now, own, every - own) is not None
            for now, own in zip(today, usual, strict=True)
        )
        for days, now in zip(past, today, strict=True):
            days.append(now)
    assert alarms == 0

"""Random weeks of nights and what members do between them: each moment of them can be told again afterwards."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hypothesis import HealthCheck, event, given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from replay_world import Past
from test_night_sequences import emptied, play, steps

from huxin.errors import HuxinError
from huxin.settings import Settings

EXAMPLES = int(os.environ.get("HUXIN_TEST_PASTS", "10"))
PEOPLE = range(1, 5)
ACTS = ("ask", "ask", "ask", "reserve", "release", "convert", "kind", "suspend")


@st.composite
def acts(draw: st.DrawFn) -> tuple[str, str, int]:
    """Something that a member or the operator does by day: what, which member, whom or which one it concerns."""
    member = draw(st.sampled_from(["M0001", "M0002"]))
    return draw(st.sampled_from(ACTS)), member, draw(st.integers(1, 4))


@st.composite
def days(draw: st.DrawFn) -> tuple[tuple[object, ...], list[tuple[str, str, int]]]:
    """A night's submission and what is done after it."""
    return draw(steps()), draw(st.lists(acts(), min_size=1, max_size=4))


@hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 10,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(week=st.lists(days(), min_size=3, max_size=6))
def test_each_moment_of_a_random_week_is_told_as_it_was(
    settings: Settings, tmp_path: Path, week: list[tuple[tuple[object, ...], list[tuple[str, str, int]]]]
) -> None:
    """At once the present is what the API gathers; at the end each enquiry's moment is what it was told."""
    past = Past.begun(emptied(settings), tmp_path / "sent")
    now = {"M0001": 1, "M0002": 1}
    try:
        for step, by_day in week:
            note(f"{step} {by_day}")
            past.tick()
            play(past.world, now, step)
            for act in by_day:
                do(past, *act)
            past.check_present(PEOPLE)
        past.check_past()
    finally:
        past.desk.close()
        shutil.rmtree(tmp_path / "sent", ignore_errors=True)


def do(past: Past, act: str, member: str, number: int) -> None:
    """One act, where the state allows it."""
    if act == "kind":
        past.member(member, kind=("microlender", "bank", "consumer_finance", "microlender")[number - 1])
    elif act == "suspend":
        past.member(member, status="suspended")
        past.member(member, status="active")
    elif act == "ask":
        past.ask(member, number)
    elif act == "reserve":
        _reserve(past, member)
    else:
        _change(past, act, number)


def _reserve(past: Past, member: str) -> None:
    mine = [each for each in past.remembered if each.asker.code == member]
    if mine:
        try:
            past.reserve(mine[-1])
            event("reserved")
        except HuxinError as error:
            event(error.code)


def _change(past: Past, act: str, number: int) -> None:
    if past.reserved:
        try:
            past.change(-1, f"L{number}" if act == "convert" else None)
            event(act)
        except HuxinError as error:
            event(error.code)

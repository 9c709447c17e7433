"""Random weeks of submissions, confirmations and withdrawals: registry and model agree after every step.

Few rows a file (beside the fillers), so that some dozens of weeks fit into two minutes.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, event, given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from model import CO_BORROWER, GUARANTOR, PRIMARY, Row
from night_world import World, day, ready
from sqlalchemy import text

from huxin.registry.session import connection
from huxin.registry.tables import metadata
from huxin.settings import Settings

EXAMPLES = 25
LOANS = ("L1", "L2", "L3")
STEPS = 6

people = st.integers(1, 4)
balances = st.sampled_from([1_500_000, 900_000])
overdues = st.sampled_from([date(2026, 5, 1), date(2026, 5, 20)])


@st.composite
def loans(draw: st.DrawFn, loan_no: str) -> list[Row]:
    """All rows of one loan: a primary and now and then another party, all of one mind about the loan."""
    status = draw(st.sampled_from(["active", "active", "overdue", "settled", "written_off", "transferred"]))
    balance = 0 if status == "settled" else draw(balances)
    since = draw(overdues) if status == "overdue" else None
    primary = draw(people)
    rows = [Row(loan_no, primary, PRIMARY, balance, status, since)]
    if draw(st.integers(0, 2)) == 0:
        role = draw(st.sampled_from([GUARANTOR, GUARANTOR, CO_BORROWER]))
        other = draw(st.sampled_from([each for each in range(1, 5) if each != primary]))
        rows.append(replace(rows[0], person=other, role=role))
    if draw(st.integers(0, 4)) == 0:
        which = draw(st.integers(0, len(rows) - 1))
        rows[which] = replace(rows[which], broken=draw(st.sampled_from(["id_no", "consent", "loan_no"])))
    return rows


@st.composite
def files(draw: st.DrawFn, mode: str) -> list[Row]:
    """The rows of one file: some of the loans, and where the mode allows it deletes."""
    rows: list[Row] = []
    for loan_no in LOANS:
        kind = draw(st.integers(0, 9))
        if kind < 7:
            rows += draw(loans(loan_no))
        elif kind == 7 and mode != "full":
            rows.append(Row(loan_no, draw(people), draw(st.sampled_from([PRIMARY, GUARANTOR])), delete=True))
    return rows


@st.composite
def steps(draw: st.DrawFn) -> tuple[object, ...]:
    kind = draw(
        st.sampled_from(["full"] * 4 + ["incremental", "incremental", "correction", "correction", "withdraw"])
    )
    member = draw(st.sampled_from(["M0001", "M0001", "M0002"]))
    if kind == "withdraw":
        return kind, member
    short = draw(st.integers(0, 4)) == 0
    return kind, member, draw(st.integers(0, 2)), draw(files(kind)), short, draw(st.booleans())


@hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(week=st.lists(steps(), min_size=3, max_size=STEPS))
def test_a_random_week_leaves_what_the_model_says(
    settings: Settings, tmp_path: Path, week: list[tuple[object, ...]]
) -> None:
    """EXAMPLES weeks of up to STEPS steps by two members over three loans and four people."""
    world = World(emptied(settings), tmp_path / "sent", ["M0001", "M0002"])
    now = {"M0001": 1, "M0002": 1}
    for step in week:
        note(str(step))
        play(world, now, step)
        world.check()
    shutil.rmtree(tmp_path / "sent", ignore_errors=True)


def play(world: World, now: dict[str, int], step: tuple[object, ...]) -> None:
    """One step: days move on with full and incremental files, corrections look back."""
    kind, member = str(step[0]), str(step[1])
    book = world.model.books[member]
    if kind == "withdraw":
        if book.published:
            world.withdraw(book.published[-1].number)
        return
    _, _, moves, rows, short, confirms = step
    assert isinstance(rows, list)
    if kind == "correction":
        if book.newest is None:
            return
        as_of = max(day(0), min(book.newest[0], day(now[member] - int(str(moves)))))
    else:
        now[member] = min(3, now[member] + int(str(moves)) % 2)
        as_of = day(now[member])
    state = world.send(member, as_of, kind, rows, filled=not short)
    event(f"{kind} {state}")
    number = len(world.ids)
    if state == "awaiting_confirmation":
        world.confirm(number) if confirms else world.withdraw(number)


def emptied(settings: Settings) -> Settings:
    """The same registry as on its first day; its server and keys are made once."""
    ready(settings, []) if not settings.keys_dir.exists() else None
    # The audit log refuses to be emptied, and no night writes it.
    named = [table.name for table in metadata.sorted_tables if not table.name.startswith("audit_")]
    tables = ", ".join(named)
    with connection(settings) as database:
        database.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    shutil.rmtree(settings.spool_dir, ignore_errors=True)
    return ready(settings, ["M0001", "M0002"])

"""A night over an exchange of keys: what lies in the spool, what is on record, and that the old keys open nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from key_turns import PATIENCE, Answers, Turns, nobody
from night_world import day, ready
from sqlalchemy import text

from huxin.contract import State
from huxin.errors import HuxinError
from huxin.nightly.inbox import arrivals
from huxin.nightly.load import load_group
from huxin.nightly.pipeline import run_night
from huxin.nightly.pseudonymize import pseudonymize_group
from huxin.nightly.receive import receive
from huxin.nightly.tokenizer import Tokenizer
from huxin.nightly.validate.step import validate_group
from huxin.oversight import key_retiring
from huxin.registry.connect import engine
from huxin.registry.session import connection
from huxin.registry.submissions import find
from huxin.settings import Settings
from huxin_privacy.generations import Rings
from huxin_privacy.keyring import Keyring
from support.operators import Operators
from support.rows import loan, mobile, name, resident_id, write_submission

ME, OTHER = "M0001", "M0002"
PEOPLE = range(1, 31)


@pytest.fixture
def home(settings: Settings) -> Settings:
    return ready(settings)


@pytest.fixture
def answers(home: Settings) -> Iterator[Answers]:
    made = Answers(home, ME, [*PEOPLE, 99])
    yield made
    made.close()


@pytest.fixture
def turns(home: Settings, tmp_path: Path) -> Turns:
    return Turns(home, Operators(home, tmp_path / "operators").destroy)


@pytest.fixture
def night(home: Settings, tmp_path: Path) -> Callable[..., None]:
    """One night of whole books."""

    def run(on: date, members: tuple[str, ...] = (ME,), **changes: str) -> None:
        inbox = tmp_path / f"inbox {on} {len(members)}"
        for member in members:
            rows = [loan(member, n, **changes) | {"mobile": mobile(n)} for n in PEOPLE]
            write_submission(inbox, member, rows, on)
        report = run_night(home, inbox)
        assert report.failed == {}
        assert all(item.state == State.PUBLISHED for item in report.submissions)

    return run


def scalar(settings: Settings, query: str) -> Any:
    with connection(settings) as database:
        return database.execute(text(query)).scalar()


def versions(settings: Settings) -> list[tuple[Any, ...]]:
    query = "SELECT member_id, loan_no, version, recorded_at, submission_id FROM loan ORDER BY 1, 2"
    with connection(settings) as database:
        return [tuple(row) for row in database.execute(text(query))]


def turn(turns: Turns, zone: str, acts: int, suite: str | None = None) -> list[str]:
    return [turns.step(zone, suite) for _ in range(acts)]


# The spool -----------------------------------------------------------------------------------------------
def pseudonymized(settings: Settings, inbox: Path, member: str = ME) -> UUID:
    """A submission whose tokens lie in the spool."""
    write_submission(inbox, member, [loan(member, n) | {"mobile": mobile(n)} for n in PEOPLE], day(1))
    (received,) = receive(settings, arrivals(inbox))
    found = [received.submission.id]
    validate_group(settings, found)
    pseudonymize_group(settings, found)
    return found[0]


def test_what_was_spooled_under_the_old_registry_key_is_loaded_under_the_new_one(
    home: Settings, tmp_path: Path, answers: Answers, turns: Turns, night: Callable[..., None]
) -> None:
    asked = answers.ask(3)
    night(day(1), (OTHER,))
    waiting = pseudonymized(home, tmp_path / "spooled")
    assert turn(turns, "registry", 3) == ["new", "activate", "retire"]
    assert turns.step("registry") == "refused", "the spool hangs on the old key"
    assert key_retiring.depending(home, "registry", 1).submissions == 1
    load_group(home, [waiting])
    assert scalar(home, "SELECT count(DISTINCT subject_id) FROM alias") == 30
    assert scalar(home, "SELECT count(*) FROM mobile_alias") == 30
    assert (
        scalar(
            home, "SELECT count(*) FROM alias JOIN token_scheme s ON s.id = scheme WHERE registry_epoch = 1"
        )
        == 0
    )
    assert all(b'"name":true' in facts for facts in answers.facts()[:30])
    assert turns.step("registry") == "retire"
    assert turns.step("registry") == "destroy"
    before = versions(home)
    night(day(2), (ME, OTHER))
    assert versions(home) == before, "a digest that was turned is the digest of the next night"
    assert answers.ask(3)["handle"] == asked["handle"]


@pytest.mark.parametrize("together", [True, False])
def test_what_was_spooled_under_the_old_entry_key_alone_is_waited_for(
    home: Settings,
    tmp_path: Path,
    answers: Answers,
    turns: Turns,
    night: Callable[..., None],
    together: bool,
) -> None:
    """And it is loaded with what the new key made, in one load with it or before it: one person, one subject."""
    waiting = pseudonymized(home, tmp_path / "spooled")
    assert turn(turns, "entry", 2) == ["new", "activate"]
    handle = answers.ask(3)["handle"]
    with pytest.raises(HuxinError, match="H1606") as refused:
        key_retiring.retire(home, "entry", 1, PATIENCE, nobody, lambda *_: None)
    assert refused.value.facts["members"] == ME
    if not together:
        load_group(home, [waiting])
    night(day(1), (OTHER,))  # which takes up what waits
    with connection(home) as database:
        item = find(database, waiting)
    assert item is not None and item.state == State.PUBLISHED
    assert scalar(home, "SELECT count(DISTINCT subject_id) FROM alias") == 30
    assert answers.ask(3)["handle"] == handle
    assert all(facts.count(b'"name":true') == 2 for facts in answers.facts()[:30])
    assert turns.step("entry") == "retire"


# What follows with the next report -----------------------------------------------------------------------
@pytest.mark.parametrize("suite", [None, "SM"])
def test_people_and_marks_follow_to_the_new_entry_key_and_the_old_one_goes(
    home: Settings, answers: Answers, turns: Turns, night: Callable[..., None], suite: str | None
) -> None:
    night(day(1), (ME, OTHER))
    answers.ask(1)
    answers.ask(99)
    told, loans = answers.facts(), versions(home)
    assert turn(turns, "entry", 3, suite) == ["new", "activate", "retire"]
    left = key_retiring.depending(home, "entry", 1)
    assert (left.aliases, left.mobiles, left.marks) == (31, 31, 60)
    assert turns.step("entry") == "refused"
    assert answers.facts() == told
    night(day(2), (ME,))
    turns.retired.add(("entry", 1))
    assert turns.step("entry") == "refused"
    left = key_retiring.depending(home, "entry", 1)
    assert (left.aliases, left.marks) == (1, 30), (
        "who was asked about and never reported, and the other's loans"
    )
    night(day(2), (OTHER,))
    answers.ask(99)
    answers.check_told()
    left = key_retiring.depending(home, "entry", 1)
    assert left.total == 0, left
    turns.retired.add(("entry", 1))
    before = answers.facts()
    assert turns.step("entry") == "destroy"
    assert answers.facts() == before
    assert versions(home) == loans, "no loan has a new version"
    assert scalar(home, "SELECT count(*) FROM loan_history") == 0
    night(day(3), (ME, OTHER))
    assert versions(home) == loans
    answers.check_told()


def test_both_keys_are_exchanged_at_once(
    home: Settings, answers: Answers, turns: Turns, night: Callable[..., None]
) -> None:
    night(day(1), (ME, OTHER))
    answers.ask(5)
    told, loans = answers.facts(), versions(home)
    for zone in ("entry", "registry"):
        assert turn(turns, zone, 2) == ["new", "activate"]
        assert answers.facts() == told
    night(day(2), (ME,))
    assert turns.step("registry") == "retire"
    assert turns.step("registry") == "destroy"
    assert turns.step("entry") == "retire"
    night(day(2), (OTHER,))
    answers.ask(99)
    assert key_retiring.depending(home, "entry", 1).total == 0
    assert turns.step("entry") == "destroy"
    assert versions(home) == loans
    answers.check_told()


def test_a_changed_name_is_a_new_version_also_under_a_new_key(
    home: Settings, answers: Answers, turns: Turns, night: Callable[..., None]
) -> None:
    night(day(1))
    for zone in ("registry", "entry"):
        turn(turns, zone, 2)
    night(day(2), name="另一个人")
    assert scalar(home, "SELECT count(*) FROM loan WHERE version = 2") == 30
    assert all(b'"name":false' in facts for facts in answers.facts()[:30])


def test_the_next_night_pairs_every_mobile_again_and_none_twice(
    home: Settings, answers: Answers, turns: Turns, night: Callable[..., None]
) -> None:
    night(day(1))
    turn(turns, "registry", 4)
    assert scalar(home, "SELECT count(*) FROM loan_key WHERE mobile_mark IS NOT NULL") == 0
    night(day(2))
    assert scalar(home, "SELECT count(*) FROM loan_key WHERE mobile_mark IS NULL") == 0
    assert scalar(home, "SELECT count(*) FROM mobile_subject") == 30
    assert scalar(home, "SELECT count(*) FROM mobile_alias") == 30


# What the old keys open ------------------------------------------------------------------------------------
def test_with_all_old_keys_nothing_on_record_is_matched(
    home: Settings, answers: Answers, turns: Turns, night: Callable[..., None]
) -> None:
    """Whoever held both keys before an exchange finds nobody in the tables after it; before it, everybody."""
    night(day(1), (ME, OTHER))
    answers.ask(99)
    old = Rings.open(home.keys_dir)
    wanted = stand_ins(home, old)
    assert len(wanted & on_record(home)) == 122, "31 people and mobiles, 30 marks of names and of mobiles"
    assert turn(turns, "registry", 4) == ["new", "activate", "retire", "destroy"]
    assert not wanted & on_record(home)
    assert len(stand_ins(home, Rings.open(home.keys_dir)) & on_record(home)) > 60


def stand_ins(settings: Settings, rings: Rings) -> set[str]:
    """Everything that these keys make of the people of these tests: tokens, name marks, mobiles' tokens and marks."""
    numbers = [*PEOPLE, 99]
    made = Tokenizer(settings, rings)
    types = np.full(len(numbers), 1, np.uint8)
    halves = made.halves(types, pa.array([resident_id(n) for n in numbers]))
    called = made.mobiles(halves, pa.array([mobile(n) for n in numbers]))
    blocks = [
        made.tokens(types, halves),
        made.name_marks(halves, pa.array([name(n) for n in numbers])),
        called.tokens,
    ]
    return {str(UUID(bytes=each.tobytes())) for found in blocks for each in found} | set(
        map(str, called.marks)
    )


def on_record(settings: Settings) -> set[str]:
    """Every value in the tables that a token or a mark may be, and of how many rows."""
    queries = (
        "SELECT token::text FROM alias",
        "SELECT token::text FROM mobile_alias",
        "SELECT name_mark::text FROM loan",
        "SELECT name_mark::text FROM loan_history",
        "SELECT mobile_mark::text FROM loan_key WHERE mobile_mark IS NOT NULL",
    )
    with connection(settings) as database:
        return {value for query in queries for value in database.execute(text(query)).scalars()}


def test_a_destroyed_root_is_in_no_file(home: Settings, turns: Turns, night: Callable[..., None]) -> None:
    night(day(1))
    root = ring(home, "registry").epoch(1).root
    assert root is not None
    turn(turns, "registry", 4)
    after = ring(home, "registry")
    assert after.epoch(1).root is None
    assert all(each.root != root for each in after.epochs)
    assert root.hex() not in repr(after) and str(root) not in repr(after)
    assert "key=" not in repr(after.epoch(1).kept)


def ring(settings: Settings, zone: str) -> Keyring:
    rings = Rings.open(settings.keys_dir)
    return rings.registry if zone == "registry" else rings.entry


# Killed ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["rekey.moved@1", "rekey.moved@2", "rekey.marked@1", "rekey.marked@2"])
def test_an_exchange_that_is_killed_goes_on(
    home: Settings, answers: Answers, turns: Turns, night: Callable[..., None], fault: str
) -> None:
    """Between two batches: some stand under the one key, some under the other, and everybody is answered the same."""
    night(day(1), (ME, OTHER))
    night(day(2), (ME,), balance="700.00")
    answers.ask(99)
    before, loans = answers.facts(), versions(home)
    turn(turns, "registry", 2)
    done = subprocess.run(
        [sys.executable, "-c", RETIRE],
        env={
            **os.environ,
            "HUXIN_FAULT": fault,
            "HUXIN_HOME": str(home.home),
            "HUXIN_DATABASE_URL": str(home.database_url),
            "HUXIN_NOW": home.now().isoformat(),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    until_nobody_retires(home)
    assert key_retiring.depending(home, "registry", 1).total > 0
    assert answers.facts() == before
    assert turns.step("registry") == "retire"
    assert key_retiring.depending(home, "registry", 1).total == 0
    assert answers.facts() == before
    assert turns.step("registry") == "destroy"
    assert versions(home) == loans
    night(day(3), (ME, OTHER), balance="700.00")
    assert scalar(home, "SELECT count(*) FROM loan WHERE version > 2") == 0
    answers.check_told()


def until_nobody_retires(settings: Settings) -> None:
    """The lock of a process that was killed is free when the server has looked at its session."""
    held = """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
    until = time.monotonic() + PATIENCE
    while scalar(settings, held):
        assert time.monotonic() < until
        time.sleep(0.05)


RETIRE = """
from huxin.oversight import key_retiring
from huxin.registry import rekeying, remarking
from huxin.settings import Settings
rekeying.rekey.__defaults__ = remarking.remark.__defaults__ = (1,)  # a page a batch
key_retiring.retire(Settings.from_env(), "registry", 1, 120, lambda behind: None, lambda *told: None)
"""


def test_a_member_that_is_being_loaded_is_passed_over_and_met_again(
    home: Settings, answers: Answers, turns: Turns, night: Callable[..., None]
) -> None:
    night(day(1), (ME, OTHER))
    turn(turns, "registry", 2)
    with connection(home) as database:
        numbers = {row[0]: row[1] for row in database.execute(text("SELECT code, id FROM member"))}
    seen: list[int] = []

    def tell(stage: str, done: int, total: int) -> None:
        if stage == "marks" and done == 30 and not seen:
            held.execute(text("SELECT 1"))
            seen.append(scalar(home, "SELECT count(*) FROM loan WHERE mark_scheme IS NULL"))
            held.rollback()

    made = engine(home)
    with made.connect() as held:
        held.execute(text(f"SELECT id FROM member WHERE id = {numbers[OTHER]} FOR UPDATE"))
        done = key_retiring.retire(home, "registry", 1, PATIENCE, nobody, tell)
    made.dispose()
    assert seen == [30]
    assert (done.marks, done.left.total) == (60, 0)


def test_two_do_not_retire_one_key(home: Settings, turns: Turns, night: Callable[..., None]) -> None:
    night(day(1))
    turn(turns, "registry", 2)
    codes: list[str] = []

    def tell(*_: object) -> None:
        try:
            key_retiring.retire(home, "registry", 1, 0, nobody, lambda *_: None)
        except HuxinError as error:
            codes.append(error.code)

    key_retiring.retire(home, "registry", 1, PATIENCE, nobody, tell)
    assert set(codes) == {"H1605"}


def test_a_load_that_runs_is_waited_for(home: Settings, turns: Turns, night: Callable[..., None]) -> None:
    """Its transaction holds a key open: nothing is closed under it, and nothing is half done."""
    night(day(1))
    turn(turns, "registry", 2)
    made = engine(home)
    with made.connect() as writer:
        writer.execute(text("SELECT schemes_open(ARRAY(SELECT id FROM token_scheme))"))
        with pytest.raises(HuxinError, match="H1607"):
            key_retiring.retire(home, "registry", 1, 0, nobody, lambda *_: None)
        writer.rollback()
    made.dispose()
    assert scalar(home, "SELECT count(*) FROM token_scheme WHERE state <> 1") == 0
    assert turns.step("registry") == "retire"

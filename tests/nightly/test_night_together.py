"""Two at once: groups that share people, and processes that take up the same night."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from uuid import UUID

import pytest
from night_world import counted, ready
from sqlalchemy import text

from huxin import faults
from huxin.nightly import load
from huxin.nightly.batching import USUAL
from huxin.nightly.inbox import arrivals
from huxin.nightly.load import load_group
from huxin.nightly.pseudonymize import pseudonymize_group
from huxin.nightly.receive import receive
from huxin.nightly.validate.step import validate_group
from huxin.registry import mobiles
from huxin.registry.bulk import BulkError
from huxin.registry.partitions import ensure_month
from huxin.registry.session import connection
from huxin.settings import Settings
from support.rows import loan, write_submission

PEOPLE = 300
ME, OTHER = "M0001", "M0002"


def pseudonymized(settings: Settings, inbox: Path) -> list[UUID]:
    """What lies in the inbox, brought as far as the load."""
    ids = [item.submission.id for item in receive(settings, arrivals(inbox))]
    validate_group(settings, ids)
    pseudonymize_group(settings, ids)
    return ids


def together(*work: Callable[[], None]) -> None:
    """All of it at once, each in a thread of its own; the first error is raised."""
    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(each) for each in work]:
            done.result(timeout=300)


def meeting(monkeypatch: pytest.MonkeyPatch, stage: str, count: int) -> None:
    """Makes the first `count` passages through a stage wait for each other, so that what follows overlaps."""
    barrier = Barrier(count)
    reach = faults.reach

    def waiting(passed: str) -> None:
        reach(passed)
        if passed == stage:
            try:
                barrier.wait(timeout=5)
            except BrokenBarrierError:
                return  # the others were kept out, or this is a second try

    monkeypatch.setattr(load.faults, "reach", waiting)


def scalar(settings: Settings, query: str) -> object:
    with connection(settings) as database:
        return database.execute(text(query)).scalar()


@pytest.mark.parametrize("portion", [1_000_000, 7], ids=["in one portion", "in many portions"])
def test_two_groups_that_share_their_people_claim_each_of_them_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    ready(settings)
    monkeypatch.setattr(load, "sizes", lambda items: replace(USUAL, portion=portion))
    write_submission(tmp_path, ME, [loan(ME, number) for number in range(1, PEOPLE)])
    write_submission(tmp_path, OTHER, [loan(OTHER, number) for number in reversed(range(1, PEOPLE))])
    first, second = pseudonymized(settings, tmp_path)
    meeting(monkeypatch, "load.copied", 2)
    together(lambda: load_group(settings, [first]), lambda: load_group(settings, [second]))
    assert scalar(settings, "SELECT count(*) FROM submission WHERE state = 5") == 2
    assert scalar(settings, "SELECT count(*) = count(DISTINCT subject_id) FROM alias")
    assert scalar(settings, "SELECT count(*) FROM alias") == PEOPLE - 1
    for table in ("mobile_alias", "mobile_subject"):
        assert scalar(settings, f"SELECT count(*) FROM {table}") == PEOPLE - 1
        assert scalar(settings, f"SELECT count(DISTINCT mobile_id) FROM {table}") == PEOPLE - 1
    people = list(range(1, PEOPLE))
    assert {(answer.lenders, answer.open_loans) for answer in counted(settings, people)} == {(2, 2)}


def test_a_load_that_fails_leaves_whom_it_claimed_and_nothing_of_its_loans(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(settings)
    write_submission(tmp_path, ME, [loan(ME, number) for number in range(1, PEOPLE)])
    ids = pseudonymized(settings, tmp_path)
    known = "SELECT md5(string_agg(token::text || subject_id, ',' ORDER BY token)) FROM alias"
    with monkeypatch.context() as broken:
        broken.setattr(load.publishing, "publish", lambda bulk: bulk.run("SELECT 1 / 0"))
        with pytest.raises(BulkError):
            load_group(settings, ids)
    for table in ("alias", "mobile_alias", "mobile_subject"):
        assert scalar(settings, f"SELECT count(*) FROM {table}") == PEOPLE - 1
    assert scalar(settings, "SELECT count(*) FROM loan") == 0
    assert scalar(settings, "SELECT count(*) FROM loan_key") == 0
    before = scalar(settings, known)
    load_group(settings, ids)
    assert scalar(settings, known) == before
    assert scalar(settings, "SELECT count(*) FROM mobile_subject") == PEOPLE - 1
    assert scalar(settings, "SELECT count(*) FROM loan JOIN alias USING (subject_id)") == PEOPLE - 1


def test_what_cannot_be_claimed_is_not_published(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault on the connection of the claims ends the load, wherever the other connection is by then."""
    ready(settings)
    write_submission(tmp_path, ME, [loan(ME, number) for number in range(1, PEOPLE)])
    ids = pseudonymized(settings, tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(mobiles, "pair", lambda bulk, *_: bulk.run("SELECT 1 / 0"))
        with pytest.raises(BulkError):
            load_group(settings, ids)
    assert scalar(settings, "SELECT count(*) FROM loan") == 0
    assert scalar(settings, "SELECT count(*) FROM submission WHERE state = 5") == 0
    load_group(settings, ids)
    assert scalar(settings, "SELECT count(*) FROM submission WHERE state = 5") == 1
    assert scalar(settings, "SELECT count(*) FROM mobile_subject") == PEOPLE - 1


def test_a_submission_loaded_by_two_at_once_is_published_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(settings)
    write_submission(tmp_path, ME, [loan(ME, number) for number in range(1, PEOPLE)])
    ids = pseudonymized(settings, tmp_path)
    meeting(monkeypatch, "load.copied", 2)
    together(lambda: load_group(settings, ids), lambda: load_group(settings, ids))
    assert scalar(settings, "SELECT count(*) FROM submission WHERE state = 5") == 1
    assert scalar(settings, "SELECT count(*) FROM outbox") == 1
    assert scalar(settings, "SELECT count(*) FROM loan_history") == 0
    assert counted(settings, [1])[0].open_loans == 1


def test_one_members_days_loaded_by_two_at_once_leave_the_newest(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds the member goes first; a day that comes too late is refused, never half loaded."""
    ready(settings)
    for sequence in (1, 2):
        rows = [loan(ME, number, balance=f"{sequence}.00") for number in range(1, PEOPLE)]
        write_submission(tmp_path, ME, rows, sequence=sequence)
    ids = pseudonymized(settings, tmp_path)
    together(*(lambda each=each: load_group(settings, [each]) for each in ids))  # type: ignore[misc]
    assert counted(settings, [1])[0].outstanding == 200
    assert scalar(settings, "SELECT count(*) FROM submission WHERE state IN (5, 6)") == 2
    assert scalar(settings, "SELECT count(DISTINCT balance) FROM loan") == 1


def test_the_first_loads_of_a_month_make_its_history_once(settings: Settings) -> None:
    ready(settings)
    for month in range(1, 9):
        moment = settings.now().replace(year=2027, month=month, day=1)
        meet = Barrier(4)
        together(*[lambda: _make_month(settings, moment, meet)] * 4)  # noqa: B023 - run before the next turn
    made = "SELECT count(*) FROM pg_class WHERE relname LIKE 'loan_history_y2027m%' AND relkind = 'r'"
    assert scalar(settings, made) == 8


def _make_month(settings: Settings, moment: datetime, meet: Barrier) -> None:
    with connection(settings) as database:
        meet.wait(timeout=120)
        ensure_month(database, moment)


@pytest.mark.slow
def test_two_processes_take_up_the_same_inbox(settings: Settings, tmp_path: Path) -> None:
    ready(settings)
    for member in (ME, OTHER):
        for sequence in (1, 2):
            rows = [loan(member, number, balance=f"{sequence}.00") for number in range(1, PEOPLE)]
            write_submission(tmp_path / "inbox", member, rows, sequence=sequence)
    codes = _nights(settings, tmp_path / "inbox", 2)
    assert codes == [0, 0]
    assert scalar(settings, "SELECT count(*) FROM submission") == 4
    assert scalar(settings, "SELECT count(*) FROM submission WHERE state = 5") == 4
    assert scalar(settings, "SELECT count(*) FROM outbox") == 4
    people = list(range(1, PEOPLE))
    assert {(answer.lenders, answer.outstanding) for answer in counted(settings, people)} == {(2, 400)}


def _nights(settings: Settings, inbox: Path, count: int) -> Sequence[int]:
    """The exit codes of so many `huxin night` at once."""
    surroundings = {
        **os.environ,
        "HUXIN_HOME": str(settings.home),
        "HUXIN_DATABASE_URL": str(settings.database_url),
        "HUXIN_NOW": settings.now().isoformat(),
    }
    command = [sys.executable, "-m", "huxin", "night", str(inbox), "--json"]
    running = [subprocess.Popen(command, env=surroundings, stdout=subprocess.DEVNULL) for _ in range(count)]
    return [each.wait(timeout=240) for each in running]

"""A file sent over the wire: sealed as it comes, equal to one dropped in the inbox, and gone when it breaks off."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from uuid import uuid4

import pytest
from night_tools import blocks, book, ready, sent, spool_folders

from huxin.contract import State
from huxin.errors import HuxinError
from huxin.nightly import filing
from huxin.nightly.filing import Filing, plain_name
from huxin.nightly.leftovers import clear_leftovers
from huxin.nightly.pipeline import run_night
from huxin.nightly.receive import Received
from huxin.nightly.spool import Spool
from huxin.nightly.worker import Patience, work_round
from huxin.registry.findings import list_findings
from huxin.registry.members import set_status
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, every, find
from huxin.settings import Settings
from support.rows import write_submission

ME = "M0001"
OWN = {"id", "received_at", "changed_at", "member_id", "facts", "sender"}


def send(settings: Settings, data: Path, member: str = ME, name: str | None = None) -> Received:
    with Filing(settings, member) as way:
        way.take(name or data.name, blocks(data))
        return way.file(sent(data))


def everything(settings: Settings) -> list[Submission]:
    with connection(settings) as database:
        return every(database)


def test_a_file_sent_equals_one_dropped(settings: Settings, tmp_path: Path) -> None:
    """The same file as two members' cannot be: so two registries are compared, one after the other."""
    ready(settings)
    inbox, apart = tmp_path / "inbox", tmp_path / "apart"
    for place in (inbox, apart):
        rows = [*book(ME, wrong=(3, 5)), book(ME)[7]]
        write_submission(place, ME, rows)
    dropped = run_night(settings, inbox).submissions[0]
    with connection(settings) as database:
        told = list_findings(database, dropped.id)
        database.exec_driver_sql(
            "TRUNCATE submission, finding, loan, loan_key, alias; UPDATE member SET as_of_date = NULL"
        )
    received = send(settings, next((apart / ME).glob("*.csv")))
    assert received.fresh
    assert received.submission.state == State.RECEIVED
    assert work_round(settings, Patience()) == 1
    with connection(settings) as database:
        after = find(database, received.submission.id)
        assert after is not None
        assert list_findings(database, after.id) == told
    assert told
    assert {k: v for k, v in asdict(after).items() if k not in OWN} == {
        k: v for k, v in asdict(dropped).items() if k not in OWN
    }
    assert after.facts == dropped.facts | {"came": "api"}


def test_the_same_pair_is_the_same_submission_whichever_way_it_comes(
    settings: Settings, tmp_path: Path
) -> None:
    ready(settings)
    data = write_submission(tmp_path, ME, book(ME))
    first = send(settings, data)
    again = send(settings, data, name="otherwise.csv")
    assert (first.fresh, again.fresh) == (True, False)
    assert again.submission.id == first.submission.id
    report = run_night(settings, tmp_path)
    assert [item.id for item in report.submissions] == [first.submission.id]
    assert report.fresh == 0
    assert spool_folders(settings) <= {str(first.submission.id)}


def test_what_breaks_off_leaves_nothing(settings: Settings, tmp_path: Path) -> None:
    ready(settings)
    data = write_submission(tmp_path, ME, book(ME))

    def broken() -> Iterator[bytes]:
        yield data.read_bytes()[:1000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError), Filing(settings, ME) as way:
        way.take("loans.csv", broken())
    with Filing(settings, ME) as way:
        way.take("loans.csv", blocks(data))  # and the manifest never comes
    assert spool_folders(settings) == set()
    assert everything(settings) == []


def test_a_full_disk_is_told_and_leaves_nothing(settings: Settings) -> None:
    ready(settings)

    def full() -> Iterator[bytes]:
        yield b"x" * 100
        raise OSError(errno.ENOSPC, "no space")

    with pytest.raises(HuxinError) as told, Filing(settings, ME) as way:
        way.take("loans.csv", full())
    assert (told.value.code, told.value.status) == ("H0612", 507)
    assert spool_folders(settings) == set()


def test_parallel_sends_of_one_file_make_one_submission(settings: Settings, tmp_path: Path) -> None:
    ready(settings)
    data = write_submission(tmp_path, ME, book(ME))
    with ThreadPoolExecutor(6) as pool:
        results = [each.result() for each in [pool.submit(send, settings, data) for _ in range(6)]]
    assert len({each.submission.id for each in results}) == 1
    assert sum(each.fresh for each in results) == 1
    assert len(spool_folders(settings)) == 1


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"sha256": "0" * 64}, "F0001", "digest"),
        ({"member": "M0002"}, "F0007", "sender"),
        ({"contract": "loan/v9"}, "F0009", "contract"),
        ({"as_of_date": "2026-06-30"}, "F0005", "future"),
        ({"sequence": "one"}, "F0010", "sequence"),
    ],
)
def test_a_wrong_manifest_is_a_refused_submission_of_the_sender(
    settings: Settings, tmp_path: Path, changes: dict[str, object], code: str, reason: str
) -> None:
    ready(settings)
    item = send(settings, write_submission(tmp_path, ME, book(ME), manifest_changes=changes)).submission
    assert (item.state, item.sender, item.codes, item.facts["reason"]) == (
        State.REFUSED,
        ME,
        {code: 1},
        reason,
    )


def on(settings: Settings, day: int) -> Settings:
    return replace(settings, fixed_now=settings.now().replace(month=6, day=day))


def early(settings: Settings, tmp_path: Path) -> tuple[Path, Submission]:
    """A file of 2 June that is sent on 31 May, and refused for that alone."""
    ready(settings)
    data = write_submission(tmp_path, ME, book(ME), manifest_changes={"as_of_date": "2026-06-02"})
    item = send(settings, data).submission
    assert (item.state, item.facts["reason"]) == (State.REFUSED, "future")
    return data, item


def test_what_came_too_early_is_judged_anew_when_it_is_sent_on_its_day(
    settings: Settings, tmp_path: Path
) -> None:
    data, first = early(settings, tmp_path)
    assert send(on(settings, 1), data).submission == first, "still too early, and nothing was touched"
    day = on(settings, 2)
    again = send(day, data)
    item = again.submission
    assert (again.fresh, item.id, item.state, item.attempt) == (False, first.id, State.RECEIVED, 2)
    assert (item.codes, "reason" in item.facts, item.facts["came"]) == ({}, False, "api")
    assert send(day, data).submission == item
    assert work_round(day, Patience()) == 1
    (done,) = everything(settings)
    assert (done.state, done.accepted, done.codes) == (State.PUBLISHED, 40, {})
    assert send(on(settings, 3), data).submission == done
    assert spool_folders(settings) <= {str(first.id)}


def test_what_came_too_early_and_is_refused_otherwise_by_now_stays_as_it_was(
    settings: Settings, tmp_path: Path
) -> None:
    data, first = early(settings, tmp_path)
    with connection(settings) as database:
        set_status(database, ME, "suspended")
    assert send(on(settings, 2), data).submission == first


def test_what_lies_in_the_inbox_since_it_came_too_early_stays_refused(
    settings: Settings, tmp_path: Path
) -> None:
    """A day that was mistyped is a day that comes: nobody sends the file then."""
    data, first = early(settings, tmp_path)
    run_night(on(settings, 2), tmp_path)
    assert everything(settings) == [first]
    assert data.exists()


@pytest.mark.parametrize("source_lost", [False, True])
@pytest.mark.parametrize("stage", ["retake.sealed", "retake.recorded"])
def test_whoever_dies_while_it_is_taken_up_leaves_what_the_same_sending_finishes(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, source_lost: bool
) -> None:
    data, first = early(settings, tmp_path)
    if source_lost:
        Spool(settings).forget(first.id)
    day = on(settings, 2)
    with monkeypatch.context() as dying:
        dying.setattr("huxin.faults.reach", lambda name: die() if name == stage else None)
        with pytest.raises(Killed):
            send(day, data)
    (left,) = everything(settings)
    assert left.state == (State.REFUSED if stage == "retake.sealed" else State.RECEIVED)
    clear_leftovers(day)
    assert send(day, data).submission.state == State.RECEIVED
    assert work_round(day, Patience()) == 1
    assert [(item.id, item.state) for item in everything(settings)] == [(first.id, State.PUBLISHED)]
    clear_leftovers(day)
    assert spool_folders(settings) <= {str(first.id)}


def test_it_is_taken_up_once_however_many_send_it(settings: Settings, tmp_path: Path) -> None:
    data, first = early(settings, tmp_path)
    day = on(settings, 2)
    with ThreadPoolExecutor(6) as pool:
        results = [each.result() for each in [pool.submit(send, day, data) for _ in range(6)]]
    assert {each.submission.id for each in results} == {first.id}
    assert [(item.state, item.attempt) for item in everything(settings)] == [(State.RECEIVED, 2)]
    assert work_round(day, Patience()) == 1
    assert everything(settings)[0].state == State.PUBLISHED


class Killed(BaseException):
    """In place of a process's end."""


def die() -> None:
    raise Killed


@pytest.mark.parametrize(
    ("sent_name", "kept"),
    [
        ("loans.csv", "loans.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\books\\五月.xlsx", "五月.xlsx"),
        ("/", "file"),
        ("..", "file"),
        ("", "file"),
        ("a\x00b\r\n\u202e.csv", "a�b��\u202e.csv".replace("\u202e", "�")),
        ("n" * 500 + ".csv", "n" * 200),
    ],
)
def test_a_name_is_only_a_name(sent_name: str, kept: str) -> None:
    assert plain_name(sent_name) == kept


def test_the_worker_leaves_the_inbox_to_the_night_and_takes_what_was_let_in(
    settings: Settings, tmp_path: Path
) -> None:
    ready(settings)
    from huxin.nightly.inbox import arrivals
    from huxin.nightly.receive import receive

    write_submission(tmp_path, "M0002", book("M0002"))
    receive(settings, arrivals(tmp_path))
    assert work_round(settings, Patience()) == 0
    assert [item.state for item in everything(settings)] == [State.RECEIVED]


def test_what_fails_is_tried_again_later_and_holds_nobody(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(settings)
    bad = send(settings, write_submission(tmp_path, ME, book(ME))).submission
    good = send(settings, write_submission(tmp_path, "M0002", book("M0002")), "M0002").submission
    (settings.spool_dir / str(bad.id) / "source.sealed").unlink()
    patience = Patience(tries={bad.id: 8})  # a wait that outlasts a slow machine's test
    assert work_round(settings, patience) == 2
    states = {item.id: item.state for item in everything(settings)}
    assert states == {bad.id: State.RECEIVED, good.id: State.PUBLISHED}
    assert not patience.allows(bad.id)
    assert work_round(settings, patience) == 0
    patience.due.clear()
    send(settings, tmp_path / ME / bad.file)  # sent once more, its lost file is made anew
    assert work_round(settings, patience) == 1
    assert {item.state for item in everything(settings)} == {State.PUBLISHED}


def test_a_folder_that_goes_while_the_spool_is_looked_through_is_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender breaks off, or a worker is done, whenever it likes."""
    ready(settings)
    vault, stays, goes = Spool(settings), uuid4(), uuid4()
    for each in (stays, goes):
        vault.create(each)
    seen, scandir = list(os.scandir(settings.spool_dir)), os.scandir
    vault.forget(goes)
    monkeypatch.setattr(os, "scandir", lambda place: seen if place == settings.spool_dir else scandir(place))
    assert vault.folders() == {stays: {"key"}}


def test_an_unknown_sender_is_told(settings: Settings) -> None:
    ready(settings)
    with pytest.raises(HuxinError) as told:
        filing.sender(settings, "M9999")
    assert told.value.code == "H0701"

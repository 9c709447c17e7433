"""The steps as tasks: groups of ids in and out, tried again whole, at last one by one; no error carries its text."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path
from uuid import UUID

import pytest
from airflow_tools import ready

from huxin.errors import HuxinError
from huxin.nightly import tasks
from huxin.registry.session import connection
from huxin.registry.submissions import find
from huxin.settings import Settings
from support.rows import loan, resident_id, write_submission

MEMBERS = ["M0001", "M0002", "M0003"]
STEPS = ["validate", "pseudonymize", "load", "report"]


@pytest.fixture
def inbox(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty inbox of three members, and the environment in which a scheduler would run the tasks."""
    ready(settings, MEMBERS)
    place = tmp_path / "inbox"
    place.mkdir()
    assert settings.fixed_now
    monkeypatch.setenv("HUXIN_HOME", str(settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("HUXIN_NOW", settings.fixed_now.isoformat())
    monkeypatch.setenv("HUXIN_INBOX", str(place))
    return place


def send(inbox: Path, member: str, loans: int, **changes: str) -> Path:
    rows = [loan(member, number) for number in range(1, loans + 1)]
    rows[0] |= changes
    return write_submission(inbox, member, rows)


def through(groups: list[list[str]]) -> list[list[str]]:
    for step in STEPS:
        groups = [tasks.work(step, ids, number, False) for number, ids in enumerate(groups, 1)]
    return groups


def state(settings: Settings, submission_id: str) -> str:
    with connection(settings) as database:
        item = find(database, UUID(submission_id))
    assert item
    return item.state.name.lower()


def test_an_empty_inbox_is_a_good_night_that_says_so(inbox: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert tasks.receive_groups(4) == []
    assert tasks.summarise([]) == {}
    assert "holds nothing new" in caplog.text


def test_a_missing_inbox_fails_with_its_reason(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUXIN_INBOX", str(inbox / "nowhere"))
    with pytest.raises(HuxinError, match=r"H1002.*H1004"):
        tasks.receive_groups(4)


def test_groups_are_of_about_the_same_size_and_hold_ids_only(inbox: Path) -> None:
    for member, loans in zip(MEMBERS, (60, 20, 20), strict=True):
        send(inbox, member, loans)
    groups = tasks.receive_groups(2)
    assert [len(group) for group in groups] == [1, 2]
    assert all(str(UUID(each)) == each for group in groups for each in group)


def test_each_group_goes_through_the_steps_and_is_counted(inbox: Path, settings: Settings) -> None:
    for member in MEMBERS:
        send(inbox, member, 20)
    groups = tasks.receive_groups(2)
    assert through(groups) == groups
    assert tasks.summarise(groups) == {"published": 3}
    assert tasks.receive_groups(2) == []


def test_rejected_rows_go_back_to_their_sender_alone(inbox: Path) -> None:
    for member in MEMBERS:
        send(inbox, member, 20, balance="99999.00" if member == "M0002" else "15000.00")
    through(tasks.receive_groups(3))
    returned = [path.relative_to(inbox).parts for path in inbox.rglob("returned/*")]
    assert [parts[0] for parts in returned] == ["M0002"]
    (place,) = (inbox / "M0002" / "returned").iterdir()
    assert resident_id(1) in place.read_text(encoding="utf-8")


def test_what_was_left_unfinished_is_taken_up(inbox: Path, settings: Settings) -> None:
    send(inbox, "M0001", 20)
    ((first,),) = tasks.receive_groups(2)
    tasks.work("validate", [first], 1, False)
    send(inbox, "M0002", 20)
    groups = tasks.receive_groups(2)
    assert [first] in groups
    through(groups)
    assert tasks.summarise(groups) == {"published": 2}


def test_a_group_that_fails_is_tried_whole_and_at_last_one_by_one(inbox: Path, settings: Settings) -> None:
    for member in MEMBERS:
        send(inbox, member, 20)
    (ids,) = tasks.receive_groups(1)
    lost, *others = ids
    folder = settings.spool_dir / lost
    aside = shutil.move(folder, settings.home / "aside")
    with pytest.raises(HuxinError, match="H1002"):
        tasks.work("validate", ids, 1, last_try=False)
    assert [state(settings, each) for each in others] == ["received"] * 2
    assert tasks.work("validate", ids, 1, last_try=True) == others
    through([others])
    assert [state(settings, each) for each in ids] == ["received", "published", "published"]
    with pytest.raises(HuxinError, match=r"H1001: 1 of this run's 3"):
        tasks.summarise([ids])
    shutil.move(aside, folder)
    groups = tasks.receive_groups(1)
    assert groups == [[lost]]
    through(groups)
    assert tasks.summarise(groups) == {"published": 1}


def test_a_group_of_which_nothing_is_left_fails(inbox: Path, settings: Settings) -> None:
    send(inbox, "M0001", 20)
    (ids,) = tasks.receive_groups(1)
    shutil.rmtree(settings.spool_dir / ids[0])
    with pytest.raises(HuxinError, match="H1002"):
        tasks.work("validate", ids, 1, last_try=True)


def test_a_fault_is_told_by_its_name_and_place_only(
    inbox: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sent = send(inbox, "M0001", 20)
    sent.rename(sent.with_name("张三 13800000001.csv"))
    manifest = sent.with_name(sent.name + ".manifest.json")
    manifest.rename(sent.with_name("张三 13800000001.csv.manifest.json"))
    (ids,) = tasks.receive_groups(1)
    sealed = settings.spool_dir / ids[0] / "source.sealed"
    sealed.write_bytes(sealed.read_bytes()[:-7])
    with pytest.raises(HuxinError) as caught:
        tasks.work("validate", ids, 1, last_try=True)
    assert caught.value.__context__ is None
    told = caplog.text + str(caught.value)
    assert "validate: P01" in told
    for secret in ("张三", "13800000001", resident_id(1), str(settings.home), str(inbox)):
        assert secret not in told


def test_a_failed_receipt_leaves_nothing_to_sum_up() -> None:
    with pytest.raises(HuxinError, match="H1003"):
        tasks.summarise(None)


def test_who_waits_is_told_of_each_step(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    send(inbox, "M0001", 20)
    reader, writer = os.pipe()
    monkeypatch.setenv(tasks.PROGRESS, str(writer))
    (ids,) = tasks.receive_groups(1)
    tasks.work("validate", ids, 1, False)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as lines:
        told = [tuple(json.loads(line).values()) for line in lines]
    assert told == [
        ("receive", "started", None, 0),
        ("receive", "finished", None, 1),
        ("validate", "started", 1, 1),
        ("validate", "finished", 1, 1),
    ]
    # Nobody listens any more: the work goes on. Not by the number that was closed, which another file may have by now.
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setenv(tasks.PROGRESS, str(writer))
    assert tasks.work("pseudonymize", ids, 1, False) == ids
    os.close(writer)


class TimeIsUp(BaseException):
    """As a scheduler's time limit, which is no Exception either."""


class PanicException(BaseException):
    """As Polars' own of that name."""


@pytest.mark.parametrize(
    ("kind", "passes"), [(TimeIsUp, True), (KeyboardInterrupt, True), (PanicException, False)]
)
def test_only_faults_are_held_back_and_no_order_to_stop(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException], passes: bool
) -> None:
    send(inbox, "M0001", 20)
    (ids,) = tasks.receive_groups(1)

    def struck(settings: Settings, ids: list[UUID]) -> None:
        raise kind("身份证 110105196001010010")

    monkeypatch.setitem(tasks._STEPS, "validate", struck)
    with pytest.raises(kind if passes else HuxinError) as caught:
        tasks.work("validate", ids, 1, last_try=True)
    assert ("110105" in str(caught.value)) is passes

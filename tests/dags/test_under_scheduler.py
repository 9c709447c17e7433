"""One night under a real scheduler: API server, scheduler and DAG processor as processes, two groups, one of them lost.

The lost group is honest: the folder that holds its sealed file and its key is not there (as when a disk is not
mounted), nor is the member's own file, and both come back for the second run.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow_tools import (
    EVENING,
    TRUTH,
    copy_samples,
    ended,
    listeners,
    listening,
    parsed,
    people,
    processes_of,
    ready,
    services,
    traces,
    until,
)

from huxin.nightly import tasks
from huxin.registry import embedded
from huxin.registry.session import connection, forget_engine
from huxin.registry.submissions import every
from huxin.settings import Settings

pytestmark = pytest.mark.slow
MEMBERS = ["M0001", "M0003", "M0005"]
BOUND = 400.0  # seconds for the start of the services and the first run; the second run has the same
STEPS = ["validate", "pseudonymize", "load", "report"]


@dataclass(frozen=True)
class Told:
    """What the API told of two runs, and what the registry held after each."""

    settings: Settings
    inbox: Path
    lost: str
    first: dict[tuple[str, int], dict[str, Any]]
    second: dict[tuple[str, int], dict[str, Any]]
    ends: tuple[str, str]
    states: tuple[dict[str, str], dict[str, str]]
    listens: set[str]
    peak_mib: int
    left: list[int]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    place = tmp_path_factory.mktemp("scheduler")
    settings = ready(Settings(home=place / "home", fixed_now=EVENING), MEMBERS)
    inbox = copy_samples(place / "inbox", MEMBERS)
    try:
        yield both_runs(settings, inbox)
    finally:
        forget_engine(settings)
        embedded.stop(settings)


def both_runs(settings: Settings, inbox: Path) -> Told:
    groups = receive(settings, inbox)
    (lost,) = next(group for group in groups if len(group) == 1)
    folder, aside = settings.spool_dir / lost, settings.home / "aside"
    shutil.move(folder, aside)
    # Were the member's file still in the inbox, the next receive would mend the group from it.
    sent, kept = inbox / sender_of(settings, lost), settings.home / "kept"
    shutil.move(sent, kept)
    deadline = time.monotonic() + BOUND
    with services(settings, inbox, {"HUXIN_GROUPS": "2", "HUXIN_RETRY_SECONDS": "8"}) as airflow:
        until(deadline, listening(airflow))
        until(deadline, parsed(airflow))
        ends, runs, states = [], [], []
        for _ in range(2):
            run = airflow.trigger()
            ends.append(until(deadline, ended(airflow, run)))
            runs.append(airflow.tasks(run))
            states.append(by_member(settings))
            deadline = time.monotonic() + BOUND
            if aside.exists():
                shutil.move(aside, folder)
                shutil.move(kept, sent)
        listens = listeners(processes_of(settings.airflow_home))
    left = processes_of(settings.airflow_home)
    first, second = runs
    return Told(
        settings,
        inbox,
        lost,
        first,
        second,
        (ends[0], ends[1]),
        (states[0], states[1]),
        listens,
        airflow.peak_mib,
        left,
    )


def receive(settings: Settings, inbox: Path) -> list[list[str]]:
    """The first task's work, done beforehand: so that a group can be lost before its next task begins."""
    assert settings.fixed_now
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUXIN_HOME", str(settings.home))
        patch.setenv("HUXIN_INBOX", str(inbox))
        patch.setenv("HUXIN_NOW", settings.fixed_now.isoformat())
        return tasks.receive_groups(2)


def sender_of(settings: Settings, submission_id: str) -> str:
    with connection(settings) as database:
        return next(item.sender for item in every(database) if str(item.id) == submission_id)


def by_member(settings: Settings) -> dict[str, str]:
    with connection(settings) as database:
        return {item.sender: item.state.name.lower() for item in every(database)}


def lost_group(run: dict[tuple[str, int], dict[str, Any]]) -> int:
    (number,) = (
        at for (task, at), each in run.items() if task == "group.validate" and each["state"] == "failed"
    )
    return number


def test_the_other_group_is_published_and_the_run_has_failed(told: Told) -> None:
    lost = lost_group(told.first)
    other = 1 - lost
    assert told.ends[0] == "failed"
    assert {told.first["group." + step, other]["state"] for step in STEPS} == {"success"}
    assert {told.first["group." + step, lost]["state"] for step in STEPS[1:]} == {"upstream_failed"}
    assert told.first["summary", -1]["state"] == "failed"
    assert sorted(told.states[0].values()) == ["published", "published", "received"]


def test_the_lost_group_was_tried_thrice(told: Told) -> None:
    lost = lost_group(told.first)
    assert told.first["group.validate", lost]["try_number"] == 3
    assert told.first["group.validate", 1 - lost]["try_number"] == 1


def test_no_group_waited_for_the_other(told: Told) -> None:
    lost = lost_group(told.first)
    given_up = told.first["group.validate", lost]["end_date"]
    assert told.first["group.pseudonymize", 1 - lost]["start_date"] < given_up


def test_the_next_run_takes_up_the_lost_group_alone(told: Told) -> None:
    assert told.ends[1] == "success"
    assert {at for task, at in told.second if task == "group.load"} == {0}
    assert {each["state"] for each in told.second.values()} == {"success"}
    assert set(told.states[1].values()) == {"published"}


def test_in_the_end_every_member_has_its_rows(told: Told) -> None:
    with connection(told.settings) as database:
        accepted = {item.sender: item.accepted for item in every(database)}
    assert accepted == {member: TRUTH["members"][member]["accepted"] for member in MEMBERS}


def test_groups_are_named_for_people(told: Told) -> None:
    assert told.first["group.load", 1 - lost_group(told.first)]["rendered_map_index"].endswith(
        f"group {2 - lost_group(told.first)}"
    )


def test_services_listen_on_this_machine_only(told: Told) -> None:
    """0100007F is 127.0.0.1, as the kernel writes it."""
    assert told.listens == {"0100007F"}


def test_services_fit_a_small_machine_and_leave_no_process(told: Told) -> None:
    assert 400 < told.peak_mib < 2500
    assert told.left == []


def test_no_identifier_is_in_airflows_home_or_database(told: Told, tmp_path: Path) -> None:
    files = [path for path in told.settings.airflow_home.rglob("*") if path.is_file()]
    assert any("task_id=group.load" in str(path) for path in files)
    assert all(path.stat().st_mode & 0o077 == 0 for path in files if "task_id=" in str(path))
    dump = tmp_path / "all.sql"
    embedded.dump(told.settings, dump)
    assert told.lost in dump.read_text(encoding="utf-8").partition("COPY public.xcom ")[2]
    assert traces([*files, dump], people(MEMBERS)) == []

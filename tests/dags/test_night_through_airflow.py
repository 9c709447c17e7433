"""The sample night through the real DAG, in a process of its own: the truth, no process left, no identifier either."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow_tools import EVENING, SAMPLES, TRUTH, copy_samples, people, processes_of, ready, traces

from huxin.enquiry.ask import Question, answer_object, ask
from huxin.errors import HuxinError
from huxin.nightly.airflow_run import TaskEvent, run_dag_once
from huxin.registry import embedded
from huxin.registry.findings import list_findings
from huxin.registry.session import connection, forget_engine
from huxin.registry.submissions import Submission, every
from huxin.settings import Settings

pytestmark = pytest.mark.slow
MEMBERS = sorted(TRUTH["members"])
ACCEPTED = [member for member in MEMBERS if TRUTH["members"][member]["file"] == "accepted"]


@dataclass
class Night:
    """A home in which the night ran once, what was told meanwhile, and what came of it by member."""

    settings: Settings
    inbox: Path
    log: Path
    events: list[TaskEvent] = field(default_factory=list)
    sent: dict[str, Submission] = field(default_factory=dict)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """In a path with a blank and Chinese characters, on the evening of the samples."""
    place = tmp_path_factory.mktemp("夜间 night")
    settings = ready(Settings(home=place / "家", fixed_now=EVENING), MEMBERS)
    inbox = copy_samples(place / "收报", MEMBERS)
    events: list[TaskEvent] = []
    try:
        log = run_dag_once(settings, inbox, events.append)
        assert processes_of(settings.airflow_home) == []
        yield Night(settings, inbox, log, events, {item.sender: item for item in submissions(settings)})
    finally:
        forget_engine(settings)
        embedded.stop(settings)


def submissions(settings: Settings) -> list[Submission]:
    with connection(settings) as database:
        return every(database)


@pytest.mark.parametrize("member", ACCEPTED)
def test_as_many_rows_are_in_as_the_truth_says(night: Night, member: str) -> None:
    truth, item = TRUTH["members"][member], night.sent[member]
    assert item.state.name == "PUBLISHED"
    assert (item.rows, item.accepted, item.rejected) == (truth["rows"], truth["accepted"], truth["rejected"])


@pytest.mark.parametrize("member", ACCEPTED)
def test_every_planted_code_is_found_at_its_row(night: Night, member: str) -> None:
    with connection(night.settings) as database:
        found = {(each.record, each.code) for each in list_findings(database, night.sent[member].id)}
    assert {(spot["row"], spot["code"]) for spot in TRUTH["members"][member]["planted"]} - found == set()


def test_a_file_with_wrong_totals_is_refused_whole(night: Night) -> None:
    item = night.sent["M0006"]
    assert (item.state.name, item.facts["code"], item.accepted) == ("REFUSED", "F0002", 0)


def test_every_subject_of_the_truth_is_answered_so(night: Night) -> None:
    subjects: list[dict[str, Any]] = TRUTH["subjects"]
    questions = [Question(each["id_type"], each["id_no"]) for each in subjects]
    answers = [answer_object(answer) for answer in ask(night.settings, "M0001", questions)]
    names = ("lenders", "open_loans", "outstanding", "max_dpd", "guaranteed_loans")
    differ = [
        number
        for number, (truth, answer) in enumerate(zip(subjects, answers, strict=True))
        if [truth[name] for name in names] != [answer[name] for name in names]
    ]
    assert differ == []


def test_each_task_of_each_group_was_told_as_it_began_and_ended(night: Night) -> None:
    steps = ["validate", "pseudonymize", "load", "report"]
    told = [(event.step, event.group, event.event) for event in night.events]
    grouped = [(step, group) for step in steps for group in (1, 2)]
    expected = {("airflow", None), ("receive", None), *grouped}
    assert {each[:2] for each in told if each[2] == "started"} == expected
    assert {each[:2] for each in told if each[2] == "finished"} == {*expected, ("summary", None)}
    assert len(told) == 2 * len(expected) + 1


def test_rejected_rows_lie_in_their_senders_folder(night: Night) -> None:
    for member in MEMBERS:
        (place,) = (night.inbox / member / "returned").iterdir()
        with place.open(encoding="utf-8-sig", newline="") as source:
            told = [row["错误代码"].split() for row in csv.DictReader(source)]
        rejected = sum(any(code.startswith("E") for code in codes) for codes in told)
        # Of a refused file, what the row checks found goes back.
        assert rejected > 0 if member == "M0006" else rejected == night.sent[member].rejected


def test_no_identifier_is_in_airflows_home_or_in_any_database(night: Night, tmp_path: Path) -> None:
    wanted = people(MEMBERS)
    assert len(wanted["numbers"]) > 10_000
    files = [path for path in night.settings.airflow_home.rglob("*") if path.is_file()]
    assert night.log in files
    dump = tmp_path / "all.sql"
    embedded.dump(night.settings, dump)
    text = dump.read_text(encoding="utf-8")
    # The dump holds what the tasks handed on, and no connection or variable.
    assert str(night.sent["M0001"].id) in text.partition("COPY public.xcom ")[2].partition("\\.")[0]
    for table in ("connection", "variable"):
        assert text.partition(f"COPY public.{table} ")[2].partition("\n")[2].startswith("\\.")
    assert traces([*files, dump], wanted) == []


def test_the_search_for_traces_can_find_one(tmp_path: Path) -> None:
    wanted = people(["M0001"])
    for kind, words in wanted.items():
        for word in (min(words, key=len), max(words, key=len), sorted(words)[len(words) // 2]):
            (tmp_path / "some.log").write_text(f"甲9{word}乙8", encoding="utf-8")
            assert traces([tmp_path / "some.log"], wanted) == [f"some.log: {kind}"]
    (tmp_path / "some.log").write_text("甲乙丙丁 12345678901", encoding="utf-8")
    assert traces([tmp_path / "some.log"], wanted) == []
    mobile = min(wanted["numbers"], key=len)
    for around, found in (
        ("12345678{}", []),
        ("86{}", ["some.log: numbers"]),
        ("a{}8765432", ["some.log: numbers"]),
    ):
        (tmp_path / "some.log").write_text(around.format(mobile), encoding="utf-8")
        assert traces([tmp_path / "some.log"], wanted) == found, around
    assert traces([SAMPLES / "M0001" / "loans_20260531.csv"], wanted) != []


def test_the_same_night_again_makes_no_submission_and_says_so(night: Night) -> None:
    before = submissions(night.settings)
    log = run_dag_once(night.settings, night.inbox)
    assert submissions(night.settings) == before
    assert "the inbox holds nothing new" in log.read_text(encoding="utf-8")


def test_a_run_that_fails_says_where_its_log_is_and_leaves_no_process(night: Night, tmp_path: Path) -> None:
    events: list[TaskEvent] = []
    with pytest.raises(HuxinError, match="H1007") as caught:
        run_dag_once(night.settings, tmp_path / "nowhere", events.append)
    assert "H1004" in Path(str(caught.value.facts["log"])).read_text(encoding="utf-8")
    assert [event.event for event in events if event.step == "receive"] == ["started", "failed"] * 3
    assert processes_of(night.settings.airflow_home) == []


def test_an_interrupted_run_leaves_no_process(night: Night) -> None:
    def interrupt(event: TaskEvent) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_dag_once(night.settings, night.inbox, interrupt)
    assert processes_of(night.settings.airflow_home) == []

"""`huxin ask`: exact figures, on record, in the log, and in nobody's windows; nothing is claimed and nothing leaks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from model import Row
from night_world import day, ready
from replay_world import CROWD, Past, who
from sqlalchemy import text
from test_night_cli import Ran, Shell

from huxin.enquiry.check_words import Account, Check, as_of
from huxin.enquiry.checking import Checker
from huxin.enquiry.reserving import ReservationRequest, reserve
from huxin.errors import HuxinError
from huxin.registry.connect import as_role, libpq_uri
from huxin.registry.partitions import ensure_month
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings
from support.rows import resident_id

ME, OTHER = "M0001", "M0002"


@pytest.fixture
def past(settings: Settings, tmp_path: Path) -> Iterator[Past]:
    """Person 1 owes two lenders, person 2 one."""
    made = Past.begun(ready(settings, [ME, OTHER]), tmp_path / "sent")
    made.world.full(ME, day(1), Row("A", 1), Row("B", 2))
    made.tick()
    made.world.full(OTHER, day(1), Row("C", 1, balance=100_000))
    made.tick()
    yield made
    made.desk.close()


@pytest.fixture
def shell(past: Past, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.setenv("HUXIN_HOME", str(past.settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(past.settings.database_url))
    monkeypatch.setenv("HUXIN_LANG", "zh")
    return Shell(monkeypatch, capsys)


def ask(shell: Shell, past: Past, person: int, *more: object, member: str = ME) -> Ran:
    """At the world's clock."""
    shell._monkeypatch.setenv("HUXIN_NOW", past.tick().isoformat())
    number = resident_id(person)
    return shell("ask", "--member", member, "--id-type", "resident_id", "--id-no", number, *more)


def rows(past: Past, query: str) -> list[tuple[Any, ...]]:
    with connection(past.settings) as database:
        return [tuple(row) for row in database.execute(text(query))]


def leaf(past: Past, topic: str = "operator.asked") -> dict[str, Any]:
    """The newest leaf of a topic."""
    drain(past.settings)
    found = rows(past, f"SELECT record FROM audit_leaf WHERE topic = '{topic}' ORDER BY number DESC LIMIT 1")
    record: dict[str, Any] = json.loads(found[0][0])
    return record


def test_the_answer_is_the_whole_one_and_stands_on_record(shell: Shell, past: Past) -> None:
    told = ask(shell, past, 1, "--json", "--reason", "complaint", "--reference", "YY-7", "--staff", "W-3")
    (line,) = told.lines
    assert (line["lenders"], line["outstanding"], line["own"]["outstanding"]) == (2, "16000.00", "15000.00")
    assert line["answer"]["outcome"] == "eligible"
    assert line["answer"]["tier"] == "full"
    assert line["answer"]["exposure"]["outstanding"] == "16000.00"
    ((id_, purpose, staff, reference, mobile),) = rows(
        past, "SELECT id, purpose, staff, reference, mobile_id FROM enquiry"
    )
    assert (str(id_), purpose, staff, reference, mobile) == (
        line["enquiry_id"],
        "operator_check",
        "W-3",
        "YY-7",
        None,
    )
    record = leaf(past)
    assert record["answers_sha256"] == hashlib.sha256(told.out.encode()).hexdigest()
    assert (record["staff"], record["reason"], record["member"]) == ("W-3", "complaint", ME)
    assert (record["questions"], record["known"], record["as_of"]) == (1, 1, None)
    assert record["by"]
    assert "YY-7" not in json.dumps(record)


def test_one_coverage_is_told_where_the_reports_are_old(shell: Shell, past: Past) -> None:
    """The line counts as the flag does, and says apart how many reported at any time."""
    past.world.settings = replace(past.settings, fixed_now=past.settings.now() + timedelta(days=90))
    (line,) = ask(shell, past, 1, "--json").lines
    assert line["coverage"] == {
        "members": 2,
        "reported": 0,
        "days": 3,
        "ever": 2,
        "oldest_as_of": "2026-05-29",
    }
    assert line["answer"]["coverage"].items() >= {"members": 2, "reported": 0}.items()
    told = ask(shell, past, 1).out
    assert "LOW_COVERAGE: 2 家会员中近 3 天只有 0 家报送" in told
    assert "覆盖：2 家会员中近 3 天有 0 家报送（曾报送 2 家）" in told


def test_it_counts_in_no_window_and_no_quota(shell: Shell, past: Past) -> None:
    before = past.gathered(past.asker(OTHER), 1, past.settings.now())
    for _ in range(3):
        assert ask(shell, past, 1, "--mobile", "13800000001").code == 0
    drain(past.settings)
    after = past.gathered(past.asker(OTHER), 1, past.settings.now())
    assert after["enquiries"] == before["enquiries"] == []
    assert after["others_recent"] == {"enquiries": 0, "members": 0}
    assert after["mobile"] == before["mobile"]
    assert rows(past, "SELECT count(*) FROM enquiry") == [(3,)]
    assert [row for row in rows(past, "SELECT purpose FROM quota") if "check" in row[0]] == []


def test_a_subject_that_nobody_knows_is_answered_and_left_unknown(shell: Shell, past: Past) -> None:
    aliases = rows(past, "SELECT count(*) FROM alias"), rows(past, "SELECT count(*) FROM mobile_alias")
    (line,) = ask(shell, past, 77, "--json", "--mobile", "13900000077").lines
    assert (line["subject_known"], line["enquiry_id"], line["answer"]["outcome"]) == (False, None, "eligible")
    assert aliases == (
        rows(past, "SELECT count(*) FROM alias"),
        rows(past, "SELECT count(*) FROM mobile_alias"),
    )
    assert rows(past, "SELECT count(*) FROM enquiry") == [(0,)]
    assert (leaf(past)["act"], leaf(past)["known"]) == (line["act"], 0)


def test_no_member_can_read_or_reserve_on_it(shell: Shell, past: Past) -> None:
    (line,) = ask(shell, past, 1, "--json").lines
    asker, id_ = past.asker(ME), UUID(line["enquiry_id"])
    with pytest.raises(HuxinError, match="H1205"):
        past.desk.reread(asker.member_id, id_)
    with pytest.raises(HuxinError, match="H1213"):
        reserve(past.desk, asker, ReservationRequest(id_, 100, "consumer"), "key-0001")


def test_a_file_is_one_act_whose_leaf_names_its_very_bytes(shell: Shell, past: Past, tmp_path: Path) -> None:
    questions, out = tmp_path / "q.csv", tmp_path / "a.jsonl"
    lines = [f"resident_id,{resident_id(person)}" for person in (1, 2, 77, 1)]
    questions.write_text("\n".join(["id_type,id_no", *lines, "居民身份证,123", ""]), encoding="utf-8")
    assert shell("ask", "--member", ME, "--file", questions, "--out", out).code == 0
    told = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [each.get("lenders") for each in told] == [2, 1, 0, 2, None]
    assert told[-1]["codes"]
    record = leaf(past)
    assert record["answers_sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert (record["questions"], record["known"]) == (5, 3)
    assert {each["act"] for each in told[:-1]} == {record["act"]}
    assert rows(past, "SELECT count(*) FROM enquiry") == [(3,)]


def test_the_terminal_shows_the_outcome_and_its_reasons(shell: Shell, past: Past) -> None:
    said = ask(shell, past, 1, "--amount", "200000", "--product", "consumer")
    assert "结论：不符合" in said.out
    assert "  不符合 OVER_CAP: " in said.out
    shell._monkeypatch.setenv("HUXIN_LANG", "en")
    assert "outcome: eligible" in ask(shell, past, 1).out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--as-of", "2026-06-01"), "H1218"),
        (("--as-of", "2026-05-31T23:59:00+08:00"), "H1218"),
        (("--as-of", "yesterday"), "H1219"),
        (("--as-of", "2026-13-01"), "H1219"),
        (("--reason", "curiosity"), "H1221"),
        (("--reference", resident_id(1)), "H1207"),
        (("--amount", "1.001"), "H1512"),
        (("--amount", "NaN"), "H1512"),
        (("--product", "casino"), "H1512"),
    ],
)
def test_what_cannot_be_asked_says_why(shell: Shell, past: Past, words: tuple[str, str], code: str) -> None:
    ran = ask(shell, past, 1, *words)
    assert ran.told.startswith(code)
    assert ran.code == 2
    assert resident_id(1) not in ran.told
    assert rows(past, "SELECT count(*) FROM enquiry") == [(0,)]


# As of a past moment ------------------------------------------------------------------------------------


def test_as_of_is_what_an_enquiry_of_that_moment_was_told(shell: Shell, past: Past) -> None:
    first = past.ask(ME, 1)
    past.tick()
    past.world.full(ME, day(2), Row("A", 1, balance=900_000), Row("B", 2))
    second = past.ask(OTHER, 1)
    past.tick()
    past.world.withdraw(3)
    for asked in (first, second):
        ran = ask(
            shell, past, 1, "--json", "--as-of", asked.at.isoformat(),
            "--amount", "20000", "--product", "consumer", "--name", str(who(1).name),
            "--mobile", str(who(1).mobile), member=asked.asker.code,
        )  # fmt: skip
        (line,) = ran.lines
        assert {name: asked.told[name] for name in line["answer"]} == line["answer"]
        assert leaf(past)["as_of"] == line["as_of"]
    (now,) = ask(shell, past, 1, "--json").lines
    assert now["outstanding"] == "16000.00"


def test_the_third_subject_of_a_mobile_is_flagged_at_once_now_and_as_of_then(
    shell: Shell, past: Past
) -> None:
    """Each is told of itself and those before; who is unknown to an operator's question is one more."""
    strangers = (CROWD, CROWD + 1, CROWD + 2)
    asked = [past.ask(ME, person) for person in strangers]
    flags = [[flag["code"] for flag in each.told["flags"]] for each in asked]
    assert ["SHARED_MOBILE" in each for each in flags] == [False, False, True]
    assert [each.told["enquiries"]["by_mobile"]["subjects"] for each in asked] == [1, 2, 3]

    def again(person: int, *more: object) -> tuple[int, bool]:
        (line,) = ask(shell, past, person, "--json", "--mobile", str(who(person).mobile), *more).lines
        told = line["answer"]
        flagged = "SHARED_MOBILE" in [flag["code"] for flag in told["flags"]]
        return told["enquiries"]["by_mobile"]["subjects"], flagged

    then = [again(each.person, "--as-of", each.at.isoformat()) for each in asked]
    assert then == [(1, False), (2, False), (3, True)]
    assert [again(person) for person in strangers] == [(3, True)] * 3
    assert again(CROWD + 3) == (4, True)
    assert again(CROWD + 3, "--as-of", asked[2].at.isoformat()) == (3, True)
    past.check_past()
    past.check_present(range(CROWD, CROWD + 4))


def test_a_day_alone_is_its_close_of_business(shell: Shell, past: Past) -> None:
    (today,) = ask(shell, past, 1, "--json", "--as-of", "2026-05-31").lines
    (now,) = ask(shell, past, 1, "--json").lines
    assert today["answer"] == now["answer"]
    assert "截至 2026-05-31 23:59:59（北京时间）" in ask(shell, past, 1, "--as-of", "2026-05-31").out


def test_before_the_registry_began_nothing_is_looked_up(shell: Shell, past: Past) -> None:
    ((began,),) = rows(past, "SELECT min(created_at) FROM member")
    assert ask(shell, past, 1, "--as-of", began.isoformat()).code == 0
    for when in ((began - timedelta(microseconds=1)).isoformat(), "2026-05-30", "2001-01-01"):
        ran = ask(shell, past, 1, "--as-of", when)
        assert (ran.code, ran.told[:5], ran.out) == (2, "H1217", "")


def test_before_the_first_file_no_record_is_true_of_now_and_of_then(settings: Settings) -> None:
    """It says that nobody had reported."""
    new = ready(settings, [ME, OTHER])
    later = replace(new, fixed_now=new.now() + timedelta(hours=1))
    for past in (None, as_of(new.now().isoformat(), later)):
        (line,) = Checker(later, ME, Account("x"), past).ask([Check(who(1))])
        told = json.loads(line)
        assert told["subject_known"] is False
        assert (told["coverage"]["members"], told["coverage"]["reported"]) == (2, 0)


def test_what_retention_has_dropped_is_not_known_any_more(past: Past) -> None:
    """May's history is dropped in July: June is known still, May is not, whatever is left of it."""
    at = past.settings.now()
    with connection(past.settings) as database:
        ensure_month(database, at + timedelta(days=3))
    july = replace(past.settings, fixed_now=at + timedelta(days=61))
    assert lenders(july, "2026-05-31") == 2
    with connection(july) as database:
        database.execute(text("DROP TABLE loan_history_y2026m05"))
    for when in ("2026-05-31", at.isoformat(), "2020-02-02", "2026-05-31T23:59:59+00:00"):
        with pytest.raises(HuxinError, match="H1217"):
            lenders(july, when)
    assert lenders(july, "2026-06-01") == lenders(july, "2026-06-30") == 2
    with connection(july) as database:
        # The log remembers that something was published, when no submission does any more.
        drain(july)
        database.execute(text("DELETE FROM submission"))
    with pytest.raises(HuxinError, match="H1217"):
        lenders(july, "2026-05-31")


def test_what_is_from_before_an_upgrade_is_not_known(past: Past) -> None:
    at = past.settings.now()
    with connection(past.settings) as database:
        database.execute(text("INSERT INTO kept_since VALUES (:at)"), {"at": at})
    later = replace(past.settings, fixed_now=at + timedelta(hours=1))
    with pytest.raises(HuxinError, match="H1217"):
        lenders(later, (at - timedelta(seconds=1)).isoformat())
    assert lenders(later, at.isoformat()) == 2


def lenders(settings: Settings, when: str) -> int:
    (line,) = Checker(settings, ME, Account("x"), as_of(when, settings)).ask([Check(who(1))])
    return int(json.loads(line)["lenders"])


@pytest.mark.parametrize("call", ["known_since()", "members_at(now())", "loans_at(NULL, now())"])
def test_the_applications_role_may_not_look_back(past: Past, call: str) -> None:
    with (
        psycopg.connect(as_role(libpq_uri(past.settings), "huxin_app")) as database,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        database.execute(f"SELECT * FROM {call}")

"""An answer is worked out again of what was kept with it: always equal, by its own policy, under whichever keys."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from model import Row
from night_world import day, ready
from replay_world import Past, who
from sqlalchemy import text
from test_night_cli import Shell

from huxin.decision import Facts, policy_file
from huxin.enquiry.desk import Desk
from huxin.enquiry.looking import look_at
from huxin.enquiry.sealing import ANSWER, sealed
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.paths import schema_root
from huxin.registry.audit_acts import erase_record
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring

ME, OTHER = "M0001", "M0002"


@pytest.fixture
def past(settings: Settings, tmp_path: Path) -> Iterator[Past]:
    made = Past.begun(ready(settings, [ME, OTHER]), tmp_path / "sent")
    made.world.full(ME, day(1), Row("A", 1), Row("B", 2, status="overdue", since=day(0)))
    made.tick()
    made.world.full(OTHER, day(1), Row("C", 1), Row("D", 3))
    yield made
    made.desk.close()


@pytest.fixture
def shell(past: Past, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.setenv("HUXIN_HOME", str(past.settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(past.settings.database_url))
    monkeypatch.setenv("HUXIN_NOW", (past.settings.now() + timedelta(hours=1)).isoformat())
    monkeypatch.setenv("HUXIN_LANG", "zh")
    return Shell(monkeypatch, capsys)


@pytest.fixture
def newer_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shipped policies, and one in force from today on by which one lender is too many."""
    folder = tmp_path / "schemas" / "policy"
    shutil.copytree(schema_root() / "policy", folder)
    entries = yaml.safe_load((folder / "enquiry.yaml").read_text(encoding="utf-8"))
    strict = json.loads(json.dumps(entries[-1], default=str)) | {"version": "strict"}
    strict["effective_on"] = day(3)
    strict["caps"]["max_lenders"] = 1
    strict["display"]["repair"] = None
    (folder / "enquiry.yaml").write_text(yaml.safe_dump([*entries, strict]), encoding="utf-8")
    policy_file.load_policies.cache_clear()
    monkeypatch.setattr(policy_file, "schema_root", lambda: tmp_path / "schemas")
    yield
    policy_file.load_policies.cache_clear()


asked = st.tuples(
    st.sampled_from([ME, OTHER]),
    st.integers(1, 5),
    st.sampled_from(["application", "guarantee", "post_loan"]),
)


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(asked)
def test_any_enquiry_is_answered_the_same_again(past: Past, question: tuple[str, int, str]) -> None:
    """Each after all that were put before, of which the counts grow."""
    made = past.ask(*question)
    again = past.desk.replay(made.asker.member_id, made.id)
    assert again["equal"] is True
    assert again["told"] == made.told
    assert {name: made.told[name] for name in again["recomputed"]} == again["recomputed"]
    for other in past.remembered[-3:]:
        assert past.desk.replay(other.asker.member_id, other.id)["equal"] is True


def test_a_newer_policy_changes_new_answers_and_no_old_one(
    past: Past, request: pytest.FixtureRequest
) -> None:
    before = past.ask(ME, 1)
    request.getfixturevalue("newer_policy")
    after = past.ask(ME, 1)
    assert (before.told["policy"], after.told["policy"]) == ("2020.1", "strict")
    assert "MULTI_LENDER" in {flag["code"] for flag in after.told["flags"]}
    for made in (before, after):
        again = past.desk.replay(made.asker.member_id, made.id)
        assert again["equal"] is True
        assert again["recomputed"]["policy"] == made.told["policy"]


def test_an_answer_whose_policy_is_gone_says_so(past: Past, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("newer_policy")
    made = past.ask(ME, 1)
    request.getfixturevalue("monkeypatch").undo()
    policy_file.load_policies.cache_clear()
    with pytest.raises(HuxinError, match="H1513"):
        past.desk.replay(made.asker.member_id, made.id)
    assert json.loads(past.desk.reread(made.asker.member_id, made.id)) == made.told


def test_an_answer_whose_leaf_was_erased_is_worked_out_all_the_same(past: Past) -> None:
    """The log forgets what was said; what was answered lies elsewhere, and its receipt says that it is gone."""
    made = past.ask(ME, 1)
    drain(past.settings)
    assert erase_record(past.settings, made.id, "retention") == 1
    assert past.desk.replay(made.asker.member_id, made.id)["equal"] is True
    with pytest.raises(HuxinError, match="H1309"):
        past.desk.receipt(made.asker.member_id, made.id)
    assert look_at(past.settings, made.id, again=True)["leaf"] is None


@pytest.mark.parametrize("zone", keyring.ZONES)
def test_answers_outlive_the_keys_of_a_zone(past: Past, zone: str) -> None:
    made = past.ask(ME, 1)
    ring = keyring.add_epoch(keyring.open(past.settings.keys_dir, zone))
    keyring.activate(ring, max(epoch.number for epoch in ring.epochs))
    fresh = Desk(past.settings)
    assert fresh.replay(made.asker.member_id, made.id)["equal"] is True
    fresh.close()
    assert look_at(past.settings, made.id, again=True)["equal"] is True


def test_the_past_is_found_again_after_the_keys_were_exchanged(past: Past) -> None:
    """Lookups try every usable epoch, so a subject stays where its first token led.

    Name marks do not: until whoever exchanges the keys makes them anew, names are told to differ.
    """
    made = past.ask(OTHER, 1)
    ring = keyring.add_epoch(keyring.open(past.settings.keys_dir, "registry"))
    keyring.activate(ring, 2)
    past.desk.close()
    past.desk = Desk(past.settings)
    then, told = (
        Facts.from_json(facts)
        for facts in (past.facts(made.asker, made.person, made.at, made.at), made.used.facts)
    )
    assert told.loans
    assert [replace(loan, name=None) for loan in then.loans] == [
        replace(loan, name=None) for loan in told.loans
    ]
    assert (then.mobile, then.enquiries) == (told.mobile, told.enquiries)


def test_an_answer_that_was_exchanged_is_not_equal(past: Past, shell: Shell) -> None:
    """By somebody who holds the key: the leaf of the log still tells, and so does the replay."""
    made = past.ask(ME, 1)
    forged = json.dumps(made.told | {"outcome": "ineligible"}).encode()
    with connection(past.settings) as database:
        database.execute(
            text("UPDATE enquiry SET answer = :answer WHERE id = :id"),
            {"answer": sealed(past.desk.keys.seal_key, ANSWER, made.id, forged), "id": made.id},
        )
    ran = shell("enquiries", "show", made.id, "--replay")
    assert ran.code == 3
    assert "重算不一致" in ran.out


# huxin enquiries ----------------------------------------------------------------------------------------


def test_an_enquiry_is_shown_with_who_asked_and_its_leaf(shell: Shell, past: Past) -> None:
    made = past.ask(ME, 1)
    (shown,) = shell("enquiries", "show", made.id, "--replay", "--json").lines
    assert (shown["member"], shown["by"], shown["staff"], shown["consent_no"]) == (ME, "member", "S-1", "SQ1")
    assert (shown["reference"], shown["amount"], shown["product"]) == ("case", "20000.00", "consumer")
    assert shown["told"] == made.told
    assert shown["equal"] is True
    assert shown["leaf"] == leaf_of(past, made.id)
    said = shell("enquiries", "show", made.id)
    assert "结论" in said.out
    assert "授权编号: SQ1" in said.out
    assert f"存证叶子: {shown['leaf']}" in said.out


def test_an_operators_question_is_shown_and_answered_again(shell: Shell, past: Past) -> None:
    told = shell(
        "ask", "--member", ME, "--id-type", "resident_id", "--id-no", who_no(2),
        "--as-of", past.settings.now().isoformat(), "--json",
    ).lines[0]  # fmt: skip
    drain(past.settings)
    (shown,) = shell("enquiries", "show", told["enquiry_id"], "--replay", "--json").lines
    assert (shown["by"], shown["purpose"], shown["equal"]) == ("operator", "operator_check", True)
    assert shown["told"] == told
    assert shown["leaf"] == leaf_of(past, UUID(told["act"]))
    assert "重算一致" in shell("enquiries", "show", told["enquiry_id"], "--replay").out


def test_a_look_is_an_act_and_hides_no_receipt(shell: Shell, past: Past) -> None:
    made = past.ask(ME, 1)
    before = leaf_of(past, made.id)
    shell("enquiries", "show", made.id)
    shell("enquiries", "list", "--member", ME)
    drain(past.settings)
    assert leaf_of(past, made.id) == before
    found = dict(rows(past, "SELECT topic, record FROM audit_leaf WHERE topic LIKE 'operator.%'"))
    assert json.loads(found["operator.looked"])["looked_at"] == str(made.id)
    assert json.loads(found["operator.listed"])["code"] == ME


def test_enquiries_are_listed_by_page_the_newest_first(shell: Shell, past: Past) -> None:
    made = [past.ask(code, person) for code, person in ((ME, 1), (OTHER, 1), (ME, 2), (ME, 3))]
    told = shell("ask", "--member", ME, "--id-type", "resident_id", "--id-no", who_no(1), "--json").lines[0]
    mine = [told["enquiry_id"], *(str(made[place].id) for place in (3, 2, 0))]
    pages, place = [], ()
    while True:
        page = shell("enquiries", "list", "--member", ME, "--limit", 3, "--json", *place)
        pages.append([each["enquiry_id"] for each in page.lines])
        if "--before" not in page.told:
            break
        place = tuple(page.told.split()[-2:])
    assert pages == [mine[:3], mine[3:]]
    everyone = shell("enquiries", "list", "--json").lines
    assert [each["member"] for each in everyone] == [ME, ME, ME, OTHER, ME]
    assert {"told", "answer", "facts"} & set(everyone[0]) == set()
    since = made[3].at.isoformat()
    assert [
        each["enquiry_id"] for each in shell("enquiries", "list", "--since", since, "--json").lines
    ] == mine[:2]
    table = shell("enquiries", "list", "--member", ME).out
    assert mine[0] in table
    assert "运营核查" in table


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", str(new_id())), "H1220"),
        (("show", "x"), "H1220"),
        (("list", "--member", "M9999"), "H0701"),
        (("list", "--since", "then"), "H1222"),
        (("list", "--before", "x"), "H1220"),
    ],
)
def test_what_is_not_there_is_said(shell: Shell, words: tuple[str, ...], code: str) -> None:
    ran = shell("enquiries", *words)
    assert ran.told.startswith(code)
    assert ran.code == 2


def rows(past: Past, query: str) -> list[tuple[Any, ...]]:
    with connection(past.settings) as database:
        return [tuple(row) for row in database.execute(text(query))]


def leaf_of(past: Past, record_id: UUID) -> int:
    ((number,),) = rows(past, f"SELECT number FROM audit_leaf WHERE record_id = '{record_id}'")
    return int(number)


def who_no(person: int) -> str:
    return who(person).id_no

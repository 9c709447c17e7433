"""The same night twice, the night after, and every way back in for what was not good at first."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from model import Counted, Row
from night_world import World, counted, day, ready
from sqlalchemy import text

from huxin.enquiry.ask import Question, answer_object, ask
from huxin.errors import HuxinError
from huxin.nightly import actions
from huxin.nightly.pipeline import run_night
from huxin.nightly.report import findings_csv, findings_xlsx, rejected_rows, told_findings
from huxin.nightly.submitting import Wish, submit
from huxin.registry.members import add_members, set_status
from huxin.registry.session import connection
from huxin.registry.submissions import Submission
from huxin.settings import Settings
from support.rows import AS_OF, good_row, loan, overdue, settled, write_manifest, write_submission

SAMPLES = Path(__file__).parents[2] / "examples" / "nightly"
ME, OTHER = "M0001", "M0002"
YESTERDAY = AS_OF - timedelta(days=1)
ROWS = 100


@pytest.fixture
def home(settings: Settings) -> Settings:
    return ready(settings)


def history(settings: Settings) -> list[str]:
    """The loan numbers of history, in the order of versions."""
    with connection(settings) as database:
        return list(database.execute(text("SELECT loan_no FROM loan_history ORDER BY 1, version")).scalars())


def book(as_of: date) -> list[dict[str, str]]:
    """A book of ROWS loans, every tenth of them overdue since the same day."""
    since = date(2026, 5, 1)
    rows = [loan(ME, number) for number in range(1, ROWS + 1)]
    return [overdue(row, (as_of - since).days, as_of) if n % 10 == 0 else row for n, row in enumerate(rows)]


def write_night(inbox: Path) -> None:
    write_submission(inbox, ME, book(AS_OF))
    write_submission(inbox, OTHER, [loan(OTHER, number) for number in range(1, 21)])


# Again --------------------------------------------------------------------------------------------------


def test_the_same_night_twice_makes_no_new_submission(home: Settings, tmp_path: Path) -> None:
    write_night(tmp_path)
    first = run_night(home, tmp_path)
    second = run_night(home, tmp_path)
    assert (first.fresh, second.fresh) == (2, 0)
    assert [item.id for item in first.submissions] == [item.id for item in second.submissions]
    with connection(home) as database:
        assert database.execute(text("SELECT count(*) FROM submission")).scalar() == 2
        assert database.execute(text("SELECT count(*) FROM outbox")).scalar() == 2
    assert history(home) == []


def test_a_second_night_writes_history_for_exactly_the_changed_loans(home: Settings, tmp_path: Path) -> None:
    submit(home, write_submission(tmp_path, ME, book(YESTERDAY), YESTERDAY), ME)
    rows = book(AS_OF)
    changed = [rows[number] for number in (3, 10, 77)]
    for row in changed:
        row["balance"] = "14000.00"
    item, _ = submit(home, write_submission(tmp_path, ME, rows, AS_OF), ME)
    assert item.state.name == "PUBLISHED"
    assert history(home) == sorted(row["loan_no"] for row in changed)
    overdue_person = 11
    assert counted(home, [overdue_person])[0].max_dpd == (AS_OF - date(2026, 5, 1)).days


def test_the_sample_that_lied_goes_in_with_a_right_manifest(home: Settings, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "M0006", tmp_path / "M0006")
    with connection(home) as database:
        add_members(database, [("M0006", "六号")], home.now())
    (refused,) = run_night(home, tmp_path).submissions
    assert (refused.state.name, refused.codes["F0002"], refused.accepted) == ("REFUSED", 1, 0)
    assert refused.rejected == refused.rows
    (file,) = (path for path in (tmp_path / "M0006").iterdir() if not path.name.endswith(".json"))
    said = json.loads(file.with_name(file.name + ".manifest.json").read_bytes())
    truth = json.loads((SAMPLES / "truth.json").read_bytes())
    item, fresh = submit(home, file, "M0006", computed=Wish(date.fromisoformat(truth["as_of_date"])))
    assert (fresh, item.state.name, item.sequence) == (True, "PUBLISHED", said["sequence"])
    assert (item.accepted or 0) > 0.9 * (item.rows or 0)


# Mended rows --------------------------------------------------------------------------------------------


def broken_book(as_of: date, people: range) -> list[dict[str, str]]:
    """Forty good loans, and of three of them: a wrong number, no consent, a formula in the contract number."""
    rows = [loan(ME, number) for number in people]
    rows[0]["balance"] = "many"
    rows[1]["consent_no"] = ""
    rows[2] |= {"contract_no": "=1+1", "class5": "splendid"}
    return [
        overdue(row, (as_of - date(2026, 5, 1)).days, as_of) if n == 1 else row for n, row in enumerate(rows)
    ] + []


def mended(settings: Settings, item: Submission, place: Path, file_format: str) -> Path:
    """The export of a submission's rejected rows with every broken cell put right."""
    found = told_findings(settings, item)
    rows = rejected_rows(settings, item, found)
    target = place / f"mended.{file_format}"
    if file_format == "xlsx":
        fixes = {"balance": "15000.00", "consent_no": "SQ1", "class5": "special_mention"}
        for name, value in fixes.items():
            good = (
                rows["finding_codes"] == {"balance": "E1202", "consent_no": "E2601", "class5": "E1301"}[name]
            )
            rows = rows.with_columns(rows[name].set(good, value if name != "class5" else "normal"))
        findings_xlsx(rows, found, target)
        return target
    table = list(csv.DictReader(io.StringIO(findings_csv(rows).removeprefix("\ufeff"))))
    for row in table:
        fixes = {
            "E1202": ("贷款余额", "15000.00"),
            "E2601": ("授权编号", "SQ1"),
            "E1301": ("五级分类", "正常"),
        }
        if row["错误代码"]:
            name, value = fixes[row["错误代码"]]
            row[name] = value
    with target.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return target


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_mended_rows_of_today_go_in(home: Settings, tmp_path: Path, file_format: str) -> None:
    rows = broken_book(AS_OF, range(1, 41))
    item, _ = submit(home, write_submission(tmp_path, ME, rows), ME)
    assert (item.state.name, item.rejected) == ("PUBLISHED", 3)
    assert [answer.known for answer in counted(home, [1, 2, 3])] == [False, False, False]
    sent, _ = submit(home, mended(home, item, tmp_path, file_format), ME, computed=Wish())
    assert (sent.state.name, sent.accepted, sent.rejected, sent.mode) == ("PUBLISHED", 3, 0, 3), sent.codes
    assert [answer.open_loans for answer in counted(home, [1, 2, 3])] == [1, 1, 1]
    with connection(home) as database:
        query = text("SELECT contract_no FROM loan WHERE loan_no = :no")
        assert database.execute(query, {"no": rows[2]["loan_no"]}).scalar() == "=1+1"


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_mended_rows_of_yesterday_go_in_after_tonights_file(
    home: Settings, tmp_path: Path, file_format: str
) -> None:
    old, _ = submit(home, write_submission(tmp_path, ME, broken_book(YESTERDAY, range(1, 41)), YESTERDAY), ME)
    tonight, _ = submit(home, write_submission(tmp_path, ME, broken_book(AS_OF, range(1, 41)), AS_OF), ME)
    assert (old.rejected, tonight.rejected) == (3, 3)
    sent, _ = submit(home, mended(home, old, tmp_path, file_format), ME, computed=Wish(YESTERDAY))
    assert (sent.state.name, sent.accepted, sent.as_of_date) == ("PUBLISHED", 3, YESTERDAY)
    answers = counted(home, [1, 2, 3])
    assert [answer.open_loans for answer in answers] == [1, 1, 1]
    assert answers[1].max_dpd == (YESTERDAY - date(2026, 5, 1)).days


def test_mended_rows_of_yesterday_find_their_day_by_themselves(home: Settings, tmp_path: Path) -> None:
    old, _ = submit(home, write_submission(tmp_path, ME, broken_book(YESTERDAY, range(1, 41)), YESTERDAY), ME)
    submit(home, write_submission(tmp_path, ME, [loan(ME, number) for number in range(4, 41)], AS_OF), ME)
    sent, _ = submit(home, mended(home, old, tmp_path, "csv"), ME, computed=Wish())
    assert (sent.state.name, sent.accepted, sent.as_of_date) == ("PUBLISHED", 3, YESTERDAY), sent.codes


@pytest.mark.parametrize(
    ("field", "mend"), [("name", "王明"), ("closed_on", "2026-05-10"), ("consent_no", "SQ1")]
)
def test_a_column_that_was_empty_in_every_rejected_row_can_be_filled(
    home: Settings, tmp_path: Path, field: str, mend: str
) -> None:
    rows = [loan(ME, number) for number in range(1, 41)]
    rows[0] = {**settled(rows[0], date(2026, 5, 10)), field: ""}
    item, _ = submit(home, write_submission(tmp_path, ME, rows), ME)
    assert item.rejected == 1
    export = rejected_rows(home, item, told_findings(home, item))
    target = tmp_path / "mended.csv"
    target.write_text(findings_csv(export.with_columns(pl.lit(mend).alias(field))), encoding="utf-8")
    sent, _ = submit(home, target, ME, computed=Wish())
    assert (sent.state.name, sent.accepted) == ("PUBLISHED", 1), sent.codes


def test_a_mended_party_of_a_loan_brings_its_others_along(home: Settings, tmp_path: Path) -> None:
    """Only the guarantor's row was wrong: what comes back to be mended can be sent as it is, and ends nobody."""
    first, second = loan(ME, 1), loan(ME, 2)
    backed = [first, good_row(**{**first, **_person(101), "role": "guarantor", "consent_no": ""})]
    led = [
        good_row(**{**second, "consent_no": ""}),
        good_row(**{**second, **_person(102), "role": "guarantor"}),
    ]
    rows = [*backed, *led, *(loan(ME, number) for number in range(3, 41))]
    item, _ = submit(home, write_submission(tmp_path, ME, rows), ME)
    assert item.rejected == 2
    sent, _ = submit(home, mended(home, item, tmp_path, "csv"), ME, computed=Wish())
    assert (sent.state.name, sent.rejected) == ("PUBLISHED", 0), sent.codes
    assert [answer.open_loans for answer in counted(home, [1, 2])] == [1, 1]
    assert [answer.guaranteed_loans for answer in counted(home, [101, 102])] == [1, 1]


def _person(number: int) -> dict[str, str]:
    return {name: loan(ME, number)[name] for name in ("id_no", "name", "mobile", "consent_no")}


# Withdrawal, content and manifests ----------------------------------------------------------------------


def test_withdrawn_content_can_be_sent_with_a_new_manifest(home: Settings, tmp_path: Path) -> None:
    file = write_submission(tmp_path, ME, book(AS_OF))
    first, _ = submit(home, file, ME)
    before = counted(home, [1, 11])
    actions.withdraw(home, first.id)
    assert counted(home, [1, 11]) == [Counted(), Counted()]
    same, fresh = submit(home, file, ME)
    assert (same.id, same.state.name, fresh) == (first.id, "WITHDRAWN", False)
    manifest = json.loads(file.with_name(file.name + ".manifest.json").read_bytes())
    write_manifest(file, manifest | {"sequence": 2})
    second, fresh = submit(home, file, ME)
    assert (second.state.name, fresh) == ("PUBLISHED", True)
    assert counted(home, [1, 11]) == before


def test_withdrawn_content_can_be_sent_with_computed_totals(home: Settings, tmp_path: Path) -> None:
    file = write_submission(tmp_path, ME, book(AS_OF))
    first, _ = submit(home, file, ME, computed=Wish())
    again, fresh = submit(home, file, ME, computed=Wish())
    assert (again.id, fresh) == (first.id, False)
    actions.withdraw(home, first.id)
    second, fresh = submit(home, file, ME, computed=Wish())
    assert (second.state.name, fresh, second.sequence) == ("PUBLISHED", True, 2)


def test_withdrawing_twice_or_a_refused_one_says_so(home: Settings, tmp_path: Path) -> None:
    item, _ = submit(home, write_submission(tmp_path, ME, book(AS_OF)), ME)
    actions.withdraw(home, item.id)
    refused, _ = submit(
        home, write_submission(tmp_path, ME, book(AS_OF), manifest_changes={"record_count": 1}), ME
    )
    for each in (item, refused):
        with pytest.raises(HuxinError) as caught:
            actions.withdraw(home, each.id)
        assert caught.value.code == "H0604"


def test_only_what_waits_can_be_confirmed_and_only_the_refused_tried_again(
    home: Settings, tmp_path: Path
) -> None:
    item, _ = submit(home, write_submission(tmp_path, ME, book(AS_OF)), ME)
    for act, code in ((actions.confirm, "H0603"), (actions.again, "H0606")):
        with pytest.raises(HuxinError) as caught:
            act(home, item.id)
        assert caught.value.code == code


# Refused, tried again -----------------------------------------------------------------------------------


def test_a_file_of_tomorrow_goes_in_tomorrow(home: Settings, tmp_path: Path) -> None:
    tomorrow = AS_OF + timedelta(days=1)
    item, _ = submit(home, write_submission(tmp_path, ME, book(tomorrow), tomorrow), ME)
    assert item.codes == {"F0005": 1}
    assert actions.again(home, item.id).state.name == "REFUSED"
    later = replace(home, fixed_now=home.now() + timedelta(days=1))
    after = actions.again(later, item.id)
    assert (after.state.name, after.codes.get("F0005"), after.accepted) == ("PUBLISHED", None, ROWS)


def test_a_suspended_members_file_goes_in_once_it_is_resumed(home: Settings, tmp_path: Path) -> None:
    status(home, ME, "suspended")
    item, _ = submit(home, write_submission(tmp_path, ME, book(AS_OF)), ME)
    assert item.codes == {"F0007": 1}
    status(home, ME, "active")
    assert actions.again(home, item.id).state.name == "PUBLISHED"


def test_a_file_that_came_before_its_member_goes_in_afterwards(home: Settings, tmp_path: Path) -> None:
    write_submission(tmp_path, "M0099", book(AS_OF))
    (item,) = run_night(home, tmp_path).submissions
    assert item.codes == {"F0007": 1}
    with connection(home) as database:
        add_members(database, [("M0099", "后来者")], home.now())
    after = actions.again(home, item.id)
    assert (after.state.name, after.accepted) == ("PUBLISHED", ROWS)
    assert run_night(home, tmp_path).fresh == 0
    assert counted(home, [1])[0].lenders == 1


def test_a_manifest_that_names_another_member_stays_refused(home: Settings, tmp_path: Path) -> None:
    file = write_submission(tmp_path, ME, book(AS_OF), manifest_changes={"member": OTHER})
    item, _ = submit(home, file, ME)
    assert item.codes == {"F0007": 1}
    assert actions.again(home, item.id).codes == {"F0007": 1}


def status(settings: Settings, code: str, word: str) -> None:
    with connection(settings) as database:
        set_status(database, code, word)


# Waves --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [("1.csv", "2.csv", "3.csv", "4.csv"), ("d.csv", "b.csv", "c.csv", "a.csv")]
)
def test_days_and_sequences_of_one_member_are_applied_in_their_order(
    home: Settings, tmp_path: Path, names: tuple[str, ...]
) -> None:
    world = World(home, tmp_path / "unused")
    inbox = tmp_path / "inbox"
    steps = [
        (day(0), "full", [Row("L1", 1, balance=1), Row("L2", 2)]),
        (day(1), "full", [Row("L1", 1, balance=2)]),
        (day(1), "incremental", [Row("L1", 1, balance=3), Row("L2", 3)]),
        (day(2), "full", [Row("L1", 1, balance=4), Row("L2", 3)]),
    ]
    for name, (as_of, mode, rows) in zip(names, steps, strict=True):
        sent = world.sent(ME, as_of, mode, rows)
        world.write(sent, inbox, name)
        world.ids[sent.number] = sent  # type: ignore[assignment]  # counted until the night gives it an id
        assert world.model.send(sent) == "published"
    found = {item.file: item for item in run_night(home, inbox).submissions}
    assert [found[name].state.name for name in names] == ["PUBLISHED"] * 4
    world.ids = {number: found[name].id for number, name in enumerate(names, 1)}
    world.check()
    assert world.withdraw(3) == "H0605"
    assert world.withdraw(4) == "withdrawn"
    assert world.withdraw(3) == "withdrawn"
    world.check()


def test_the_outcome_of_a_night_is_an_answer_in_yuan(home: Settings, tmp_path: Path) -> None:
    write_night(tmp_path)
    run_night(home, tmp_path)
    (answer,) = ask(home, ME, [Question("居民身份证", loan(ME, 1)["id_no"])])
    said = answer_object(answer)
    assert (said["lenders"], said["open_loans"], said["outstanding"]) == (2, 2, "30000.00")
    assert (said["own"]["outstanding"], said["others"]["lenders"]) == ("15000.00", 1)

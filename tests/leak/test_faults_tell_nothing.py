"""Faults forced at parsing, in the checks and in the database quote the cell they fell over; what is told does not."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import polars as pl
import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import text

from huxin import cli
from huxin.cli.setup import prepare
from huxin.contract import load_contract
from huxin.enquiry.ask import Question
from huxin.errors import HuxinError
from huxin.nightly import tasks
from huxin.nightly.gx.run import load_suite, run_suite
from huxin.nightly.pipeline import run_night
from huxin.nightly.tokenizer import Tokenizer
from huxin.registry.bulk import BulkError, bulk
from huxin.registry.members import add_members
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_checks import rows as validating
from huxin_checks.read import FileRefused, open_rows
from huxin_checks.rules import row_rules
from huxin_privacy.identifiers import canonical_id
from support.frames import parsed_frame
from support.rows import good_row, loan, mobile, name, resident_id, write_submission

PERSON = resident_id(1)
SECRETS = (PERSON, name(1), mobile(1))


def falls_over(raw: pl.DataFrame, *_: object) -> pl.DataFrame:
    """What a careless cast does: the message of polars quotes the values.

    One column of all three, as polars casts columns side by side and tells of whichever fell over first.
    """
    return raw.select(pl.concat_str("id_no", "name", "mobile", separator=" ").str.to_date("%Y"))


def told(error: BaseException) -> str:
    """The traceback as Python prints it, with all that hangs on the error."""
    return "".join(traceback.format_exception(error))


def silent(output: str) -> bool:
    return not [secret for secret in SECRETS if secret in output]


@pytest.fixture
def sent(settings: Settings, tmp_path: Path) -> Path:
    """A member's file in an inbox, in a registry that knows the member."""
    prepare(settings)
    with connection(settings) as database:
        add_members(database, [("M0001", "M0001 小贷")], settings.now())
    return write_submission(tmp_path / "inbox", "M0001", [loan("M0001", n) for n in range(1, 5)])


def test_the_forced_fault_does_quote_a_cell() -> None:
    """Otherwise the tests below would prove nothing."""
    with pytest.raises(pl.exceptions.PolarsError) as caught:
        falls_over(pl.DataFrame([good_row()]))
    assert all(secret in told(caught.value) for secret in SECRETS)


def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command line as the program `huxin` runs it."""
    monkeypatch.setenv("HUXIN_HOME", str(settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("HUXIN_NOW", settings.now().isoformat())
    monkeypatch.setattr("sys.argv", ["huxin", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(str(ended.value.code))


@pytest.mark.parametrize("command", ["night", "submit"])
def test_a_fault_at_parsing_on_the_command_line(
    settings: Settings,
    sent: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    command: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(validating, "parse", falls_over)
    arguments = (str(sent.parents[1]),) if command == "night" else (str(sent), "--member", "M0001")
    assert run(settings, monkeypatch, command, *arguments) == 1
    printed = capsys.readouterr()
    assert silent(printed.out + printed.err + caplog.text)
    assert "InvalidOperationError" in printed.err + caplog.text
    assert ("H0611" if command == "night" else "H0102") in printed.err


def test_a_fault_in_a_task(
    settings: Settings, sent: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HUXIN_HOME", str(settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("HUXIN_NOW", settings.now().isoformat())
    monkeypatch.setenv("HUXIN_INBOX", str(sent.parents[1]))
    (group,) = tasks.receive_groups(1)
    monkeypatch.setattr(validating, "parse", falls_over)
    with pytest.raises(HuxinError) as caught:
        tasks.work("validate", group, 0, True)
    assert caught.value.__context__ is None
    assert silent(told(caught.value) + caplog.text)
    assert "InvalidOperationError" in str(caught.value)


@pytest.mark.parametrize(
    "rule",
    [
        lambda: pl.col("t_id_no").str.to_date("%Y", strict=True).is_null(),
        lambda: pl.col("t_name").cast(pl.Int64) > 0,
        lambda: pl.col("t_id_no").map_elements(lambda cell: int(cell + "x") > 0, return_dtype=pl.Boolean),
    ],
)
def test_a_fault_in_a_rule_under_great_expectations(
    rule: Callable[[], pl.Expr], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    frame = parsed_frame([good_row()])
    with pytest.raises(Exception) as plain:
        frame.select(rule())
    assert PERSON in told(plain.value) or name(1) in told(plain.value)
    rules = {**row_rules(load_contract()), "E2101": {"balance": rule()}}
    with pytest.raises(HuxinError) as caught:
        run_suite(frame, load_suite("rows"), rules)
    assert caught.value.code == "H0403"
    assert "E2101" in str(caught.value)
    assert silent(told(caught.value) + caplog.text)


def test_a_unique_violation_in_copy_and_in_a_statement(
    settings: Settings, sent: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    people = pa.table({"person": [PERSON, PERSON]})
    with bulk(settings) as session:
        session.run("CREATE TEMPORARY TABLE seen (person text PRIMARY KEY)")
        with pytest.raises(BulkError) as copied:
            session.copy("seen", people)
    assert copied.value.sqlstate == "23505"
    statement = text("INSERT INTO member (code, name, created_at) VALUES (:code, :name, now())")
    with pytest.raises(Exception) as stated, connection(settings) as database:
        for _ in range(2):
            database.execute(statement, {"code": PERSON, "name": name(1)})
    with pytest.raises(Exception) as cast, connection(settings) as database:
        database.execute(text("SELECT CAST(:person AS date)"), {"person": PERSON})
    for caught in (copied, stated, cast):
        assert silent(told(caught.value) + caplog.text), type(caught.value)


def test_postgresql_itself_would_have_told(settings: Settings, server: object) -> None:
    """Otherwise the test above would prove nothing."""
    uri = (settings.database_url or "").replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(uri) as plain, pytest.raises(psycopg.Error) as caught:
        plain.execute("SELECT CAST(%s::text AS date)", [PERSON + "x"])
    assert PERSON in told(caught.value)


def test_a_file_that_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    contract = load_contract()
    head = ",".join(field.name for field in contract.fields)
    for data in (f'{head}\n"{PERSON},{name(1)}\n', f"{head},{PERSON},{name(1)}x\n", f"{PERSON},{name(1)}\n"):
        with pytest.raises(FileRefused) as caught:
            list(open_rows(io.BytesIO(data.encode()), "a.csv", contract))
        assert PERSON not in told(caught.value) + repr(caught.value.facts) + caplog.text


def test_values_show_nothing_in_a_repr(settings: Settings, sent: Path) -> None:
    """What stands in a frame of a traceback with locals, or in a debugger's list, as far as our own types go."""
    report = run_night(settings, sent.parents[1])
    shown = [
        Question("resident_id", PERSON),
        canonical_id("resident_id", PERSON),
        Tokenizer(settings).types,
        report,
    ]
    assert silent(repr(shown))

"""A registry with members, nights over an inbox, and what must be true of a file that was refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from typer.testing import CliRunner, Result

from huxin.cli import app
from huxin.cli.setup import prepare
from huxin.contract import State
from huxin.enquiry.ask import Question, ask
from huxin.nightly.pipeline import NightReport, run_night
from huxin.nightly.report import told_findings
from huxin.registry.members import add_members
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, every
from huxin.settings import Settings
from huxin_checks.telling import Told
from support.rows import loan, resident_id, write_submission

EVENING = datetime.fromisoformat("2026-05-31T22:00:00+08:00")
GOOD = "G0001"
ROWS = 20


def ready(settings: Settings, members: Iterable[str]) -> Settings:
    """Keys, tables and members."""
    prepare(settings)
    with connection(settings) as database:
        add_members(database, [(code, f"{code} 小贷") for code in members], settings.now())
    return settings


def rows(member: str, first: int, count: int = ROWS) -> list[dict[str, str]]:
    """Good loans of `count` people who have no other."""
    return [loan(member, n) for n in range(first, first + count)]


def write_good(inbox: Path) -> Path:
    """The good member's file."""
    return write_submission(inbox, GOOD, rows(GOOD, 1))


def of(report: NightReport, member: str) -> list[Submission]:
    """The night's submissions of one sender."""
    return [item for item in report.submissions if item.sender == member]


def finished(report: NightReport) -> NightReport:
    """The report, once nothing failed and everything reached an end state."""
    assert report.failed == {}
    unfinished = (State.RECEIVED, State.VALIDATED, State.PSEUDONYMIZED)
    assert [item for item in report.submissions if item.state in unfinished] == []
    return report


def night(settings: Settings, inbox: Path) -> NightReport:
    """A night in which everything reaches an end state."""
    return finished(run_night(settings, inbox))


def assert_refused(settings: Settings, item: Submission, code: str, reason: str | None = None) -> list[Told]:
    """Refused whole with that code, nothing of it kept but its sealed source; the words say what to do."""
    assert (item.state, item.facts.get("code")) == (State.REFUSED, code), (item.codes, item.facts)
    if reason is not None:
        assert item.facts["reason"] == reason
    assert item.accepted == 0
    assert item.rejected == item.rows
    assert item.codes[code] == 1
    assert_nothing_loaded(settings, item)
    told = {language: told_findings(replace(settings, language=language), item) for language in ("zh", "en")}
    for language, found in told.items():
        assert found[0].code == code
        assert (found[0].record, found[0].severity) == (0, "refuse")
        for words in (found[0].text, found[0].hint):
            assert len(words) > 10
            assert any("\u4e00" <= letter <= "\u9fff" for letter in words) == (language == "zh"), words
    return told["zh"]


def assert_nothing_loaded(settings: Settings, item: Submission) -> None:
    """No row of the registry comes from the submission, and the spool holds its sealed source alone."""
    folder = settings.spool_dir / str(item.id)
    assert sorted(entry.name for entry in folder.iterdir()) in (
        ["key", "source.sealed"],
        # what is refused in load is held as it was checked, to be tried again without its source
        ["key", "keys.sealed", "loans.sealed"],
    )
    with connection(settings) as database:
        for table in ("loan", "loan_history"):
            query = text(f"SELECT count(*) FROM {table} WHERE submission_id = :id")
            assert database.execute(query, {"id": item.id}).scalar_one() == 0


def known(settings: Settings, people: Sequence[int]) -> list[bool]:
    """Whether the registry knows the n-th persons."""
    answers = ask(settings, GOOD, [Question("resident_id", resident_id(n)) for n in people])
    return [answer.exposure is not None and answer.exposure.known for answer in answers]


def aliases(settings: Settings) -> int:
    """How many identifiers the registry has claimed a subject for."""
    with connection(settings) as database:
        return int(database.execute(text("SELECT count(*) FROM alias")).scalar_one())


def cli(settings: Settings, *arguments: str, language: str = "zh") -> Result:
    """A command as people type it, in this process."""
    assert settings.fixed_now is not None
    environment = {
        "HUXIN_HOME": str(settings.home),
        "HUXIN_DATABASE_URL": settings.database_url or "",
        "HUXIN_NOW": settings.fixed_now.isoformat(),
        "HUXIN_LANG": language,
    }
    return CliRunner().invoke(app, list(arguments), env=environment)


def all_submissions(settings: Settings) -> dict[UUID, Submission]:
    """Each submission ever made, by id."""
    with connection(settings) as database:
        return {item.id: item for item in every(database)}

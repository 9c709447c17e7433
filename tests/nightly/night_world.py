"""The real night beside the model: files written, steps run, answers and rows read back in the model's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from model import Counted, Model, Row, Sent
from sqlalchemy import text

from huxin.cli.setup import prepare
from huxin.enquiry.ask import Question, ask
from huxin.errors import HuxinError
from huxin.nightly import actions
from huxin.nightly.members_copy import follow_members
from huxin.nightly.pipeline import run_night
from huxin.nightly.submitting import submit
from huxin.nightly.tokenizer import Tokenizer
from huxin.registry.exposure import Exposure
from huxin.registry.members import add_members
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, find
from huxin.settings import Settings
from support.rows import loan, overdue, resident_id, settled, write_submission
from support.sums import summed_up
from support.zones import Split

MEMBERS = ["M0001", "M0002", "M0003"]
TODAY = date(2026, 5, 31)
PAID_BACK = date(2026, 5, 10)
FILLERS = 40  # good loans that every file carries, so that one broken or vanished loan is below the shares
_LABELS = {
    "role": ("primary", "co_borrower", "guarantor"),
    "status": (
        "active",
        "overdue",
        "extended",
        "restructured",
        "written_off",
        "transferred",
        "settled",
        "revoked",
    ),
    "ended_by": ("not_reported", "corrected", "deleted", "withdrawn"),
}
_SHOWN = """l.role, l.balance, l.status, l.overdue_since, l.as_of_date, l.ended_by, l.ended_on, l.stale_as_of,
    l.void_by IS NOT NULL AS void"""


def split_world(split: Split, folder: Path, members: Sequence[str] = tuple(MEMBERS)) -> World:
    """The same world where files come in at one zone and answers are given at another."""
    with connection(split.registry) as database:
        add_members(database, [(code, f"{code} 小贷") for code in members], split.registry.now())
    follow_members(split.intake)
    return World(split.intake, folder, members, split.whole)


def ready(settings: Settings, members: Sequence[str] = tuple(MEMBERS)) -> Settings:
    """Keys, tables and members, as `huxin init` and `huxin members add` make them."""
    prepare(settings)
    with connection(settings) as database:
        add_members(database, [(code, f"{code} 小贷") for code in members], settings.now())
    return settings


def fillers(member: str) -> tuple[Row, ...]:
    """Loans of people who have no other, in every file of the member."""
    first = 10_000 + 1_000 * int(member[1:])
    return tuple(Row(f"{member}-F{number:03d}", first + number) for number in range(FILLERS))


def cells(row: Row, as_of: date) -> dict[str, str]:
    """The row of loan/v1 that says what the model's row says."""
    number, balance = row.loan_no, f"{row.balance / 100:.2f}"
    made = loan("X", row.person, loan_no=number, contract_no=number, role=row.role, balance=balance)
    if row.disbursed is not None:
        made |= {"disbursed_on": row.disbursed.isoformat()}
    if row.since is not None:
        made = overdue(made, (as_of - row.since).days, as_of)
    if row.status in ("settled", "transferred", "revoked"):
        made = settled(made, PAID_BACK) | {"balance": f"{row.balance / 100:.2f}"}
    made |= {"status": row.status, "action": "delete" if row.delete else "upsert"}
    if row.delete:  # it needs no more than this
        made = {
            name: made[name] if name in ("loan_no", "id_type", "id_no", "action") else "" for name in made
        }
    return made | _damage(row)


def _damage(row: Row) -> dict[str, str]:
    number = resident_id(row.person)
    return {
        "": {},
        "loan_no": {"loan_no": ""},
        "id_no": {"id_no": number[:-1] + ("1" if number[-1] != "1" else "2")},
        "balance": {"balance": "many"},
        "consent": {"consent_no": ""},
    }[row.broken]


@dataclass
class World:
    """Settings of a fresh registry, a folder for files, and the model that must agree with it."""

    settings: Settings
    folder: Path
    members: Sequence[str] = tuple(MEMBERS)
    # Where answers and tables are read: elsewhere, when the platform is split into zones.
    reading: Settings | None = None
    model: Model = field(init=False)
    ids: dict[int, UUID] = field(default_factory=dict)
    people: set[int] = field(default_factory=set)
    sequences: dict[tuple[str, date], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model = Model(list(self.members), TODAY)

    def sent(
        self, member: str, as_of: date, mode: str, rows: Sequence[Row], sequence: int = 0, filled: bool = True
    ) -> Sent:
        """A submission of these rows, in the next sequence of its day unless one is named."""
        whole = (*rows, *(fillers(member) if filled else ()))
        used = self.sequences.get((member, as_of), 0)
        self.sequences[member, as_of] = max(used, sequence or used + 1)
        return Sent(len(self.ids) + 1, member, as_of, sequence or used + 1, mode, whole)

    def write(self, sent: Sent, inbox: Path | None = None, name: str = "") -> Path:
        """The files of a submission."""
        self.people |= {row.person for row in sent.rows}
        return write_submission(
            inbox or self.folder,
            sent.member,
            [cells(row, sent.as_of) for row in sent.rows],
            sent.as_of,
            sent.sequence,
            sent.mode,
            file_name=name or f"loans_{sent.number}.csv",
        )

    def send(
        self, member: str, as_of: date, mode: str, rows: Sequence[Row], sequence: int = 0, filled: bool = True
    ) -> str:
        """Sends through the real steps; the model must come to the same state."""
        sent = self.sent(member, as_of, mode, rows, sequence, filled)
        item, fresh = submit(self.settings, self.write(sent), member)
        assert fresh
        self.ids[sent.number] = item.id
        state = item.state.name.lower()
        assert state == self.model.send(sent), (sent, item.codes, item.facts)
        return state

    def full(self, member: str, as_of: date, *rows: Row) -> str:
        return self.send(member, as_of, "full", rows)

    def incremental(self, member: str, as_of: date, *rows: Row) -> str:
        return self.send(member, as_of, "incremental", rows)

    def correction(self, member: str, as_of: date, *rows: Row) -> str:
        return self.send(member, as_of, "correction", rows)

    def confirm(self, number: int) -> str:
        state = actions.confirm(self.settings, self.ids[number]).state.name.lower()
        assert state == self.model.confirm(number)
        return state

    def withdraw(self, number: int) -> str:
        """The state afterwards, or the error's code."""
        expected = self.model.withdraw(number)
        try:
            state = actions.withdraw(self.settings, self.ids[number]).state.name.lower()
        except HuxinError as error:
            state = error.code
        assert state == expected
        return state

    def night(self, inbox: Path) -> list[Submission]:
        return run_night(self.settings, inbox).submissions

    def found(self, number: int) -> Submission:
        with connection(self.settings) as database:
            item = find(database, self.ids[number])
        assert item is not None
        return item

    @property
    def registry(self) -> Settings:
        return self.reading or self.settings

    # Compared -----------------------------------------------------------------------------------------

    def check(self) -> None:
        """Answers for everybody, current rows and the order of history: all as the model has them."""
        people = sorted(self.people)
        answers = dict(zip(people, counted(self.registry, people), strict=True))
        _same("answers", answers, {person: self.model.ask(person) for person in people})
        subjects = self._subjects(people)
        for table, expected in zip(("loan", "loan_history"), self._expected(), strict=True):
            _same(table, self._read(table, subjects), {name: rows for name, rows in expected.items() if rows})
        summed_up(self.registry)

    def _expected(self) -> tuple[dict[object, list[object]], dict[object, list[object]]]:
        current: dict[object, list[object]] = {}
        history: dict[object, list[object]] = {}
        for code, book in self.model.books.items():
            for (loan_no, person), key in book.keys.items():
                name = code, loan_no, person
                current[name] = [key.current.shown()] if key.current else []
                history[name] = [
                    version.shown() for version in sorted(key.history, key=lambda each: each.serial)
                ]
        return current, history

    def _read(self, table: str, subjects: dict[UUID, int]) -> dict[object, list[object]]:
        query = f"""SELECT m.code, l.loan_no, l.subject_id, {_SHOWN} FROM {table} l JOIN member m ON m.id = l.member_id
            ORDER BY 1, 2, 3, l.version"""
        found: dict[object, list[object]] = {}
        with connection(self.registry) as database:
            for code, loan_no, subject, *shown in database.execute(text(query)):
                found.setdefault((code, loan_no, subjects[subject]), []).append(worded(shown))
        return found

    def _subjects(self, people: list[int]) -> dict[UUID, int]:
        """Who is who: by the alias of each person's token."""
        tokenizer = Tokenizer(self.registry)
        types = np.full(len(people), 1, np.uint8)
        tokens = tokenizer.tokens(
            types, tokenizer.halves(types, pa.array([resident_id(person) for person in people]))
        )
        named = {UUID(bytes=token.tobytes()): person for token, person in zip(tokens, people, strict=True)}
        with connection(self.registry) as database:
            rows = database.execute(text("SELECT token, subject_id FROM alias")).all()
        assert len({subject for _, subject in rows}) == len(rows)
        return {subject: named[token] for token, subject in rows}


def _same(what: str, real: dict[Any, Any], model: dict[Any, Any]) -> None:
    """Both alike, or the difference told."""
    names = [name for name in {**real, **model} if real.get(name) != model.get(name)]
    told = [f"{name}: registry {real.get(name)}, model {model.get(name)}" for name in names]
    assert not told, "\n".join([what, *told])


def worded(shown: Sequence[object]) -> tuple[object, ...]:
    """A row of the registry in the model's words."""
    role, balance, status, since, as_of, ended_by, *rest = shown
    return (
        _LABELS["role"][int(str(role)) - 1],
        balance,
        _LABELS["status"][int(str(status)) - 1],
        since,
        as_of,
        _LABELS["ended_by"][int(str(ended_by)) - 1] if ended_by else "",
        *rest,
    )


def counted(settings: Settings, people: Sequence[int], member: str = "M0001") -> list[Counted]:
    """What the registry answers about people."""
    answers = ask(settings, member, [Question("resident_id", resident_id(person)) for person in people])
    return [_counted(answer.exposure) for answer in answers]


def _counted(exposure: Exposure | None) -> Counted:
    assert exposure is not None
    return Counted(**{name: getattr(exposure, name) for name in Counted.__dataclass_fields__})


def day(number: int) -> date:
    """The number-th day of the tests' week, 0 being 2026-05-28 and 3 today."""
    return date(2026, 5, 28) + timedelta(days=number)

"""The contract's semantics in plain Python, said a second time: what submissions leave in the registry.

No SQL, no Arrow, nothing of huxin: people are numbers, amounts are cents, time is (as-of date, sequence).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from datetime import date

PRIMARY, CO_BORROWER, GUARANTOR = "primary", "co_borrower", "guarantor"
STANDING = ("active", "overdue", "extended", "restructured")
REJECT_SHARE, VANISH_SHARE = 10, 20  # one row in ten, one open loan in twenty

Moment = tuple[date, int]


@dataclass(frozen=True)
class Row:
    """One row as it is sent. `broken` names what is wrong with it; a broken row is rejected, whatever else it says.

    A loan stays on the day that it was `disbursed` (the files' usual one where it is None).
    """

    loan_no: str
    person: int
    role: str = PRIMARY
    balance: int = 1_500_000
    status: str = "active"
    since: date | None = None
    delete: bool = False
    broken: str = ""
    disbursed: date | None = None

    @property
    def open(self) -> bool:
        return self.status in STANDING or (self.status == "written_off" and self.balance > 0)

    @property
    def said(self) -> tuple[object, ...]:
        return self.role, self.balance, self.status, self.since


@dataclass(frozen=True)
class Version:
    """One version of a party's loan: what was said, when, by which submission, and what the registry did to it."""

    row: Row
    as_of: date
    by: int
    ended_by: str = ""
    ended_on: date | None = None
    stale_as_of: date | None = None
    stale_by: int | None = None
    void_by: int | None = None
    serial: int = 0

    def shown(self) -> tuple[object, ...]:
        """What is compared with the registry's row."""
        return (
            *self.row.said,
            self.as_of,
            self.ended_by,
            self.ended_on,
            self.stale_as_of,
            self.void_by is not None,
        )


@dataclass
class Key:
    """One party of one loan at one member. `at`: the moment that last said or confirmed the current version."""

    current: Version | None = None
    at: Moment | None = None
    history: list[Version] = field(default_factory=list)
    serial: int = 0

    def unknown(self) -> bool:
        """Nothing is held but what was withdrawn."""
        return self.current is None or self.current.ended_by == "withdrawn"

    def next(self) -> int:
        """The number of the next version: the order in which they came about."""
        self.serial += 1
        return self.serial

    def stands(self) -> bool:
        return self.current is not None and not self.current.ended_by


@dataclass(frozen=True)
class Sent:
    """One submission."""

    number: int
    member: str
    as_of: date
    sequence: int
    mode: str
    rows: tuple[Row, ...]

    @property
    def moment(self) -> Moment:
        return self.as_of, self.sequence


@dataclass
class Book:
    """What one member has in the registry."""

    newest: Moment | None = None
    keys: dict[tuple[str, int], Key] = field(default_factory=dict)
    published: list[Sent] = field(default_factory=list)
    before: list[tuple[Moment | None, dict[tuple[str, int], Key]]] = field(default_factory=list)


@dataclass(frozen=True)
class Counted:
    """An answer."""

    known: bool = False
    lenders: int = 0
    open_loans: int = 0
    outstanding: int = 0
    max_dpd: int = 0
    guaranteed_loans: int = 0
    guaranteed_balance: int = 0


class Model:
    """All members' books. `today` is the day that files may not be later than."""

    def __init__(self, members: list[str], today: date) -> None:
        self.books = {code: Book() for code in members}
        self.today = today
        self.states: dict[int, str] = {}
        self.sent: dict[int, Sent] = {}

    # What members do ----------------------------------------------------------------------------------

    def send(self, sent: Sent, confirmed: bool = False) -> str:
        """The state that the submission ends in."""
        self.sent[sent.number] = sent
        self.states[sent.number] = self._send(sent, confirmed)
        return self.states[sent.number]

    def confirm(self, number: int) -> str:
        assert self.states[number] == "awaiting_confirmation"
        return self.send(self.sent[number], confirmed=True)

    def withdraw(self, number: int) -> str:
        """The state afterwards; "H0605" where a later submission of the member stands before it."""
        sent = self.sent[number]
        if self.states[number] == "published":
            if self.books[sent.member].published[-1].number != number:
                return "H0605"
            self._take_back(self.books[sent.member], number)
        self.states[number] = "withdrawn"
        return "withdrawn"

    # What anyone may ask ------------------------------------------------------------------------------

    def ask(self, person: int) -> Counted:
        """Counting, over all members."""
        held = [
            (code, loan_no, key.current, self._dpd(book, key.current))
            for code, book in self.books.items()
            for (loan_no, who), key in book.keys.items()
            if who == person and key.current is not None and key.current.void_by is None
        ]
        count = [item for item in held if not item[2].ended_by and item[2].row.open]
        owed = [item for item in count if item[2].row.role != GUARANTOR]
        backed = [item for item in count if item[2].row.role == GUARANTOR]
        return Counted(
            known=bool(held),
            lenders=len({code for code, *_ in owed}),
            open_loans=len(owed),
            outstanding=sum(version.row.balance for _, _, version, _ in owed),
            max_dpd=max((dpd for *_, dpd in owed), default=0),
            guaranteed_loans=len(backed),
            guaranteed_balance=sum(version.row.balance for _, _, version, _ in backed),
        )

    def _dpd(self, book: Book, version: Version) -> int:
        if version.row.since is None:
            return 0
        newest = max(version.as_of, book.newest[0]) if book.newest else version.as_of
        return ((version.stale_as_of or newest) - version.row.since).days

    # How a submission is judged -----------------------------------------------------------------------

    def _send(self, sent: Sent, confirmed: bool) -> str:
        book = self.books[sent.member]
        good, rejected = judged(sent)
        if sent.as_of > self.today or len(rejected) * REJECT_SHARE > len(sent.rows):
            return "refused"
        for other in book.published:
            if other.as_of == sent.as_of and (other.rows == sent.rows or other.sequence == sent.sequence):
                return "refused"
        if sent.mode != "correction" and book.newest and sent.moment < book.newest:
            return "refused"
        load = Load(book, sent, good, rejected)
        if sent.mode == "full" and not confirmed and load.too_many_vanish():
            return "awaiting_confirmation"
        book.before.append((book.newest, copy.deepcopy(book.keys)))
        load.apply()
        book.published.append(sent)
        if sent.mode != "correction" or (book.newest and sent.as_of == book.newest[0]):
            book.newest = max(book.newest or sent.moment, sent.moment)
        return "published"

    def _take_back(self, book: Book, number: int) -> None:
        """The versions before it return; what it wrote stays in history, void; what was new ends as withdrawn."""
        book.published.pop()
        book.newest, before = book.before.pop()
        for name, key in book.keys.items():
            old = before.get(name, Key())
            mine = key.current is not None and key.current.by == number
            current = key.current
            if mine and current is not None:
                key.history.append(replace(current, void_by=number))
            key.history = [taken_back(version, number) for version in key.history]
            if mine and old.current is not None:
                key.current, key.at = replace(old.current, serial=key.next()), old.at
            elif old.current is not None:
                key.current, key.at = old.current, old.at
            elif mine and current is not None:
                ended = {"ended_by": "withdrawn", "ended_on": current.as_of, "void_by": number}
                key.current = replace(current, stale_as_of=None, stale_by=None, serial=key.next(), **ended)


def taken_back(version: Version, number: int) -> Version:
    """A version of history once a submission is withdrawn: its own are void, what it called void is not."""
    if version.by == number:
        return replace(version, void_by=number)
    return replace(version, void_by=None) if version.void_by == number else version


def judged(sent: Sent) -> tuple[list[Row], list[Row]]:
    """Good and rejected rows: a broken one, all of a loan without a primary, a delete in a full file."""
    standing = [row for row in sent.rows if not row.delete]
    led = {row.loan_no for row in standing if row.role == PRIMARY and row.broken != "loan_no"}
    good = [
        row
        for row in sent.rows
        if not row.broken and not (row.delete and sent.mode == "full") and (row.delete or row.loan_no in led)
    ]
    return good, [row for row in sent.rows if row not in good]


class Load:
    """What one submission does to its member's book."""

    def __init__(self, book: Book, sent: Sent, good: list[Row], rejected: list[Row]) -> None:
        self.book = book
        self.sent = sent
        self.rows = {(row.loan_no, row.person): row for row in good if not row.delete}
        self.deletes = [(row.loan_no, row.person) for row in good if row.delete]
        self.hold = any(row.broken == "loan_no" for row in rejected)
        self.rejected = {row.loan_no for row in rejected if row.broken != "loan_no"}
        self.named = {loan_no for loan_no, _ in self.rows}
        self.old = {name: copy.deepcopy(key) for name, key in book.keys.items()}
        self.new_primary = {loan_no for (loan_no, _), row in self.rows.items() if row.role == PRIMARY}
        self.late_loans = {name[0] for name in self.rows if self.late(name)}

    def confirmed_at(self, key: Key) -> Moment | None:
        """The moment whose word the current version is: a standing one that is not stale is confirmed every day."""
        if key.stands() and key.current is not None and key.current.stale_as_of is None:
            return max(filter(None, (key.at, self.book.newest)))
        return key.at

    def late(self, name: tuple[str, int]) -> bool:
        """Whether this is an older correction of a party's loan, which enters history only."""
        if self.sent.mode != "correction":
            return False
        if name in self.old and not self.old[name].unknown():
            at = self.confirmed_at(self.old[name])
            return at is not None and self.sent.moment <= at
        row = self.rows.get(name)
        return row is not None and row.role == PRIMARY and self.other_primary_is_newer(name)

    def other_primary_is_newer(self, name: tuple[str, int]) -> bool:
        """Somebody else is this loan's primary by a newer word."""
        for (loan_no, person), key in self.old.items():
            if (
                loan_no == name[0]
                and person != name[1]
                and (loan_no, person) not in self.rows
                and key.stands()
            ):
                assert key.current is not None
                at = self.confirmed_at(key)
                if key.current.row.role == PRIMARY and at is not None and self.sent.moment <= at:
                    return True
        return False

    def absent(self) -> list[tuple[str, int]]:
        """Standing parties that no good row names."""
        return [
            name
            for name, key in self.old.items()
            if key.stands() and name not in self.rows and name not in self.deletes
        ]

    def deleted(self) -> set[tuple[str, int]]:
        """Who ends by a delete row: that party, and with the primary every party that the file does not name."""
        ended = set()
        for name in self.deletes:
            if name not in self.old or self.old[name].current is None or self.late(name):
                continue
            own = self.old[name].current
            ended |= {
                other
                for other, key in self.old.items()
                if other[0] == name[0]
                and key.stands()
                and other not in self.rows
                and not self.late(other)
                and (other == name or (own is not None and not own.ended_by and own.row.role == PRIMARY))
            }
        return ended

    def endings(self) -> dict[tuple[str, int], str]:
        """Who ends and why."""
        ended = dict.fromkeys(self.deleted(), "deleted")
        if self.hold:
            return ended
        for name in self.absent():
            current = self.old[name].current
            assert current is not None
            if name in ended or name[0] in self.rejected or name[0] in self.late_loans or self.late(name):
                continue
            if name[0] in self.named:
                corrected = current.row.role == PRIMARY and name[0] in self.new_primary
                ended[name] = "corrected" if corrected else "not_reported"
            elif self.sent.mode == "full" and current.row.open:
                ended[name] = "not_reported"
        return ended

    def stale(self) -> set[tuple[str, int]]:
        """Who stays although nothing good was said: a row of its loan was rejected, or might be one of its loan."""
        ended = self.endings()
        found = set()
        for name in self.absent():
            current = self.old[name].current
            assert current is not None
            missing = name[0] in self.named or (self.sent.mode == "full" and current.row.open)
            if (
                name not in ended
                and not self.late(name)
                and (name[0] in self.rejected or (self.hold and missing))
            ):
                found.add(name)
        return found

    def too_many_vanish(self) -> bool:
        """W4003 above the policy's share."""
        standing = [(name, key.current) for name, key in self.old.items() if key.stands()]
        book = {
            name[0]
            for name, current in standing
            if current and current.row.open and current.row.role == PRIMARY
        }
        gone = {
            name[0]
            for name, why in self.endings().items()
            if why == "not_reported" and name[0] not in self.named
        }
        return len(gone) * VANISH_SHARE > len(book)

    def apply(self) -> None:
        endings, stale = self.endings(), self.stale()
        for name in stale:
            self._mark(name)
        for name, why in endings.items():
            self._end(name, why)
        for name, row in self.rows.items():
            self._bring(name, row)

    def _mark(self, name: tuple[str, int]) -> None:
        key = self.book.keys[name]
        assert key.current is not None
        if key.current.stale_as_of is None:
            at = self.confirmed_at(key)
            assert at is not None
            key.current = replace(key.current, stale_as_of=at[0], stale_by=self.sent.number)
            key.at = at

    def _end(self, name: tuple[str, int], why: str) -> None:
        key = self.book.keys[name]
        assert key.current is not None
        void = self.sent.number if why == "corrected" else None
        old = key.current
        key.history.append(old)
        key.current = replace(
            old,
            by=self.sent.number,
            ended_by=why,
            ended_on=self.sent.as_of,
            void_by=void or old.void_by,
            serial=key.next(),
        )
        key.at = self.sent.moment
        if void:
            key.history = [replace(version, void_by=version.void_by or void) for version in key.history]

    def _bring(self, name: tuple[str, int], row: Row) -> None:
        key = self.book.keys.setdefault(name, Key())
        behind = self.sent.mode == "correction" and self.book.newest and self.sent.as_of < self.book.newest[0]
        stale = {"stale_as_of": self.sent.as_of, "stale_by": self.sent.number} if behind else {}
        version = Version(row, self.sent.as_of, self.sent.number, **stale)
        if self.late(name):
            version = replace(version, serial=key.next())
            usurped = name not in self.old or self.old[name].unknown()
            key.history.append(replace(version, void_by=self.sent.number if usurped else None))
            return
        current = key.current
        if current and key.stands() and current.stale_as_of is None and current.row.said == row.said:
            return
        if current:
            key.history.append(current)
        key.current, key.at = replace(version, serial=key.next()), self.sent.moment

"""The scenario of the fault tests: two nights of three members, and what is asked for after them.

Good rows and rejected ones, by row and by set; guarantors; a full, an incremental and a correction of one member in
one night; endings, a corrected primary, a file refused for its totals, one of somebody unknown, one that must wait.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from support.rows import loan, overdue, resident_id, settled, write_submission

FIRST, SECOND = date(2026, 5, 30), date(2026, 5, 31)
MEMBERS = ("M0001", "M0002", "M0003")
LATECOMER = "M0004"

Rows = list[dict[str, str]]


def first_night(inbox: Path) -> None:
    """Books of three members, and of a fourth whom nobody knows yet."""
    write_submission(inbox, "M0001", [*_book("M0001", 1, 31), *_faulty("M0001")], FIRST)
    write_submission(inbox, "M0002", [*_book("M0002", 11, 41), *_disagreeing("M0002")], FIRST, headers="zh")
    write_submission(inbox, "M0003", _book("M0003", 21, 33), FIRST, file_name="book.csv.gz")
    write_submission(inbox, LATECOMER, _book(LATECOMER, 5, 9), FIRST)


def second_night(inbox: Path) -> None:
    """Changes, endings and rejected rows; three submissions of one member; one that leaves out too many loans."""
    write_submission(inbox, "M0001", _changed("M0001"), SECOND)
    wrong = {"record_count": 99}
    write_submission(
        inbox, "M0001", _book("M0001", 1, 5), SECOND, 2, file_name="w.csv", manifest_changes=wrong
    )
    gone = {**loan("M0002", 12), "action": "delete"}
    late = overdue(loan("M0002", 14), 40, SECOND)
    write_submission(inbox, "M0002", [gone, late, loan("M0002", 91)], SECOND, 1, "incremental")
    write_submission(inbox, "M0002", [settled(loan("M0002", 15), FIRST)], FIRST, 2, "correction")
    bad = {**loan("M0002", 17), "balance": "many"}
    more = [loan("M0002", 16, balance="1.00"), *(loan("M0002", n) for n in range(92, 102))]
    write_submission(inbox, "M0002", [*more, bad], SECOND, 2, "incremental")
    write_submission(inbox, "M0003", _book("M0003", 24, 33), SECOND, file_name="book.csv.gz")


def _book(member: str, first: int, end: int) -> Rows:
    """Loans of persons `first` to `end` less one; every fifth has a guarantor, whom others lend to."""
    rows = []
    for n in range(first, end):
        row = loan(member, n)
        rows.append(overdue(row, n, FIRST) if n % 7 == 0 else row)
        if n % 5 == 0:
            rows.append(_party(rows[-1], n + 3, "guarantor"))
    return rows


def _party(row: dict[str, str], n: int, role: str) -> dict[str, str]:
    other = loan("X", n)
    return {**row, "role": role, **{name: other[name] for name in ("id_no", "name", "mobile")}}


def _faulty(member: str) -> Rows:
    number = resident_id(71)
    return [
        loan(member, 71, id_no=number[:-1] + ("1" if number[-1] != "1" else "2")),
        loan(member, 72, balance="many"),
        loan(member, 1),  # the party again
    ]


def _disagreeing(member: str) -> Rows:
    row = loan(member, 73)
    return [row, {**_party(row, 74, "co_borrower"), "balance": "1.00"}]


def _changed(member: str) -> Rows:
    rows = _book(member, 1, 30)  # number 30 is not reported any more
    rows[1]["balance"] = "12000.00"
    rows[2] = settled(rows[2], SECOND)
    rows[3] = _party(rows[3], 75, "primary")  # another person than yesterday
    rows[8]["balance"] = "many"
    aged = [overdue(row, int(row["dpd"]) + 1, SECOND) if row["dpd"] != "0" else row for row in rows]
    return [*aged, loan(member, 76), loan(member, 77, consent_no="")]

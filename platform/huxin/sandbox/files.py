"""The members' files of the sandbox's night, in the contract's own form: CSV with a manifest beside it."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from huxin.contract import load_contract
from huxin.enquiry.subject_keys import Person
from huxin.sandbox.people import invented
from huxin.sandbox.subjects import Sandbox, SandboxLoan
from huxin_checks.manifest import SUFFIX, Manifest, manifest_json

TERM_DAYS = 365
_ENDED = ("settled", "written_off", "transferred", "revoked")
# Everybody who reports has a book: one loan of an invented person, whose number begins here.
_BOOK, _GUARANTEED = 900, 500
Row = dict[str, str]


def write_inbox(data: Sandbox, inbox: Path, as_of: date) -> None:
    """One file and manifest for each member that reports."""
    for place, member in enumerate(data.everybody):
        if not member.reports:
            continue
        rows = [*rows_of(data, member.code, as_of), *_own_book(member.code, place, as_of)]
        folder = inbox / member.code
        folder.mkdir(parents=True)
        content = _csv(rows)
        file = folder / f"loans_{as_of:%Y%m%d}.csv"
        file.write_bytes(content)
        manifest = _manifest(member.code, as_of, rows, content)
        (folder / (file.name + SUFFIX)).write_bytes(manifest_json(manifest))


def rows_of(data: Sandbox, member: str, as_of: date) -> Iterator[Row]:
    """The rows that a member reports of the test subjects."""
    guaranteed = _GUARANTEED
    for subject in data.subjects:
        for number, loan in enumerate(subject.loans, 1):
            guaranteed += 1
            if loan.lender != member:
                continue
            terms = _terms(f"SB-{subject.key}-{number}", loan, as_of)
            yield terms | _party(subject.person, loan.role, loan, as_of)
            if loan.role != "primary":
                yield terms | _party(invented(guaranteed), "primary", loan, as_of)


def _own_book(member: str, place: int, as_of: date) -> Iterator[Row]:
    loan = SandboxLoan(member, 10_000, 5_000, 60)
    yield _terms(f"SB-book-{member}", loan, as_of) | _party(invented(_BOOK + place), "primary", loan, as_of)


def _terms(loan_no: str, loan: SandboxLoan, as_of: date) -> Row:
    """What every party's row of a loan says alike."""
    opened = as_of - timedelta(loan.opened)
    status = loan.status or ("overdue" if loan.dpd else "active")
    going = status not in _ENDED
    return {
        "loan_no": loan_no,
        "contract_no": f"HT-{loan_no}",
        "product": loan.product,
        "guarantee": "credit" if loan.role == "primary" else "guaranteed",
        "currency": "CNY",
        "principal": f"{loan.principal}.00",
        "balance": f"{loan.balance}.00",
        "annual_rate": "12.00",
        "disbursed_on": opened.isoformat(),
        "due_on": (opened + timedelta(TERM_DAYS)).isoformat(),
        "closed_on": "" if loan.closed is None else (as_of - timedelta(loan.closed)).isoformat(),
        "repayment_method": "equal_installment",
        "terms": "12",
        "terms_left": "6" if going else "0",
        "next_due_on": (as_of + timedelta(15)).isoformat() if going else "",
        "next_due_amount": f"{loan.principal // 10}.00" if going else "",
        "overdue_amount": f"{min(loan.balance, 1_000)}.00" if loan.dpd else "0.00",
        "overdue_since": (as_of - timedelta(loan.dpd)).isoformat() if loan.dpd else "",
        "dpd": str(loan.dpd),
        "max_dpd": str(loan.dpd),
        "class5": loan.class5,
        "status": status,
        "special_event": loan.special_event,
        "hardship": loan.hardship,
    }


def _party(person: Person, role: str, loan: SandboxLoan, as_of: date) -> Row:
    return {
        "id_type": person.id_type,
        "id_no": person.id_no,
        "id_country": person.id_country or "",
        "name": person.name or "",
        "mobile": person.mobile or "",
        "role": role,
        "borrower_kind": "company" if person.id_type == "uscc" else "individual",
        "consent_no": "SQ-SANDBOX",
        "consent_until": (as_of + timedelta(TERM_DAYS)).isoformat(),
        "adverse_notice_on": (as_of - timedelta(loan.dpd)).isoformat() if loan.dpd else "",
        "action": "upsert",
    }


def _csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in load_contract().fields], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _manifest(member: str, as_of: date, rows: list[Row], content: bytes) -> Manifest:
    sums = {name: sum(round(float(row[name]) * 100) for row in rows) for name in ("principal", "balance")}
    return Manifest(
        contract="loan/v1",
        member=member,
        as_of_date=as_of,
        sequence=1,
        mode="full",
        record_count=len(rows),
        sum_principal=sums["principal"],
        sum_balance=sums["balance"],
        sha256=hashlib.sha256(content).hexdigest(),
    )

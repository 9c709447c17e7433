"""A clerk of one member at its pages: real questions with real answers, and a page full of them on its list."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text
from werkzeug.test import Client

from huxin.contract import load_contract
from huxin.enquiry.desk import Desk
from huxin.enquiry.sealing import ANSWER, FACTS, opened, sealed
from huxin.registry.session import connection
from huxin.settings import Settings

_PERSON: Final = "11010519491231002X"  # the example of GB 11643
_FORM: Final = {
    "id_type": "resident_id",
    "id_no": _PERSON,
    "name": "张三",
    "purpose": "application",
    "product": "consumer",
    "amount": "20000",
    "consent_no": "SQ-1",
    "consent_until": "2027-12-31",
    "reference": "case-1",
}
# Loans of the person who is asked about: three lenders, arrears in the months before.
_LOANS: Final = text("""
    INSERT INTO loan (subject_id, member_id, loan_no, submission_id, recorded_at, as_of_date, version, digest,
        principal, balance, overdue_amount, disbursed_on, due_on, overdue_since, role, borrower_kind, product,
        guarantee, repayment_method, class5, status, currency)
    SELECT :subject, n, 'B' || n, '00000000-0000-7000-8000-000000000000', :at, DATE '2026-05-30', 4, n,
        2000000, 1500000, 50000, '2025-01-01', '2027-01-01', '2026-05-01', 1, 1, 1 + n % 3, 1, 1, 2, 2, 'CNY'
    FROM generate_series(11, 13) n
""")
_ARREARS: Final = text("""
    INSERT INTO loan_adverse (subject_id, member_id, loan_no, version, since, until, dpd, overdue_amount)
    SELECT :subject, n, 'B' || n, v, DATE '2025-01-10' + v * 90, DATE '2025-02-10' + v * 90, 31, 50000
    FROM generate_series(11, 13) n, generate_series(1, 3) v
""")


def ask(settings: Settings, client: Client, token: str) -> UUID:
    """Asks about a person with loans as the form does, and lets the member's other answers read as this one."""
    _asked(client, token, "bench-key-1")
    with connection(settings) as database:
        subject = database.execute(
            text("SELECT subject_id FROM enquiry ORDER BY id DESC LIMIT 1")
        ).scalar_one()
        lend(database, subject, settings.now())
    id_ = UUID(_asked(client, token, "bench-key-2").rsplit("/", 1)[1])
    _read_alike(settings, id_)
    return id_


def lend(database: Connection, subject: UUID, at: datetime) -> None:
    """Gives a subject three lenders, with arrears now and in months before."""
    for statement in (_LOANS, _ARREARS):
        database.execute(statement, {"subject": subject, "at": at})


def upload(client: Client, token: str) -> str:
    """A file that has been sent and counted; the address of its page."""
    names = [field.name for field in load_contract().fields]
    cells = {"loan_no": "L1", "principal": "20000.00", "balance": "15000.00"}
    content = (",".join(names) + "\n" + ",".join(cells.get(name, "") for name in names) + "\n").encode()
    begun = client.post("/my/uploads", data={"csrf": token, "name": "a.csv", "size": str(len(content))})
    number: Any = begun.json
    headers = {"X-CSRF-Token": token}
    client.post(f"/my/uploads/{number['id']}/parts/0", data=content, headers=headers)
    told = client.post(f"/my/uploads/{number['id']}/finish", headers=headers)
    if told.status_code != 200:
        raise RuntimeError(told.text)
    found: Any = told.json
    return str(found["next"])


def _asked(client: Client, token: str, key: str) -> str:
    told = client.post("/my/ask", data={**_FORM, "csrf": token, "key": key})
    if told.status_code != 303:
        said = re.sub(r"<[^>]*>|\s+", " ", told.text)
        raise RuntimeError(f"{told.status_code}: {said[-400:]}")
    return told.headers["Location"]


def _read_alike(settings: Settings, id_: UUID) -> None:
    desk = Desk(settings)
    keys, seal_key = desk.keys.seal_keys, desk.keys.seal_key
    with connection(settings) as database:
        query = "SELECT member_id, facts, answer FROM enquiry WHERE id = :id"
        member, facts, answer = database.execute(text(query), {"id": id_}).one()
        told, kept = opened(keys, ANSWER, id_, bytes(answer)), opened(keys, FACTS, id_, bytes(facts))
        others = database.execute(
            text("SELECT subject_id, id FROM enquiry WHERE member_id = :member AND id <> :id"),
            {"member": member, "id": id_},
        ).all()
        for subject, other in others:
            values = {
                "subject": subject,
                "id": other,
                "answer": sealed(seal_key, ANSWER, other, told),
                "facts": sealed(seal_key, FACTS, other, kept),
            }
            database.execute(
                text(
                    "UPDATE enquiry SET answer = :answer, facts = :facts WHERE subject_id = :subject AND id = :id"
                ),
                values,
            )
    desk.close()

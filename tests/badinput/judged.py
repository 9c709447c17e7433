"""Validation of one whole submission after another in a real registry, and what must agree whatever the file was."""

from __future__ import annotations

import io
import os
from datetime import date
from uuid import UUID

import polars as pl

from huxin.contract import State, load_contract
from huxin.ids import new_id
from huxin.nightly import spool
from huxin.nightly.spool import Spool
from huxin.nightly.validate.step import validate_group
from huxin.registry.findings import list_findings
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, add, find
from huxin.settings import Settings
from huxin_checks.cells import parse
from huxin_checks.finding import Finding
from huxin_checks.read import FileRefused, open_rows

CONTRACT = load_contract()
REFUSALS = ("F0002", "F0003", "F0004", "F0008")


def validated(settings: Settings, data: bytes, name: str = "loans.csv") -> tuple[Submission, list[Finding]]:
    """The submission of a file, whose manifest tells the truth about its rows, after the validate step."""
    item = _submission(settings, name, *totals(data))
    vault = Spool(settings)
    vault.create(item.id)
    with vault.writer(item.id, spool.SOURCE) as sealed:
        sealed.write(data)
    with connection(settings) as database:
        add(database, [item])
    validate_group(settings, [item.id])
    with connection(settings) as database:
        after, found = find(database, item.id), list_findings(database, item.id)
    assert after is not None
    _agree(vault, after, found)
    vault.forget(item.id)
    return after, found


def totals(data: bytes) -> tuple[int, int, int]:
    """Rows and sums (cents) of a file up to where it can be read."""
    rows = principal = balance = 0
    extra = {"_as_of": pl.lit(date(2026, 5, 31)), "_mode": pl.lit(1, pl.UInt8), "_sub": pl.lit(0, pl.UInt32)}
    try:
        with open_rows(io.BytesIO(data), "loans.csv", CONTRACT) as frames:
            for raw in frames:
                sums = parse(raw.with_columns(**extra), CONTRACT).select(
                    pl.col("principal", "balance").cast(pl.Int128).sum()
                )
                rows, principal, balance = (
                    rows + raw.height,
                    principal + sums.row(0)[0],
                    balance + sums.row(0)[1],
                )
    except FileRefused:
        pass
    return rows, principal, balance


def _agree(vault: Spool, item: Submission, found: list[Finding]) -> None:
    """An end of the step, counts that agree, findings at rows that exist, each good row sealed in one place."""
    assert item.state in (State.VALIDATED, State.REFUSED)
    assert item.rows is not None
    assert item.accepted is not None
    assert item.rejected is not None
    assert item.accepted + item.rejected == item.rows
    known = {check.code: check.severity for check in CONTRACT.checks}
    for each in found:
        assert 1 <= each.record <= item.rows
        assert each.line is not None
        assert each.line > 0
        assert len(each.masked or "") <= 33
    rejected = {each.record for each in found if known[each.code] == "reject"}
    if item.state == State.REFUSED:
        assert item.facts["code"] in REFUSALS
        assert item.accepted == 0
        assert not vault.holds(item.id, spool.ROWS)
        return
    assert item.rejected == len(rejected)
    good = _records(vault, item.id, spool.ROWS) - _records(vault, item.id, spool.DROPPED)
    assert good == set(range(1, item.rows + 1)) - rejected
    held = _records(vault, item.id, spool.QUARANTINE) | _records(vault, item.id, spool.QUARANTINE_SET)
    assert held >= rejected


def _records(vault: Spool, submission_id: UUID, stage: str) -> set[int]:
    frame = vault.read_frame(submission_id, stage)
    return set() if frame is None else set(frame["_record"].to_list())


def _submission(settings: Settings, name: str, rows: int, principal: int, balance: int) -> Submission:
    return Submission(
        member_id=1,
        id=new_id(),
        state=State.RECEIVED,
        sender="M0001",
        file=name,
        data_digest=os.urandom(32),
        manifest_digest=os.urandom(32),
        received_at=settings.now(),
        changed_at=settings.now(),
        contract="loan/v1",
        as_of_date=date(2026, 5, 31),
        sequence=1,
        mode=1,
        record_count=rows,
        facts={"size": 0, "sum_principal": str(principal), "sum_balance": str(balance)},
    )

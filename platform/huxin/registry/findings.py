"""Findings and quarantine of a submission. What stands here is masked: no identifier can be read from it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from huxin.registry.tables import finding, quarantine
from huxin_checks.finding import Finding

_COPY = "COPY finding (member_id, submission_id, record, code, field, line, masked) FROM STDIN"


def replace_findings(connection: Connection, owners: Iterable[tuple[int, UUID, Iterable[Finding]]]) -> None:
    """Writes the findings of (member_id, submission_id) in place of whatever an earlier attempt left."""
    held = [(member_id, submission_id, list(found)) for member_id, submission_id, found in owners]
    connection.execute(delete(finding).where(finding.c.submission_id.in_([item[1] for item in held])))
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        for member_id, submission_id, found in held:
            for item in found:
                row = (member_id, submission_id, item.record, item.code, item.field, item.line, item.masked)
                copy.write_row(row)


def add_findings(
    connection: Connection, member_id: int, submission_id: UUID, found: Iterable[Finding]
) -> None:
    """Adds findings made after validation (load's own); a repeated one is left as it is."""
    rows = [{"member_id": member_id, "submission_id": submission_id, **vars(item)} for item in found]
    if rows:
        connection.execute(upsert(finding).on_conflict_do_nothing(), rows)


def list_findings(connection: Connection, submission_id: UUID) -> list[Finding]:
    """A submission's findings by record and code."""
    f = finding.c
    query = select(f.record, f.code, f.field, f.line, f.masked).where(f.submission_id == submission_id)
    return [Finding(*row) for row in connection.execute(query.order_by(f.record, f.code, f.field))]


def top_codes(connection: Connection, submission_id: UUID, most: int = 5) -> list[tuple[str, int]]:
    """The most frequent codes of a submission."""
    query = text(
        "SELECT code, count(*) FROM finding WHERE submission_id = :id GROUP BY code ORDER BY 2 DESC, 1 LIMIT :most"
    )
    return [(row[0], row[1]) for row in connection.execute(query, {"id": submission_id, "most": most})]


def note_quarantine(connection: Connection, rows: list[tuple[int, UUID, int, str]], now: datetime) -> None:
    """Records where the rejected rows of submissions lie sealed: (member_id, submission_id, rows, file)."""
    if not rows:
        return
    names = ("member_id", "submission_id", "rows", "file")
    values = [dict(zip(names, row, strict=True)) | {"sealed_at": now} for row in rows]
    statement = upsert(quarantine)
    statement = statement.on_conflict_do_update(
        index_elements=["member_id", "submission_id"],
        set_={"rows": statement.excluded.rows, "file": statement.excluded.file, "forgotten_at": None},
    )
    connection.execute(statement, values)

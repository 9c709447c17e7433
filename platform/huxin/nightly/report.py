"""The report step: findings with their texts, and the member's own rejected rows with what is wrong beside them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from huxin.contract import LOANS, Contract, State, load_contract
from huxin.nightly import spool
from huxin.nightly.spool import Spool
from huxin.registry.findings import list_findings
from huxin.registry.session import connection
from huxin.registry.submissions import Submission
from huxin.settings import Settings
from huxin_checks.read import rows_at
from huxin_checks.telling import Told, told, told_refused

ANNOTATIONS = ("record", "source_line", "finding_codes", "finding_texts", "finding_hints")
# Full-width signs too: spreadsheets of East Asia run them.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LONGEST_CELL = 32_767  # characters; a longer one would be left out of a spreadsheet without a word


def told_findings(settings: Settings, item: Submission) -> list[Told]:
    """The findings of a submission in the settings' language; a refused file's own code comes first."""
    with connection(settings) as database:
        found = list_findings(database, item.id)
    return [*told_refusal(item, settings.language), *told(found, settings.language)]


def told_refusal(item: Submission, language: str) -> list[Told]:
    """The check that refused the whole file with its cause in words, as a list of one; empty when none did."""
    if item.state != State.REFUSED or not item.facts.get("code"):
        return []
    return [told_refused(item.facts, language)]


def findings_json(found: list[Told]) -> str:
    """The findings as a JSON list of objects."""
    return json.dumps([vars(each) for each in found], ensure_ascii=False, indent=1)


def rejected_rows(settings: Settings, item: Submission, found: list[Told]) -> pl.DataFrame:
    """The member's original rejected rows, each with its findings beside it, in the order of the file.

    With them, without a code, the good rows of the same loans: a loan is sent with all its parties, so that the
    file as it is, mended, ends nobody.

    Columns: ANNOTATIONS, then the contract's fields that the rows have, lack or must have. Empty when the rows
    were forgotten.
    """
    raw = _raw_rows(settings, item, found)
    if raw is None:
        return pl.DataFrame(schema=dict.fromkeys(ANNOTATIONS, pl.String))
    notes = _notes(found)
    # Sorted at last: a join promises no order.
    merged = raw.join(notes, left_on="_record", right_on="_key", how="left").sort("_record")
    named = merged.rename({"_record": "record", "_line": "source_line"})
    wrong = {each.field for each in found}
    fields = [
        field.name
        for field in load_contract().fields
        # An empty column is there to be filled where something is wrong with it or a file must have it.
        if field.required_column or field.name in wrong or named[field.name].is_not_null().any()
    ]
    return named.select(pl.col(*ANNOTATIONS).cast(pl.String), *fields)


def findings_csv(rows: pl.DataFrame) -> str:
    """Rejected rows as CSV with Chinese headers; a cell that a spreadsheet would run is led by an apostrophe."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(_headers(rows))
    writer.writerows([_inert(cell) for cell in row] for row in rows.iter_rows())
    return "\ufeff" + target.getvalue()


def findings_xlsx(rows: pl.DataFrame, found: list[Told], target: Path | BinaryIO) -> None:
    """Rejected rows on one sheet (every cell text, so nothing is run or rounded), all findings on another.

    It is put together in memory: no part of it is left in the temporary folder, whatever becomes of this process.
    """
    import xlsxwriter  # only whoever asks for a spreadsheet waits for it

    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with xlsxwriter.Workbook(str(target) if isinstance(target, Path) else target, options) as book:
        text = book.add_format({"num_format": "@"})
        _sheet(book.add_worksheet("待修改 to mend"), _headers(rows), rows.rows(), text)
        columns = list(Told.__dataclass_fields__)
        values = [tuple(vars(each).values()) for each in found]
        _sheet(book.add_worksheet("错误清单 findings"), columns, values, text)


def _sheet(sheet: object, headers: list[str], rows: list[tuple[object, ...]], text: object) -> None:
    for place, header in enumerate(headers):
        sheet.write_string(0, place, header)  # type: ignore[attr-defined]  # xlsxwriter has no types
    for number, row in enumerate(rows, 1):
        for place, cell in enumerate(row):
            if cell is not None:
                sheet.write_string(number, place, str(cell)[:_LONGEST_CELL], text)  # type: ignore[attr-defined]  # as above
    sheet.freeze_panes(1, 0)  # type: ignore[attr-defined]  # as above


def _headers(rows: pl.DataFrame) -> list[str]:
    contract = load_contract()
    annotations = {"record": "记录号", "source_line": "原始行号", "finding_codes": "错误代码"}
    annotations |= {"finding_texts": "错误说明", "finding_hints": "修改提示"}
    return [annotations.get(name) or contract.field(name).zh for name in rows.columns]


def _inert(cell: str | None) -> str:
    return f"'{cell}" if cell and cell.startswith(_FORMULA) else cell or ""


def _raw_rows(settings: Settings, item: Submission, found: list[Told]) -> pl.DataFrame | None:
    """Out of quarantine; of a refused file, out of its sealed source."""
    vault = Spool(settings)
    if item.state == State.REFUSED and vault.holds(item.id, spool.SOURCE):
        records = np.array(
            sorted({f.record for f in found if f.record and f.severity == "reject"}), np.uint32
        )
        if not records.size:
            return None
        with vault.reader(item.id, spool.SOURCE) as source:
            return rows_at(source, item.file, load_contract(item.contract or LOANS), records)
    parts = [frame for stage in spool.HELD if (frame := vault.read_frame(item.id, stage)) is not None]
    return pl.concat(parts, how="diagonal_relaxed").unique("_record") if parts else None


def _notes(found: list[Told]) -> pl.DataFrame:
    """Per record: codes, texts (with the field's name) and hints, each joined to one cell."""
    notes: dict[int, list[Told]] = {}
    for each in found:
        if each.record:
            notes.setdefault(each.record, []).append(each)
    contract = load_contract()
    return pl.DataFrame(
        {
            "_key": list(notes),
            "finding_codes": [" ".join(dict.fromkeys(t.code for t in told)) for told in notes.values()],
            "finding_texts": ["；".join(_worded(t, contract) for t in told) for told in notes.values()],
            "finding_hints": ["；".join(dict.fromkeys(t.hint for t in told)) for told in notes.values()],
        },
        schema_overrides={"_key": pl.UInt32},
    )


def _worded(told: Told, contract: Contract) -> str:
    name = contract.field(told.field).zh if told.field else ""
    return f"{name}：{told.text}" if name else told.text

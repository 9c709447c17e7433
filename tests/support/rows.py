"""Builders of test data: valid identifiers, loan/v1 rows, submissions (data file and manifest) in an inbox.

Everything is deterministic in `n`; the people are invented.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

import polars as pl
import xlsxwriter

from huxin.contract import load_contract

AS_OF = date(2026, 5, 31)

_GOOD = {
    "loan_no": "M0001-L000001",
    "contract_no": "HT000001",
    "id_type": "resident_id",
    "id_no": "",
    "id_country": "",
    "name": "",
    "mobile": "",
    "role": "primary",
    "borrower_kind": "individual",
    "region": "110105",
    "product": "consumer",
    "purpose": "home_improvement",
    "guarantee": "credit",
    "currency": "CNY",
    "principal": "20000.00",
    "balance": "15000.00",
    "annual_rate": "10.9",
    "disbursed_on": "2026-01-15",
    "due_on": "2029-01-15",
    "closed_on": "",
    "repayment_method": "equal_installment",
    "terms": "36",
    "terms_left": "32",
    "next_due_on": "2026-06-28",
    "next_due_amount": "653.84",
    "overdue_amount": "0.00",
    "overdue_since": "",
    "dpd": "0",
    "max_dpd": "0",
    "class5": "normal",
    "status": "active",
    "special_event": "none",
    "hardship": "none",
    "consent_no": "SQ000001",
    "consent_until": "2028-12-31",
    "adverse_notice_on": "",
    "action": "upsert",
}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玲建国红玉兰"


def resident_id(n: int) -> str:
    """The n-th resident number: valid check digit (X among them), birth dates from 1960; n < 13,000,000."""
    born = date(1960, 1, 1) + timedelta(days=n % 14_000)
    body = f"110105{born:%Y%m%d}{n // 14_000 + 1:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def uscc(n: int) -> str:
    """The n-th unified social credit code of a company, with its GB 32100 check character; n < 10**8."""
    body = f"91110105{n:08d}M"
    total = sum(_USCC_ALPHABET.index(char) * 3**place % 31 for place, char in enumerate(body))
    return body + _USCC_ALPHABET[-total % 31]


def name(n: int) -> str:
    """The n-th person's name, two or three characters."""
    first, rest = n % len(_SURNAMES), n // len(_SURNAMES)
    one, two = rest % len(_GIVEN), rest // len(_GIVEN) % (len(_GIVEN) + 1)
    return _SURNAMES[first] + _GIVEN[one] + (_GIVEN[two - 1] if two else "")


def mobile(n: int) -> str:
    """The n-th mobile number; n < 10**8."""
    return f"138{n:08d}"


def good_row(**changes: str) -> dict[str, str]:
    """One loan of person 1 that passes every check on any as-of date from 2026-01-15 to 2028-12-31.

    Keys: every field of loan/v1 in the contract's order, machine names and labels. `changes` replaces cells.
    """
    people = {"id_no": resident_id(1), "name": name(1), "mobile": mobile(1)}
    return _changed({**_GOOD, **people}, changes)


def loan(member: str, n: int, **changes: str) -> dict[str, str]:
    """Loan n of `member`, lent to person n: the same n at two members is one subject with two lenders."""
    row = good_row(
        loan_no=f"{member}-L{n:06d}",
        contract_no=f"HT{n:06d}",
        id_no=resident_id(n),
        name=name(n),
        mobile=mobile(n),
        consent_no=f"SQ{member}{n:06d}",
    )
    return _changed(row, changes)


def overdue(row: Mapping[str, str], days: int, as_of: date = AS_OF) -> dict[str, str]:
    """The same loan `days` past due on `as_of`, each cell that hangs on it in agreement."""
    since = as_of - timedelta(days=days)
    classes = ((360, "loss"), (270, "doubtful"), (90, "substandard"), (0, "special_mention"))
    cells = {
        "overdue_amount": "653.84",
        "overdue_since": since.isoformat(),
        "dpd": str(days),
        "max_dpd": str(days),
        "class5": next(label for floor, label in classes if days > floor),
        "status": "overdue",
        "adverse_notice_on": min(since + timedelta(days=3), as_of).isoformat(),
    }
    return {**row, **cells}


def settled(row: Mapping[str, str], on: date = AS_OF) -> dict[str, str]:
    """The same loan paid back on the day `on`."""
    empty = {"next_due_on": "", "next_due_amount": ""}
    return {
        **row,
        **empty,
        "balance": "0.00",
        "terms_left": "0",
        "closed_on": on.isoformat(),
        "status": "settled",
    }


def write_submission(
    inbox: Path,
    member: str,
    rows: Sequence[Mapping[str, str]],
    as_of: date = AS_OF,
    sequence: int = 1,
    mode: str = "full",
    *,
    file_name: str | None = None,
    encoding: str = "utf-8",
    delimiter: str = ",",
    headers: Literal["zh", "machine"] = "machine",
    manifest_changes: Mapping[str, object] | None = None,
) -> Path:
    """Writes `<inbox>/<member>/<file_name>` and the manifest beside it; gives the data file's path.

    The ending of `file_name` chooses the format: .csv, .txt, .csv.gz, .xlsx or .parquet (`encoding` and
    `delimiter` are for text). Columns are the first row's keys. `headers="zh"` writes Chinese headers and
    enum labels. The manifest tells the truth about the file except where `manifest_changes` lies.
    """
    folder = inbox / member
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (file_name or f"loans_{as_of:%Y%m%d}_{sequence}.csv")
    table = _table(rows, headers)
    if path.suffix == ".xlsx":
        _write_xlsx(path, table)
    elif path.suffix == ".parquet":
        _write_parquet(path, table)
    else:
        _write_text(path, table, encoding, delimiter)
    head = {"contract": "loan/v1", "member": member, "as_of_date": as_of.isoformat()}
    content = {**head, "sequence": sequence, "mode": mode, **_totals(rows), "sha256": _digest(path)}
    write_manifest(path, {**content, **(manifest_changes or {})})
    return path


def write_manifest(path: Path, content: Mapping[str, object]) -> Path:
    """Writes `content` as the manifest of the data file `path`; gives the manifest's path."""
    manifest = path.with_name(path.name + ".manifest.json")
    manifest.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    return manifest


def _changed(row: dict[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    unknown = set(changes) - set(row)
    if unknown:
        raise KeyError(f"not a field of loan/v1: {sorted(unknown)}")
    return {**row, **changes}


def _table(rows: Sequence[Mapping[str, str]], headers: str) -> list[list[str]]:
    columns = list(rows[0]) if rows else list(_GOOD)
    cells = [[row[column] for column in columns] for row in rows]
    return [columns, *cells] if headers == "machine" else _in_chinese(columns, cells)


def _in_chinese(columns: list[str], cells: list[list[str]]) -> list[list[str]]:
    fields = [load_contract().field(column) for column in columns]
    labels = [{label.name: label.zh for label in field.labels} for field in fields]
    body = [[words.get(cell, cell) for words, cell in zip(labels, row, strict=True)] for row in cells]
    return [[field.zh for field in fields], *body]


def _write_text(path: Path, table: list[list[str]], encoding: str, delimiter: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(table)
    content = text.getvalue().encode(encoding)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _write_xlsx(path: Path, table: list[list[str]]) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"created": datetime(2026, 5, 31, tzinfo=UTC)})  # the same rows, the same digest
        sheet = book.add_worksheet()
        for number, cells in enumerate(table):
            for column, cell in enumerate(cells):
                sheet.write_string(number, column, cell)


def _write_parquet(path: Path, table: list[list[str]]) -> None:
    header, *rows = table
    pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row").write_parquet(path)


def _totals(rows: Sequence[Mapping[str, str]]) -> dict[str, object]:
    sums = {
        f"sum_{name}": str(sum((_number(row.get(name, "")) for row in rows), Decimal("0.00")))
        for name in ("principal", "balance")
    }
    return {"record_count": len(rows), **sums}


def _number(cell: str) -> Decimal:
    """The cell as the contract reads it; nothing (0) when it is not a number."""
    text = unicodedata.normalize("NFKC", cell).strip().removeprefix("'").replace(",", "")
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

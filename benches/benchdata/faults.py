"""Faulty rows: one named function a check code turns a good row into one on which just that code fires."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from benchdata.columns import CellEdits
from benchdata.people import resident_checks

Row = Mapping[str, str | None]
Changes = dict[str, str | None]
Fault = Callable[[Row, date], Changes]
RowNumbers = npt.NDArray[np.int64]
Planted = tuple[int, str]


def e1001_no_name(row: Row, as_of: date) -> Changes:
    return {"name": None}


def e1101_checksum(row: Row, as_of: date) -> Changes:
    number = row["id_no"] or ""
    return {"id_no": number[:-1] + ("1" if number[-1] == "0" else "0")}


def e1102_spreadsheet(row: Row, as_of: date) -> Changes:
    number = row["id_no"] or ""
    return {"id_no": f"{number[0]}.{number[1:6]}E+17"}


def e1103_month_thirteen(row: Row, as_of: date) -> Changes:
    number = row["id_no"] or ""
    body = number[:10] + "13" + number[12:17]
    check = resident_checks(np.frombuffer(body.encode(), dtype=np.uint8)[None, :])
    return {"id_no": body + chr(check[0, 0])}


def e1104_too_short(row: Row, as_of: date) -> Changes:
    return {"id_no": (row["id_no"] or "")[:12]}


def e1105_company_with_a_card(row: Row, as_of: date) -> Changes:
    return {"borrower_kind": "company"}


def e1201_rate_below_zero(row: Row, as_of: date) -> Changes:
    return {"annual_rate": "-3.50"}


def e1201_terms_left_below_zero(row: Row, as_of: date) -> Changes:
    return {"terms_left": "-1"}


def e1202_balance_in_words(row: Row, as_of: date) -> Changes:
    return {"balance": "约一万元"}


def e1202_letter_o(row: Row, as_of: date) -> Changes:
    return {"principal": (row["principal"] or "").replace("0", "O")}


def e1203_thirtieth_of_february(row: Row, as_of: date) -> Changes:
    return {"due_on": "2031-02-30"}


def e1203_no_date(row: Row, as_of: date) -> Changes:
    return {"next_due_on": "下月末"}


def e1301_status(row: Row, as_of: date) -> Changes:
    return {"status": "whatever"}


def e1301_class(row: Row, as_of: date) -> Changes:
    return {"class5": "good"}


def e1302_currency(row: Row, as_of: date) -> Changes:
    return {"currency": "RMB"}


def e1302_region(row: Row, as_of: date) -> Changes:
    return {"region": "1101"}


def e1401_long_purpose(row: Row, as_of: date) -> Changes:
    return {"purpose": "用途" * 20}


def e2003_guarantor_alone(row: Row, as_of: date) -> Changes:
    return {"role": "guarantor"}


def e2101_balance_over_principal(row: Row, as_of: date) -> Changes:
    return {"balance": "9" + (row["principal"] or "")}


def e2102_terms_left_over_terms(row: Row, as_of: date) -> Changes:
    return {"terms_left": str(int(row["terms"] or 0) + 1)}


def e2201_disbursed_later(row: Row, as_of: date) -> Changes:
    return {"disbursed_on": _iso(as_of, 10), "due_on": _iso(as_of, 400)}


def e2202_due_before_disbursed(row: Row, as_of: date) -> Changes:
    return {"due_on": _iso(date.fromisoformat(row["disbursed_on"] or ""), -30)}


def e2301_closed_while_active(row: Row, as_of: date) -> Changes:
    return {"closed_on": as_of.isoformat()}


def e2301_settled_with_balance(row: Row, as_of: date) -> Changes:
    return {"closed_on": as_of.isoformat(), "status": "settled", "balance": "88.00", "principal": "8800.00"}


def e2401_amount_without_days(row: Row, as_of: date) -> Changes:
    return {"overdue_amount": "50.00"}


def e2402_longest_below_present(row: Row, as_of: date) -> Changes:
    return {**_overdue(as_of, 20, "special_mention"), "max_dpd": "19"}


def e2501_no_notice(row: Row, as_of: date) -> Changes:
    return {**_overdue(as_of, 20, "special_mention"), "adverse_notice_on": None}


def e2601_no_consent(row: Row, as_of: date) -> Changes:
    return {"consent_no": None}


def e2601_consent_expired(row: Row, as_of: date) -> Changes:
    return {"consent_until": _iso(as_of, -1)}


def e2701_delete(row: Row, as_of: date) -> Changes:
    return {"action": "delete"}


def w3101_class_too_light(row: Row, as_of: date) -> Changes:
    return _overdue(as_of, 100, "normal")


def w3201_mobile(row: Row, as_of: date) -> Changes:
    return {"mobile": "12345"}


def w3301_old_number(row: Row, as_of: date) -> Changes:
    number = row["id_no"] or ""
    return {"id_no": number[:6] + number[8:17]}


def w3401_rate(row: Row, as_of: date) -> Changes:
    return {"annual_rate": "30.00"}


def rejecting_faults() -> Sequence[Fault]:
    """One row becomes faulty by itself; the code is the function's first five letters."""
    return (
        *(e1001_no_name, e1101_checksum, e1102_spreadsheet, e1103_month_thirteen, e1104_too_short),
        *(
            e1105_company_with_a_card,
            e1201_rate_below_zero,
            e1201_terms_left_below_zero,
            e1202_balance_in_words,
        ),
        *(
            e1202_letter_o,
            e1203_thirtieth_of_february,
            e1203_no_date,
            e1301_status,
            e1301_class,
            e1302_currency,
        ),
        *(e1302_region, e1401_long_purpose, e2003_guarantor_alone, e2101_balance_over_principal),
        *(e2102_terms_left_over_terms, e2201_disbursed_later, e2202_due_before_disbursed),
        *(e2301_closed_while_active, e2301_settled_with_balance, e2401_amount_without_days),
        *(
            e2402_longest_below_present,
            e2501_no_notice,
            e2601_no_consent,
            e2601_consent_expired,
            e2701_delete,
        ),
    )


def warning_faults() -> Sequence[Fault]:
    """The row stays, with a warning."""
    return (w3101_class_too_light, w3201_mobile, w3301_old_number, w3401_rate)


def code_of(fault: Fault) -> str:
    return fault.__name__[:5].upper()


def plant(
    frame: pl.DataFrame, rng: np.random.Generator, as_of: date, rejected: int, warned: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frame with about so many rows made faulty, and what was planted: record (1 = first row) and code.

    Only plain rows are touched (active loans of one party with a resident number), so that no other code
    fires; there must be enough of them. One fault in sixteen is a repeated party, one a row of a pair that
    disagrees.
    """
    plain = plain_rows(frame)
    every_second = rng.permutation(plain[1::2])  # the row before stays good: a party can be repeated from it
    repeated = rejected // 16
    disagreeing = _pairs(frame, rng, rejected // 32)
    alone = rejected - repeated - 2 * len(disagreeing)
    if repeated + alone + warned > len(every_second):
        raise ValueError(f"{len(frame)} rows hold too few plain loans for {rejected} faults")
    edits = CellEdits(frame)
    groups = np.split(every_second, np.cumsum([repeated, alone, warned]))
    sources = plain[np.searchsorted(plain, groups[0]) - 1]
    planted = [
        *_repeat(edits, sources, groups[0]),
        *_disagree(edits, disagreeing),
        *_spoil(edits, groups[1], rng, rejecting_faults(), as_of),
        *_spoil(edits, groups[2], rng, warning_faults(), as_of),
    ]
    schema = {"record": pl.UInt32, "code": pl.String}
    return edits.result(), pl.DataFrame(planted, schema=schema, orient="row").sort("record", "code")


def plain_rows(frame: pl.DataFrame) -> RowNumbers:
    """Row numbers (0-based) of active, undelayed loans with one party who has a resident number."""
    plain = (
        (pl.col("status") == "active")
        & (pl.col("dpd") == "0")
        & (pl.col("id_type") == "resident_id")
        & (pl.col("role") == "primary")
        & (pl.col("loan_no") != pl.col("loan_no").shift(-1).fill_null(""))
    )
    return frame.select(pl.arg_where(plain)).to_series().to_numpy().astype(np.int64)


def _pairs(frame: pl.DataFrame, rng: np.random.Generator, count: int) -> RowNumbers:
    second = (pl.col("loan_no") == pl.col("loan_no").shift(1)) & (pl.col("status") == "active")
    rows = frame.select(pl.arg_where(second)).to_series().to_numpy().astype(np.int64)
    return rng.permutation(rows)[:count]


def _repeat(edits: CellEdits, sources: RowNumbers, targets: RowNumbers) -> Iterator[Planted]:
    for target, row in zip(targets.tolist(), edits.frame[sources].iter_rows(named=True), strict=True):
        edits.put(target, row)
        yield target + 1, "E2001"


def _disagree(edits: CellEdits, second: RowNumbers) -> Iterator[Planted]:
    for row in second.tolist():
        edits.put(row, {"contract_no": "HT0"})
        yield row, "E2002"
        yield row + 1, "E2002"


def _spoil(
    edits: CellEdits, rows: RowNumbers, rng: np.random.Generator, faults: Sequence[Fault], as_of: date
) -> Iterator[Planted]:
    kinds = rng.integers(0, len(faults), len(rows)).tolist()
    good = edits.frame[rows].iter_rows(named=True)
    for number, kind, row in zip(rows.tolist(), kinds, good, strict=True):
        edits.put(number, faults[kind](row, as_of))
        yield number + 1, code_of(faults[kind])


def _overdue(as_of: date, days: int, class5: str) -> Changes:
    return {
        "dpd": str(days),
        "max_dpd": str(days),
        "overdue_since": _iso(as_of, -days),
        "overdue_amount": "500.00",
        "adverse_notice_on": _iso(as_of, 3 - days),
        "class5": class5,
        "status": "overdue",
    }


def _iso(day: date, later: int) -> str:
    return (day + timedelta(days=later)).isoformat()

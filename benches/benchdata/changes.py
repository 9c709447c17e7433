"""The night after: days past due move by themselves, and a share of the loans changes in business terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from benchdata.columns import CellEdits
from benchdata.faults import plain_rows
from benchdata.loans import CLASSES

Row = Mapping[str, str | None]
Change = Callable[[Row, date], dict[str, str | None]]

CHANGES = pl.Schema({"record": pl.UInt32, "change": pl.String})


def paid(row: Row, as_of: date) -> dict[str, str | None]:
    """One instalment paid."""
    balance = _cents(row["balance"])
    rest = max(balance - max(balance // 20, 100), 0)
    left = max(int(row["terms_left"] or 0) - 1, 0)
    due = date.fromisoformat(row["next_due_on"] or "") + timedelta(days=30)
    return {"balance": _money(rest), "terms_left": str(left), "next_due_on": due.isoformat()}


def settled(row: Row, as_of: date) -> dict[str, str | None]:
    """Paid back today."""
    empty = {"next_due_on": None, "next_due_amount": None}
    return {
        **empty,
        "balance": "0.00",
        "terms_left": "0",
        "closed_on": as_of.isoformat(),
        "status": "settled",
    }


def fell_overdue(row: Row, as_of: date) -> dict[str, str | None]:
    """Yesterday's instalment was not paid."""
    return {
        "dpd": "1",
        "max_dpd": str(max(1, int(row["max_dpd"] or 0))),
        "overdue_since": (as_of - timedelta(days=1)).isoformat(),
        "overdue_amount": row["next_due_amount"],
        "adverse_notice_on": as_of.isoformat(),
        "class5": "special_mention",
        "status": "overdue",
    }


def next_day(
    frame: pl.DataFrame, planted: pl.DataFrame, rng: np.random.Generator, as_of: date, changed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same rows on the day `as_of`, one later, `changed` of them changed; and which: (record, change).

    Rows keep their places and faulty ones their faults. Days past due move by themselves; where the longest
    days past due or the class follow them, that is listed too (max_dpd, class5) beside the changes asked for.
    """
    kinds: tuple[Change, ...] = (paid, settled, fell_overdue)
    chosen = rng.permutation(_free_rows(frame, planted))[:changed]
    which = rng.choice(len(kinds), len(chosen), p=[0.82, 0.12, 0.06])
    moved = frame.with_columns(_moved_days(as_of))
    after = _applied(moved, chosen.tolist(), [kinds[kind] for kind in which], as_of)
    words = [kinds[kind].__name__ for kind in which]
    asked = pl.DataFrame({"record": chosen + 1, "change": words}, schema=CHANGES)
    return after, pl.concat([asked, _followed(frame, moved)]).sort("record", "change")


def _free_rows(frame: pl.DataFrame, planted: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Plain rows (0-based) of loans without a fault in any of their rows."""
    faulty = frame["loan_no"].gather(planted["record"].cast(pl.Int64) - 1).unique()
    plain = plain_rows(frame)
    free: npt.NDArray[np.int64] = plain[
        ~frame["loan_no"].gather(pl.Series(plain)).is_in(faulty.implode()).to_numpy()
    ]
    return free


def _moved_days(as_of: date) -> list[pl.Expr]:
    """Days past due on the new day; max_dpd and class5 follow, unless they were wrong the day before."""
    late = pl.col("overdue_since").is_not_null()
    since = pl.col("overdue_since").str.to_date("%Y-%m-%d", strict=False)
    now = (pl.lit(as_of) - since).dt.total_days()
    old, longest = pl.col("dpd").cast(pl.Int64), pl.col("max_dpd").cast(pl.Int64)
    right = longest >= old
    return [
        pl.when(late).then(now.cast(pl.String)).otherwise("dpd").alias("dpd"),
        pl.when(late & right & (now > longest))
        .then(now.cast(pl.String))
        .otherwise("max_dpd")
        .alias("max_dpd"),
        pl.when(late & (_floor(now) > _floor(old)) & (pl.col("class5") == _floor_class(old)))
        .then(_floor_class(now))
        .otherwise("class5")
        .alias("class5"),
    ]


def _floor(days: pl.Expr) -> pl.Expr:
    """Index in CLASSES of the lightest class for these days past due."""
    return (days > 0).cast(pl.UInt8) + (days > 90) + (days > 270) + (days > 360)


def _floor_class(days: pl.Expr) -> pl.Expr:
    return _floor(days).replace_strict(dict(enumerate(CLASSES)), return_dtype=pl.String)


def _applied(frame: pl.DataFrame, rows: list[int], changes: list[Change], as_of: date) -> pl.DataFrame:
    edits = CellEdits(frame)
    for number, row, change in zip(rows, frame[rows].iter_rows(named=True), changes, strict=True):
        edits.put(number, change(row, as_of))
    return edits.result()


def _followed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Which rows had max_dpd or class5 moved by the days past due."""
    found = []
    for name in ("max_dpd", "class5"):
        record = (before[name] != after[name]).arg_true() + 1
        found.append(pl.DataFrame({"record": record}).with_columns(change=pl.lit(name)).cast(CHANGES))
    return pl.concat(found)


def _cents(text: str | None) -> int:
    return int((text or "").replace(".", ""))


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"

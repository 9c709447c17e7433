"""RAW frame to PARSED frame: every field as a typed value and as cleaned text, column by column."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import polars as pl

from huxin_checks.cells.grammar import TYPES, meaning
from huxin_checks.cells.identifiers import BLIND, DERIVED
from huxin_checks.cells.quick import quick
from huxin_checks.cells.text import CONTROL, cleaned, control_bit, emptied, tidied
from huxin_checks.contract import Contract, Field

# polars and numpy leave the interpreter while they work; columns do not wait for each other.
_WORKERS: Final = 2


@dataclass(frozen=True)
class Column:
    """One field of n rows: its values, its texts, and where those hold control characters (None: nowhere)."""

    value: pl.Series
    text: pl.Series
    control: pl.Series | None = None


def parse(raw: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The PARSED frame of a RAW frame, row for row.

    Takes every column of `raw` that begins with `_` through, and gives for each field f of the contract
    `f` (text String, enum UInt8 label code, money Int64 cents, rate Int32 1/10000 percent, integer Int32,
    date Date) and `t_f` (String, cleaned; null when the cell is empty). A cell that is present and cannot be
    read has `f` null and `t_f` not. Nothing is computed from other cells and nothing is repaired. Also
    `_control` (see `control_bit`) and the identifiers' columns (`DERIVED`).
    """
    makers = BLIND if contract.blind else DERIVED
    with ThreadPoolExecutor(_WORKERS) as pool:
        read = list(pool.map(lambda field: _read(field, raw[field.name]), contract.fields))
        found = {field.name: column for field, column in zip(contract.fields, read, strict=True)}
        columns = [
            series.alias(name)
            for field, column in found.items()
            for name, series in ((field, column.value), (f"t_{field}", column.text))
        ]
        frame = raw.select(pl.col("^_.*$")).with_columns([*columns, _controls(contract, found, raw.height)])
        derived = [series for part in pool.map(lambda make: make(frame), makers) for series in part]
    return frame.with_columns(derived)


def _read(field: Field, cells: pl.Series) -> Column:
    if field.kind in TYPES:
        return _typed(field, cells)
    text, control = tidied(cells)
    return Column(_fitting(field, text), text, control)


def _typed(field: Field, cells: pl.Series) -> Column:
    """The plain cells at once, the others by the grammar."""
    sure = _apply(cells, quick(field, pl.col("c")))
    if sure.null_count() > cells.null_count() and (cells == "").any():
        cells = _apply(cells, pl.when(pl.col("c") != "").then(pl.col("c")))
    if sure.null_count() == cells.null_count():
        return Column(sure, cells)
    rows = (sure.is_null() & cells.is_not_null()).arg_true()
    found = _by_grammar(field, cells.gather(rows))
    return Column(sure.clone().scatter(rows, found["value"]), cells.clone().scatter(rows, found["text"]))


def _by_grammar(field: Field, cells: pl.Series) -> pl.DataFrame:
    """Columns `text` and `value` of the cells; equal cells are read once."""
    word, text = pl.col("word"), emptied(pl.col("word"))
    if field.kind == "enum":  # a word for nothing may be one of its labels
        text = pl.when(pl.col("value").is_not_null()).then(word).otherwise(text)
    table = (
        cells.unique()
        .to_frame("cell")
        .with_columns(word=cleaned(pl.col("cell")))
        .with_columns(value=meaning(field, word))
        .select("cell", "value", text=text)
    )
    return cells.to_frame("cell").join(table, on="cell", how="left", maintain_order="left")


def _fitting(field: Field, text: pl.Series) -> pl.Series:
    if field.pattern is None:
        return text
    fits = pl.col("c").str.contains(f"^(?:{field.pattern})$")
    return _apply(text, pl.when(fits).then(pl.col("c")))


def _controls(contract: Contract, found: dict[str, Column], height: int) -> pl.Series:
    bits = pl.zeros(height, dtype=pl.UInt16, eager=True)
    for name, column in found.items():
        if column.control is not None:
            bits = bits | (column.control.cast(pl.UInt16) * control_bit(contract, name))
    return bits.alias(CONTROL)


def _apply(cells: pl.Series, expression: pl.Expr) -> pl.Series:
    """An expression over the column `c` of one column."""
    return cells.to_frame("c").select(expression.alias("c")).to_series()

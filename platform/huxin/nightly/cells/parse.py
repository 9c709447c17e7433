"""RAW frame to PARSED frame: every field as a typed value and as cleaned text, column by column."""

from __future__ import annotations

import polars as pl

from huxin.contract import Contract, Field
from huxin.nightly.cells.grammar import TYPES, meaning
from huxin.nightly.cells.identifiers import identifier_columns
from huxin.nightly.cells.quick import quick
from huxin.nightly.cells.text import CONTROL, cleaned, control_bit, emptied, tidied


def parse(raw: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The PARSED frame of a RAW frame, row for row.

    Takes every column of `raw` that begins with `_` through, and gives for each field f of the contract
    `f` (text String, enum UInt8 label code, money Int64 cents, rate Int32 1/10000 percent, integer Int32,
    date Date) and `t_f` (String, cleaned; null when the cell is empty). A cell that is present and cannot be
    read has `f` null and `t_f` not. Nothing is computed from other cells and nothing is repaired. Also
    `_control` (see `control_bit`) and the identifiers' columns (`identifier_columns`).
    """
    typed = [field for field in contract.fields if field.kind in TYPES]
    sure = raw.select([quick(field).alias(field.name) for field in typed])
    controls: dict[str, pl.Series] = {}
    columns: list[pl.Series] = []
    for field in contract.fields:
        cells = raw[field.name]
        value, text, control = (
            _typed(field, cells, sure[field.name]) if field in typed else _text(field, cells)
        )
        columns += [value.alias(field.name), text.alias(f"t_{field.name}")]
        if control is not None:
            controls[field.name] = control
    columns.append(_control_column(contract, controls, raw.height))
    frame = raw.select(pl.col("^_.*$")).with_columns(columns)
    return frame.with_columns(identifier_columns(frame))


def _typed(field: Field, cells: pl.Series, sure: pl.Series) -> tuple[pl.Series, pl.Series, None]:
    """Value and text of a column whose plain cells are read already; the grammar reads the others."""
    if sure.null_count() > cells.null_count() and (cells == "").any():
        cells = cells.to_frame("c").select(pl.when(pl.col("c") != "").then(pl.col("c"))).to_series()
    if sure.null_count() == cells.null_count():
        return sure, cells, None
    rows = (sure.is_null() & cells.is_not_null()).arg_true()
    found = _read(field, cells.gather(rows))
    return sure.clone().scatter(rows, found["value"]), cells.clone().scatter(rows, found["text"]), None


def _read(field: Field, cells: pl.Series) -> pl.DataFrame:
    """Columns `text` and `value` of the cells by the full grammar; equal cells are read once."""
    known = cells.unique().to_frame("cell")
    text = (
        pl.col("word")
        if field.kind != "enum"
        else pl.coalesce(pl.when(pl.col("value").is_not_null()).then(pl.col("word")), emptied(pl.col("word")))
    )
    table = (
        known.with_columns(word=cleaned(pl.col("cell")))
        .with_columns(value=meaning(field, pl.col("word")))
        .select("cell", "value", text=text if field.kind == "enum" else emptied(text))
    )
    return cells.to_frame("cell").join(table, on="cell", how="left", maintain_order="left")


def _text(field: Field, cells: pl.Series) -> tuple[pl.Series, pl.Series, pl.Series | None]:
    text, control = tidied(cells)
    if field.pattern is None:
        return text, text, control
    fits = pl.col("t").str.contains(f"^(?:{field.pattern})$")
    value = text.to_frame("t").select(pl.when(fits).then(pl.col("t"))).to_series()
    return value, text, control


def _control_column(contract: Contract, controls: dict[str, pl.Series], height: int) -> pl.Series:
    bits = pl.zeros(height, dtype=pl.UInt16, eager=True)
    for name, found in controls.items():
        bits = bits | (found.cast(pl.UInt16) * control_bit(contract, name))
    return bits.alias(CONTROL)

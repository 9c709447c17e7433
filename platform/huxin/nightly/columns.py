"""From checked rows to the registry's columns, in Arrow: what `loan` holds and what a load is decided by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from huxin.contract import load_contract
from huxin.nightly.row_digest import row_digests
from huxin.nightly.tokenizer import Mobiles
from huxin.nightly.turning import earlier, first_half
from huxin.registry.blocks import Blocks, blocks
from huxin.registry.tables import BUSINESS, type_names

_POLARS: dict[str, type[pl.DataType]] = {
    "bigint": pl.Int64,
    "integer": pl.Int32,
    "smallint": pl.Int16,
    "date": pl.Date,
    "text": pl.String,
}
_OPEN = ("active", "overdue", "extended", "restructured")


def business_columns(rows: pl.DataFrame) -> pl.DataFrame:
    """What the member says of each loan, with the registry's column types."""
    types = type_names()
    return rows.select([_column(name, _POLARS[types[name]]) for name in BUSINESS])


def loans_table(
    rows: pl.DataFrame, business: pl.DataFrame, marks: Blocks, named: npt.NDArray[np.bool_]
) -> pa.Table:
    """`loan_no`, `name_mark`, `digest` and the business columns, a row each."""
    mark = pl.Series("name_mark", np.where(named, first_half(marks), 0))
    digests = row_digests(business.drop("max_dpd").with_columns(mark))
    first = {
        "loan_no": _strings(rows["loan_no"]),
        "name_mark": blocks(marks, named),
        "digest": pa.array(digests),
    }
    plain = _plain(business)
    return pa.table(first | dict(zip(plain.column_names, plain.columns, strict=True)))


def keys_table(
    rows: pl.DataFrame, loans: pa.Table, tokens: Blocks, schemes: npt.NDArray[np.int16]
) -> pa.Table:
    """What decides the load, a row each: loan_no, token, scheme, role, digest, dpd, max_dpd, …"""
    return pa.table(
        {
            "loan_no": loans["loan_no"],
            "token": blocks(tokens),
            "scheme": pa.array(schemes),
            "role": loans["role"],
            "digest": loans["digest"],
            "dpd": rows["dpd"].to_arrow(),
            "max_dpd": loans["max_dpd"],
            "open": rows.select(is_open().fill_null(False)).to_series().to_arrow(),
            "deletes": rows.select(_deletes()).to_series().to_arrow(),
        }
    )


def with_mobiles(keys: pa.Table, mobiles: Mobiles, scheme: int) -> pa.Table:
    """The same rows with `mobile` (a token), `mobile_scheme` and `mobile_mark`, null where none was given."""
    missing = ~mobiles.given
    schemes = pa.array(np.full(len(missing), scheme, np.int16))
    marks = pa.array(mobiles.marks, mask=missing)
    columns = {
        "mobile": blocks(mobiles.tokens, mobiles.given),
        "mobile_scheme": schemes,
        "mobile_mark": marks,
    }
    for name, column in columns.items():
        keys = keys.append_column(name, column)
    return keys


def with_earlier(
    keys: pa.Table, number: int, tokens: Blocks, schemes: npt.NDArray[np.int16], marks: Blocks
) -> pa.Table:
    """The same rows with tokens and name marks under an earlier entry key, as `nightly.turning` reads them."""
    columns = {"token": blocks(tokens), "scheme": pa.array(schemes), "mark": blocks(marks)}
    for name, column in columns.items():
        keys = keys.append_column(earlier(name, number), column)
    return keys


def with_earlier_mobiles(keys: pa.Table, number: int, mobiles: Mobiles, scheme: int) -> pa.Table:
    """And with the mobiles' tokens."""
    schemes = pa.array(np.full(len(mobiles.given), scheme, np.int16))
    keys = keys.append_column(earlier("mobile", number), blocks(mobiles.tokens, mobiles.given))
    return keys.append_column(earlier("mobile_scheme", number), schemes)


def is_open() -> pl.Expr:
    """A loan that still counts as exposure by its member's word (contract: Counting)."""
    codes = {label.name: label.code for label in load_contract().field("status").labels}
    standing = pl.col("status").is_in([codes[name] for name in _OPEN])
    return standing | ((pl.col("status") == codes["written_off"]) & (pl.col("balance") > 0))


def _deletes() -> pl.Expr:
    code = next(label.code for label in load_contract().field("action").labels if label.name == "delete")
    return (pl.col("action") == code).fill_null(False)


def _column(name: str, kind: type[pl.DataType]) -> pl.Expr:
    """max_dpd grows by itself while a loan is at its longest: it is kept only where it is not the present dpd."""
    if name == "max_dpd":
        return pl.when(pl.col("max_dpd") > pl.col("dpd")).then(pl.col("max_dpd")).cast(kind).alias(name)
    return pl.col(name).cast(kind)


def _plain(frame: pl.DataFrame) -> pa.Table:
    table = frame.to_arrow()
    fields = [
        field.with_type(pa.string()) if not pa.types.is_primitive(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _strings(series: pl.Series) -> pa.Array:
    return series.to_arrow().cast(pa.string())

"""What the checks of a whole file need of each row: hashes of its loan, its party and its loan's terms.

They live for one night in one process; the hash is polars' own and is never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from huxin_checks.contract import Contract, load_contract
from huxin_checks.rules.terms import deletes, labelled

# One seed a purpose, so that equal values in different places do not cancel out.
_LOAN, _CHECK, _ID_TYPE, _ID, _TERMS = 1, 2, 3, 4, 100
_SPREAD: Final = 0x9E37_79B1


def keys(parsed: pl.DataFrame, contract: Contract | None = None) -> pl.DataFrame:
    """The KEYS frame of a PARSED frame, row for row, 36 bytes a row.

    `_sub`, `_record`; `loan` UInt64 and `loan_check` UInt32, together the loan (null without a loan_no);
    `party` UInt64 (null unless the identifier is sound); `terms` UInt64 over all that is the loan's, raw
    text where a cell was not read; `primary` (also where the role was not read: it may be one); `delete`.
    96 bits name a loan, since two loans taken for one would reject good rows.
    """
    contract = contract or load_contract()
    terms = [field.name for field in contract.fields if not field.party and field.name != "loan_no"]
    submission = pl.col("_sub").cast(pl.UInt64) * _SPREAD
    named = pl.col("t_loan_no").is_not_null()
    check = pl.concat_str([pl.lit("\x1f"), pl.col("t_loan_no")]).hash(_CHECK) ^ submission
    return parsed.select(
        "_sub",
        "_record",
        loan=pl.when(named).then(pl.col("t_loan_no").hash(_LOAN) ^ submission),
        loan_check=pl.when(named).then((check // 2**32).cast(pl.UInt32)),
        # Asked for is_not_null, polars lends the column's own bitmap, and with it the identifiers would be held.
        party=pl.when(pl.col("id_canonical").is_null())
        .then(None)
        .otherwise(pl.col("id_canonical").hash(_ID) ^ pl.col("id_type").hash(_ID_TYPE)),
        terms=_terms(parsed, terms),
        primary=labelled(contract, "role", "primary").fill_null(True),
        delete=deletes(contract),
    )


def joined(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The KEYS frames of a file's batches as one, in order, with `shared`: the loan has more than one row."""
    whole = pl.concat(parts)
    return whole.with_columns(shared(whole).alias("shared"))


def shared(whole: pl.DataFrame, few: int | None = None) -> pl.Series:
    """Boolean: another row has the same loan.

    A sort of the hashes alone is cheap and mostly leaves few to look for; a sort of positions serves when
    it leaves many (over `few`, a tenth of the rows), as a search for each of them would not.
    """
    loans = np.sort(whole["loan"].drop_nulls().to_numpy())
    twice = loans[1:][loans[1:] == loans[:-1]]
    del loans
    if twice.size <= (whole.height // 10 if few is None else few):
        return whole["loan"].is_in(pl.Series(twice, dtype=pl.UInt64).implode()).fill_null(False)
    order = whole["loan"].arg_sort(nulls_last=True).to_numpy()[: whole.height - whole["loan"].null_count()]
    loans = whole["loan"].fill_null(0).to_numpy()[order]
    same = loans[1:] == loans[:-1]
    flags = np.zeros(whole.height, dtype=np.bool_)
    flags[order[1:][same]] = flags[order[:-1][same]] = True
    return pl.Series(flags)


def _terms(parsed: pl.DataFrame, fields: list[str]) -> pl.Expr:
    whole = _hashed(parsed, fields[0], _TERMS)
    for place, field in enumerate(fields[1:], start=1):
        whole = whole ^ _hashed(parsed, field, _TERMS + place)
    return whole


def _hashed(parsed: pl.DataFrame, field: str, seed: int) -> pl.Expr:
    value, text = pl.col(field), pl.col(f"t_{field}")
    if parsed[field].null_count() == parsed[f"t_{field}"].null_count():
        return value.hash(seed)
    return pl.when(value.is_null() & text.is_not_null()).then(text.hash(seed)).otherwise(value.hash(seed))

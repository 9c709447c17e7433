"""Canonical identifiers beside the cells they come from, by huxin_privacy."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from huxin_privacy.identifiers import E1104, PASSPORT, canonical_ids, canonical_mobiles, canonical_names

_ANY_COUNTRY: Final = "ZZZ"


def identifiers(frame: pl.DataFrame) -> list[pl.Series]:
    """`id_canonical` (null when missing or malformed), `id_faults` (UInt8, bits of huxin_privacy's FAULTS)
    and `id_upgraded` of a frame with `t_id_no`, `id_type`, `id_country` and `_as_of`."""
    # A birth after the as-of date is impossible, and a frame may hold submissions of several days.
    days = frame["_as_of"].unique().to_list()
    if len(days) < 2:
        return _ids_of_day(frame, days[0] if days else None)
    parts = []
    for day in days:
        rows = (frame["_as_of"] == day) if day is not None else frame["_as_of"].is_null()
        parts.append(pl.DataFrame([rows.arg_true().alias("row"), *_ids_of_day(frame.filter(rows), day)]))
    return pl.concat(parts).sort("row").drop("row").get_columns()


def mobiles(frame: pl.DataFrame) -> list[pl.Series]:
    """`mobile_canonical` of a frame with `t_mobile`; null when missing or malformed."""
    return [_string("mobile_canonical", canonical_mobiles(frame["t_mobile"].to_arrow()))]


def names(frame: pl.DataFrame) -> list[pl.Series]:
    """`name_canonical` of a frame with `t_name`; null when missing or nothing is left of it."""
    return [_string("name_canonical", canonical_names(frame["t_name"].to_arrow()))]


def sealed(frame: pl.DataFrame) -> list[pl.Series]:
    """The same columns of files without people: the sealed element stands for the identifier, malformed or not."""
    cell, text = frame["id_no"], frame["t_id_no"]
    faults = (cell.is_null() & text.is_not_null()).cast(pl.UInt8) * E1104
    nobody = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    return [
        cell.alias("id_canonical"),
        faults.alias("id_faults"),
        pl.repeat(False, frame.height, dtype=pl.Boolean, eager=True).alias("id_upgraded"),
        nobody.alias("mobile_canonical"),
        nobody.alias("name_canonical"),
    ]


DERIVED: Final = (identifiers, mobiles, names)
"""What makes the derived columns of the PARSED frame from those of its cells."""
BLIND: Final = (sealed,)
"""The same of files without people."""


def _ids_of_day(frame: pl.DataFrame, day: date | None) -> list[pl.Series]:
    types = frame["id_type"].fill_null(0).to_numpy()
    # A passport without a readable country still has a number to judge: E1001 or E1302 speaks of the country.
    stateless = (frame["id_type"] == PASSPORT).fill_null(False) & frame["id_country"].is_null()
    countries = frame["id_country"]
    if stateless.any():
        countries = countries.clone().scatter(stateless.arg_true(), _ANY_COUNTRY)
    found = canonical_ids(
        types.astype(np.uint8), frame["t_id_no"].to_arrow(), countries.to_arrow(), not_after=day
    )
    text = _string("id_canonical", found.text)
    if stateless.any():
        text = text.clone().scatter(stateless.arg_true(), None)
    return [text, pl.Series("id_faults", found.faults), pl.Series("id_upgraded", found.upgraded)]


def _string(name: str, column: object) -> pl.Series:
    return pl.Series(name, pl.from_arrow(column), dtype=pl.String)

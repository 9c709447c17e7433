"""Canonical identifiers by the column: clean rows by matrix, the odd ones through the scalar rules.

A row takes the fast way only when its bytes prove that the scalar rules would leave them alone
(or only raise an x), so both ways give the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huxin_privacy import arrow, blocks, canonical, contacts
from huxin_privacy.arrow import Bytes, Flags

ID_LENGTH = 18


@dataclass(frozen=True)
class CanonicalColumn:
    """n canonical identifiers: `text` (large_string, null when missing or faulty), `faults` (bitmask
    of canonical.FAULTS) and `upgraded` (W3301). Its repr shows no text."""

    text: Any = field(repr=False)
    faults: Bytes = field(repr=False)
    upgraded: Flags = field(repr=False)


def canonical_ids(
    types: npt.NDArray[np.uint8], numbers: Any, countries: Any, *, not_after: date | None = None
) -> CanonicalColumn:
    """What `canonical_id` says of each row.

    `types` are the label codes of id_type (1 resident_id, 2 passport, 3 uscc), `numbers` and
    `countries` Arrow string columns of the same length n. A row without a number or with another
    type code (0: not recognised) has no text and no faults: other checks speak of those.
    """
    column = arrow.plain(numbers)
    present = arrow.valid(column) & np.isin(types, list(canonical.TYPES.values()))
    long_enough = present & (np.diff(arrow.offsets(column)) == ID_LENGTH)
    faults = np.zeros(len(column), dtype=np.uint8)
    odd = present.copy()
    fixed: list[tuple[npt.NDArray[np.int64], Any]] = []
    for code, judge in ((canonical.RESIDENT_ID, blocks.residents), (canonical.USCC, blocks.usccs)):
        rows = np.flatnonzero(long_enough & (types == code))
        if rows.size:
            taken = arrow.matrix(_taken(column, rows), ID_LENGTH)
            clean, bits, lower = judge(taken, not_after)
            faults[rows[clean]] = bits[clean]
            odd[rows[clean]] = False
            raised = lower & (bits == 0) & clean
            if raised.any():
                fixed.append((rows[raised], arrow.from_matrix(blocks.upper(taken[raised]))))
    upgraded = np.zeros(len(column), dtype=np.bool_)
    rows = np.flatnonzero(odd)
    if rows.size:
        texts, bits, ups = _scalar(types[rows], _taken(column, rows), arrow.plain(countries), rows, not_after)
        faults[rows], upgraded[rows] = bits, ups
        fixed.append((rows, texts))
    return CanonicalColumn(_woven(column, present & (faults == 0), fixed), faults, upgraded)


def canonical_mobiles(column: Any) -> Any:
    """What `canonical_mobile` says of each row: pa.LargeStringArray of n, null when missing or malformed."""
    texts = arrow.plain(column)
    eleven = arrow.valid(texts) & (np.diff(arrow.offsets(texts)) == blocks.MOBILE_LENGTH)
    rows = np.flatnonzero(eleven)
    clean = np.zeros(len(texts), dtype=np.bool_)
    clean[rows] = blocks.mobiles(arrow.matrix(_taken(texts, rows), blocks.MOBILE_LENGTH))
    return _rest(texts, clean, contacts.canonical_mobile)


def canonical_names(column: Any) -> Any:
    """What `canonical_name` says of each row: pa.LargeStringArray of n, null when missing or empty."""
    texts = arrow.plain(column)
    lengths = np.diff(arrow.offsets(texts))
    rows = np.flatnonzero(arrow.valid(texts) & (lengths > 0) & (lengths % blocks.HAN_BYTES == 0))
    clean = np.zeros(len(texts), dtype=np.bool_)
    if rows.size:
        taken = _taken(texts, rows)
        places = arrow.offsets(taken)
        flat = arrow.data(taken)[places[0] : places[-1]]
        clean[rows] = blocks.han_names(flat, places[:-1] - places[0])
    return _rest(texts, clean, contacts.canonical_name)


def _rest(texts: Any, clean: Flags, judge: Callable[[str], str | None]) -> Any:
    # Each different odd value is judged once.
    rows = np.flatnonzero(~clean & arrow.valid(texts))
    if not rows.size:
        return texts
    encoded = _taken(texts, rows).dictionary_encode()
    judged = pa.array([judge(text) for text in encoded.dictionary.to_pylist()], pa.large_string())
    return _woven(texts, arrow.valid(texts), [(rows, judged.take(encoded.indices))])


def _taken(column: Any, rows: npt.NDArray[np.int64]) -> Any:
    return column if rows.size == len(column) else column.take(pa.array(rows))


def _scalar(
    types: npt.NDArray[np.uint8],
    numbers: Any,
    countries: Any,
    rows: npt.NDArray[np.int64],
    not_after: date | None,
) -> tuple[Any, Bytes, Flags]:
    lands = _taken(countries, rows).to_pylist()
    found = [
        canonical.outcome(code, number, land, not_after)
        for code, number, land in zip(types.tolist(), numbers.to_pylist(), lands, strict=True)
    ]
    texts, bits, upgraded = zip(*found, strict=True)
    return pa.array(texts, pa.large_string()), np.array(bits, np.uint8), np.array(upgraded, np.bool_)


def _woven(column: Any, keep: Flags, fixed: list[tuple[npt.NDArray[np.int64], Any]]) -> Any:
    # `column` where `keep`, null elsewhere, and the rows of `fixed` put in their places.
    if keep.all() and not fixed:
        return column
    chosen = keep.copy()
    for rows, _ in fixed:
        chosen[rows] = False
    places = np.where(chosen, np.arange(len(column)), -1)
    start, sources = len(column), [column]
    for rows, texts in fixed:
        places[rows] = start + np.arange(rows.size)
        sources.append(texts)
        start += rows.size
    return pc.take(pa.concat_arrays(sources), pa.array(places, mask=places < 0))

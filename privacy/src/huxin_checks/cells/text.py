"""The text of a cell without the habits of its writer: blanks, full-width forms, words for nothing."""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
import polars as pl

from huxin_checks.contract import EMPTY_WORDS, Contract

CONTROL: Final = "_control"
"""Column of the PARSED frame, UInt16: bit `control_bit(f)` is set where field f holds control characters."""

# Only full-width forms are folded. NFKC as a whole would also turn a raised 2 into a digit, and guess.
_FULL_WIDTH: Final = {"\u3000": " "} | {chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)}
_EDGES: Final = " \t\r\n\u00a0\ufeff\u200b\u2060"
_CONTROLS: Final = r"[\x00-\x1f\x7f-\x9f\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}]"
# Every character that cleaning could take away, turn into another or report.
_ODD: Final = _CONTROLS[:-1] + r"\x20'\u{a0}\u{3000}\u{ff01}-\u{ff5e}]"
_WORDS: Final = sorted(
    {
        "".join(letters)
        for word in EMPTY_WORDS | {""}
        for letters in product(*zip(word.lower(), word.upper(), strict=True))
    }
)
_TEXT_KINDS: Final = frozenset({"text", "identifier", "pattern"})


def cleaned(cell: pl.Expr) -> pl.Expr:
    """The cell's text after its writer's habits are taken off; may be empty or a word for nothing."""
    folded = cell.str.replace_many(_FULL_WIDTH)
    return folded.str.strip_chars(_EDGES).str.strip_prefix("'").str.strip_chars(_EDGES)


def emptied(text: pl.Expr) -> pl.Expr:
    """Cleaned text, null where it says nothing."""
    return pl.when(~text.is_in(_WORDS)).then(text)


def tidied(raw: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """A text column's `t_f`, and where it holds control characters (None: nowhere).

    Only cells that cleaning could change are touched; most columns are proved clean from their bytes alone.
    """
    if not _may_be_odd(raw):
        return raw, None
    rows = (raw.str.contains(_ODD) | raw.is_in(_WORDS)).arg_true()
    if not len(rows):
        return raw, None
    text = raw.gather(rows).to_frame("c").select(emptied(cleaned(pl.col("c")))).to_series()
    return raw.clone().scatter(rows, text), _controls(text, rows, len(raw))


def tidy(text: str) -> str | None:
    """One text by itself as `tidied` reads a file's cell; None where it says nothing or holds control characters."""
    found, control = tidied(pl.Series([text], dtype=pl.String))
    return None if control is not None else found[0]


def control_bit(contract: Contract, field: str) -> int:
    """The bit of a text field in the column `_control`. ValueError for a field that is no text."""
    names = [entry.name for entry in contract.fields if entry.kind in _TEXT_KINDS]
    return 1 << names.index(field)


def _controls(text: pl.Series, rows: pl.Series, height: int) -> pl.Series | None:
    found = text.str.contains(_CONTROLS).fill_null(False)
    if not found.any():
        return None
    return pl.zeros(height, dtype=pl.UInt8, eager=True).cast(pl.Boolean).scatter(rows.filter(found), True)


def _may_be_odd(raw: pl.Series) -> bool:
    """False only if no cell can be changed by cleaning: a scan of the column's bytes, not of its cells."""
    if raw.is_in(_WORDS).any():
        return True
    buffer = raw.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[2]
    if buffer is None:
        return False
    data = np.frombuffer(buffer, dtype=np.uint8)
    printable = not ((data - np.uint8(0x21)) > 0x7E - 0x21).any()
    return bool((data == ord("'")).any() if printable else _ODD_BYTES[data].any())


def _odd_bytes() -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Per byte: may it belong to a character of `_ODD`? Not if printable ASCII or Han (leads E4 to E9)."""
    odd = np.ones(256, dtype=np.bool_)
    odd[0x21:0x7F] = odd[0x80:0xC2] = odd[0xE4:0xEA] = False
    odd[ord("'")] = True
    return odd


_ODD_BYTES: Final = _odd_bytes()

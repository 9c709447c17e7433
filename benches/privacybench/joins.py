"""Ten million different canonical identifiers: no two share a token, and other spellings of them get the same ones."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin.nightly.tokenizer import Tokenizer
from huxin_privacy.identifiers import TYPES
from privacybench.people import Batch, Blocks, batch, tokenizer, tokens

IDENTIFIERS = 10_000_000
STEP = 500_000
RESPELT = 20_000  # of each step
_SUITES = ("S256", "SM")


def measure(identifiers: int = IDENTIFIERS, step: int = STEP) -> dict[str, float]:
    """`joins_identifiers`: how many different canonical ones; `s256_tokens` and `sm_tokens`: how many different tokens.

    Both are counted by sorting: the identifiers as they are, the tokens by all their 16 bytes. SystemExit where
    two identifiers share a token or two spellings of one do not.
    """
    found = {suite: np.empty((identifiers, 16), np.uint8) for suite in _SUITES}
    names, respelt = _Names(), 0
    with ExitStack() as stack:
        made = {suite: stack.enter_context(tokenizer(suite)) for suite in _SUITES}
        for first in range(0, identifiers, step):
            sent = batch(first, min(step, identifiers - first))
            names.add(sent)
            for suite in _SUITES:
                found[suite][first : first + step] = tokens(made[suite], sent)
            some = np.arange(0, len(sent.types), max(1, len(sent.types) // RESPELT))
            respelt += len(some)
            _require_same(made, sent, some, {suite: found[suite][first + some] for suite in _SUITES})
    figures = {"joins_identifiers": names.count(), "joins_respelt": respelt}
    figures |= {f"{suite.lower()}_tokens": different(found[suite]) for suite in _SUITES}
    told = ", ".join(
        f"{figures[f'{suite.lower()}_tokens']:,} different tokens ({suite})" for suite in _SUITES
    )
    print(
        f"  {figures['joins_identifiers']:,} different canonical identifiers, {told}; {respelt:,} spelt otherwise"
    )
    if {figures["joins_identifiers"], *(figures[f"{suite.lower()}_tokens"] for suite in _SUITES)} != {
        identifiers
    }:
        raise SystemExit("two different canonical identifiers share a token, or two of the bench are one")
    return {name: float(value) for name, value in figures.items()}


def different(blocks: Blocks) -> int:
    """How many different rows of (n, 16) there are."""
    if not len(blocks):
        return 0
    high, low = np.ascontiguousarray(blocks).view("<u8").T
    order = np.lexsort((low, high))
    high, low = high[order], low[order]
    return 1 + int(np.count_nonzero((high[1:] != high[:-1]) | (low[1:] != low[:-1])))


class _Names:
    """Canonical identifiers by type; resident numbers as the number of their first 17 digits, which say all."""

    def __init__(self) -> None:
        self._residents: list[npt.NDArray[np.int64]] = []
        self._others: list[list[str]] = []

    def add(self, sent: Batch) -> None:
        texts = sent.canonical().text
        resident = sent.types == TYPES["resident_id"]
        flat = texts.filter(pa.array(resident)).cast(pa.large_binary()).to_numpy(zero_copy_only=False)
        digits = flat.astype("S18").view(np.uint8).reshape(-1, 18)[:, :17].astype(np.int64) - ord("0")
        self._residents.append(digits @ (10 ** np.arange(16, -1, -1, dtype=np.int64)))
        others = texts.filter(pa.array(~resident)).to_pylist()
        kinds = sent.types[~resident].tolist()
        self._others.append([f"{kind}:{text}" for kind, text in zip(kinds, others, strict=True)])

    def count(self) -> int:
        """How many different ones were added."""
        return len(np.unique(np.concatenate(self._residents))) + len(set(chain.from_iterable(self._others)))


def _require_same(
    made: dict[str, Tokenizer], sent: Batch, some: npt.NDArray[np.int64], wanted: dict[str, Blocks]
) -> None:
    numbers = [
        _otherwise(place, text) for place, text in enumerate(sent.numbers.take(pa.array(some)).to_pylist())
    ]
    countries = [(country or "").lower() for country in sent.countries.take(pa.array(some)).to_pylist()]
    again = Batch(sent.types[some], pa.array(numbers), pa.array(countries))
    for suite, each in made.items():
        if not np.array_equal(tokens(each, again), wanted[suite]):
            raise SystemExit(f"{suite}: two spellings of one identifier have two tokens")


def _otherwise(place: int, text: str) -> str:
    """Another spelling of an identifier: lower case, blanks, wide characters, an apostrophe; the old 15 digits."""
    if len(text) == 18 and text[6:8] == "19" and text[:17].isdigit() and place % 5 == 0:
        return text[:6] + text[8:17]
    wide = "".join(chr(ord(character) + 0xFEE0) for character in text)
    return (text.lower(), f" {text[:6]} {text[6:]}\u3000", wide, f"'{text}", f"\ufeff{text}\u200b")[place % 5]

"""Invented identifiers by the Arrow batch, and the night's own way from them to tokens under a suite."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from benchdata.people import identities

from huxin.nightly.tokenizer import Tokenizer
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.identifiers import TYPES, CanonicalColumn, canonical_ids

Blocks = npt.NDArray[np.uint8]
_CODES = {name: np.uint8(code) for name, code in TYPES.items()}


@dataclass(frozen=True)
class Batch:
    """Identifiers as members write them: label codes of their types, and two Arrow columns. Its repr shows none."""

    types: npt.NDArray[np.uint8]
    numbers: Any
    countries: Any

    def __repr__(self) -> str:
        return f"Batch({len(self.types)})"

    def canonical(self) -> CanonicalColumn:
        """Their canonical forms, all of them good."""
        found = canonical_ids(self.types, self.numbers, self.countries)
        assert not found.text.null_count, "invented identifiers are good ones"
        return found


def batch(first: int, count: int) -> Batch:
    """The identifiers of persons and firms from number `first` on: 95.8 % resident numbers, 4 % firms, passports."""
    rows = identities(np.arange(first, first + count, dtype=np.int64))
    types = rows["id_type"].replace_strict(_CODES, return_dtype=None).to_numpy().astype(np.uint8)
    numbers, countries = (rows[name].to_arrow().cast(pa.large_string()) for name in ("id_no", "id_country"))
    return Batch(types, numbers, countries)


@contextmanager
def keyed_home(suite: str) -> Iterator[Settings]:
    """A home with fresh keys of a suite; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="huxin-bench-") as folder:
        settings = Settings(home=Path(folder))
        settings.keys_dir.mkdir(mode=0o700)
        for zone in keyring.ZONES:
            keyring.create(settings.keys_dir, zone, suite)
        yield settings


@contextmanager
def tokenizer(suite: str) -> Iterator[Tokenizer]:
    """The night's tokenizer with fresh keys of a suite."""
    with keyed_home(suite) as settings:
        yield Tokenizer(settings)


def tokens(made: Tokenizer, sent: Batch) -> Blocks:
    """Identifiers as written to tokens: (n, 16)."""
    return made.tokens(sent.types, made.halves(sent.types, sent.canonical().text))

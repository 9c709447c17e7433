"""Rows' canonical identifiers to halves: what the entry zone does, by its own keys alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from huxin.contract import load_contract
from huxin.registry.blocks import Blocks
from huxin_privacy.generations import Generation, standing, suite_of
from huxin_privacy.keyring import Keyring
from huxin_privacy.suites import Suite
from huxin_privacy.tokens import halves, name_halves

MOBILE = "mobile"
NAME = "name"

Flags = npt.NDArray[np.bool_]
Types = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Halves:
    """Rows' halves, (n, 16) each; where `named` or `called` is false, that of no name or number stands for nothing."""

    ids: Blocks
    names: Blocks
    mobiles: Blocks
    named: Flags
    called: Flags


class RowHalver:
    """Keys of one epoch of the entry zone, by identifier type; made once a task. Its repr shows none."""

    def __init__(self, ring: Keyring, epoch: int | None = None) -> None:
        """Of the active epoch, where none is named."""
        self.epoch = ring.active if epoch is None else epoch
        self.suite: Suite = suite_of(ring, self.epoch)
        made = Generation(self.suite, self.epoch, 0)
        self._types = types()
        self._keys = {name: made.half_key(ring, name) for name in (*self._types.values(), NAME, MOBILE)}

    def of(self, rows: pl.DataFrame) -> Halves:
        """The halves of rows with `id_type` (label codes), and `id_`, `name_` and `mobile_canonical`."""
        names, mobiles = rows["name_canonical"], rows["mobile_canonical"].to_arrow()
        made = self.ids(rows["id_type"].to_numpy(), rows["id_canonical"].to_arrow())
        return Halves(
            made,
            self.names(made, names.fill_null("").to_arrow()),
            self.mobiles(mobiles),
            names.is_not_null().to_numpy(),
            mobiles.is_valid().to_numpy(zero_copy_only=False),
        )

    def ids(self, types: Types, canonical: pa.Array) -> Blocks:
        """Halves of canonical identifiers; `types` are label codes of id_type, parallel to them."""
        made = np.zeros((len(types), 16), np.uint8)
        for code, name in self._types.items():
            if rows := where(types, code):
                part = canonical if rows.all else canonical.take(pa.array(rows.places))
                made[rows.places] = halves(self._keys[name], name, part, suite=self.suite)
        return made

    def names(self, made: Blocks, names: pa.Array) -> Blocks:
        """Name halves: comparable between rows of one identifier only."""
        return name_halves(self._keys[NAME], made, names, suite=self.suite)

    def mobiles(self, numbers: pa.Array) -> Blocks:
        """Halves of canonical mobiles; a null counts as an empty text."""
        texts = numbers.cast(pa.string()).fill_null("")
        return halves(self._keys[MOBILE], MOBILE, texts, suite=self.suite)


def row_halvers(ring: Keyring) -> list[RowHalver]:
    """One for each entry key that something may hang on: that of the active epoch first."""
    return [RowHalver(ring, epoch) for epoch in standing(ring)]


def types() -> dict[int, str]:
    """Identifier types by label code."""
    return {label.code: label.name for label in load_contract().field("id_type").labels}


@dataclass(frozen=True)
class Rows:
    """Places of rows, and whether these are all of them."""

    places: npt.NDArray[np.int64]
    all: bool

    def __bool__(self) -> bool:
        return bool(self.places.size)


def where(types: Types, code: int) -> Rows:
    """The rows of one type."""
    places = np.flatnonzero(types == code)
    return Rows(places, places.size == types.size)

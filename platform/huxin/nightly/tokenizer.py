"""Canonical identifiers to tokens, in the one process that holds both zones' keys by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin.contract import load_contract
from huxin.registry.blocks import Blocks
from huxin.registry.schemes import Scheme, scheme_ids
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.generations import generations
from huxin_privacy.tokens import halves, name_halves, tokens

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOBILE = "mobile"


@dataclass(frozen=True)
class TypeKeys:
    """The keys of one identifier type. Its repr shows none."""

    scheme: Scheme
    entry: bytes
    registry: bytes

    def __repr__(self) -> str:
        return f"TypeKeys({self.scheme})"


@dataclass(frozen=True)
class Mobiles:
    """Rows' mobiles: tokens, marks that tell one subject's numbers apart, and which rows have one at all."""

    tokens: Blocks
    marks: npt.NDArray[np.int64]
    given: npt.NDArray[np.bool_]


class Tokenizer:
    """Keys of the active suite and epochs, by identifier type; made once a task."""

    def __init__(self, settings: Settings) -> None:
        self._entry = keyring.open(settings.keys_dir, "entry")
        self._registry = keyring.open(settings.keys_dir, "registry")
        self._generation = generations(self._entry, self._registry)[0]
        self._suite = self._generation.suite
        labels = load_contract().field("id_type").labels
        self.types = {label.code: self._keys(label.name) for label in labels}
        self._name = self._keys("name")
        self._mobile = self._keys(MOBILE)

    def schemes(self, connection: Connection) -> dict[int, int]:
        """The scheme number of each identifier type's label code."""
        numbers = scheme_ids(connection, [keys.scheme for keys in self.types.values()])
        return {code: numbers[keys.scheme] for code, keys in self.types.items()}

    def mobile_scheme(self, connection: Connection) -> int:
        """The scheme number of mobiles."""
        return scheme_ids(connection, [self._mobile.scheme])[self._mobile.scheme]

    def halves(self, types: npt.NDArray[np.uint8], canonical: pa.Array) -> Blocks:
        """Halves of canonical identifiers; `types` are label codes of id_type, parallel to them."""
        made = np.zeros((len(types), 16), np.uint8)
        for code, keys in self.types.items():
            if rows := _where(types, code):
                part = canonical if rows.all else canonical.take(pa.array(rows.places))
                made[rows.places] = halves(keys.entry, keys.scheme[1], part, suite=self._suite)
        return made

    def tokens(self, types: npt.NDArray[np.uint8], made: Blocks) -> Blocks:
        """Tokens of halves, parallel to them."""
        result = np.zeros_like(made)
        for code, keys in self.types.items():
            if rows := _where(types, code):
                result[rows.places] = tokens(keys.registry, made[rows.places], suite=self._suite)
        return result

    def name_marks(self, made: Blocks, names: pa.Array) -> Blocks:
        """Name marks: comparable between rows of one identifier only. Zero where the name is null."""
        marks = name_halves(self._name.entry, made, names, suite=self._suite)
        return tokens(self._name.registry, marks, suite=self._suite)

    def mobiles(self, made: Blocks, numbers: pa.Array) -> Mobiles:
        """Tokens of canonical mobiles, with marks comparable between rows of one identifier only.

        `made` are the identifiers' halves, parallel to the numbers, which may be null.
        """
        given = numbers.is_valid().to_numpy(zero_copy_only=False)
        texts = numbers.cast(pa.string()).fill_null("")
        mobile_halves = halves(self._mobile.entry, MOBILE, texts, suite=self._suite)
        marks = tokens(self._mobile.registry, mobile_halves ^ made, suite=self._suite)
        first = np.ascontiguousarray(marks).view("<i8")[:, 0]
        sealed = tokens(self._mobile.registry, mobile_halves, suite=self._suite)
        return Mobiles(sealed, first, given)

    def _keys(self, type_: str) -> TypeKeys:
        made = self._generation
        return TypeKeys(
            made.scheme(type_), made.half_key(self._entry, type_), made.token_key(self._registry, type_)
        )


@dataclass(frozen=True)
class _Rows:
    places: npt.NDArray[np.int64]
    all: bool

    def __bool__(self) -> bool:
        return bool(self.places.size)


def _where(types: npt.NDArray[np.uint8], code: int) -> _Rows:
    places = np.flatnonzero(types == code)
    return _Rows(places, places.size == types.size)

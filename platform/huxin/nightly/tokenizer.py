"""Halves to tokens: what the registry zone does, by its own keys; and both steps, where one process holds both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin.nightly.halves import MOBILE, NAME, Flags, Halves, RowHalver, Types, types, where
from huxin.registry.blocks import Blocks
from huxin.registry.schemes import Scheme, scheme_ids
from huxin.settings import Settings
from huxin_privacy.generations import Generation, Rings
from huxin_privacy.keyring import Keyring
from huxin_privacy.suites import Suite
from huxin_privacy.tokens import tokens

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class TypeKeys:
    """The registry zone's key of one identifier type. Its repr shows none."""

    scheme: Scheme
    registry: bytes

    def __repr__(self) -> str:
        return f"TypeKeys({self.scheme})"


@dataclass(frozen=True)
class Mobiles:
    """Rows' mobiles: tokens, marks that tell one subject's numbers apart, and which rows have one at all."""

    tokens: Blocks
    marks: npt.NDArray[np.int64]
    given: Flags


class RowTokens:
    """Keys of one epoch of the registry zone, for halves of one suite and entry epoch; made once a task."""

    def __init__(self, ring: Keyring, suite: Suite, entry_epoch: int, epoch: int | None = None) -> None:
        """Of the active epoch, where none is named."""
        made = self.generation = Generation(suite, entry_epoch, ring.active if epoch is None else epoch)
        self._suite = suite
        self.types = {code: TypeKeys(made.scheme(n), made.token_key(ring, n)) for code, n in types().items()}
        self._name = made.token_key(ring, NAME)
        self._mobile = TypeKeys(made.scheme(MOBILE), made.token_key(ring, MOBILE))

    def schemes(self, connection: Connection) -> dict[int, int]:
        """The scheme number of each identifier type's label code."""
        numbers = scheme_ids(connection, [keys.scheme for keys in self.types.values()])
        return {code: numbers[keys.scheme] for code, keys in self.types.items()}

    def mobile_scheme(self, connection: Connection) -> int:
        """The scheme number of mobiles."""
        return scheme_ids(connection, [self._mobile.scheme])[self._mobile.scheme]

    def tokens(self, types: Types, made: Blocks) -> Blocks:
        """Tokens of halves, parallel to them."""
        result = np.zeros_like(made)
        for code, keys in self.types.items():
            if rows := where(types, code):
                result[rows.places] = tokens(keys.registry, made[rows.places], suite=self._suite)
        return result

    def marks(self, name_halves: Blocks) -> Blocks:
        """Name marks of name halves."""
        return tokens(self._name, name_halves, suite=self._suite)

    def called(self, made: Halves) -> Mobiles:
        """Tokens of mobiles' halves, with marks comparable between rows of one identifier only."""
        marks = tokens(self._mobile.registry, made.mobiles ^ made.ids, suite=self._suite)
        first = np.ascontiguousarray(marks).view("<i8")[:, 0]
        return Mobiles(tokens(self._mobile.registry, made.mobiles, suite=self._suite), first, made.called)


class Tokenizer(RowTokens):
    """Both zones' keys of one suite and pair of epochs, in the one process that holds them by default."""

    def __init__(
        self, settings: Settings, rings: Rings | None = None, generation: Generation | None = None
    ) -> None:
        """Of the active ones, where none are named."""
        self._settings, self.rings = settings, rings or Rings.open(settings.keys_dir)
        made = generation or self.rings.standing[0]
        self.halver = RowHalver(self.rings.entry, made.entry_epoch)
        super().__init__(self.rings.registry, made.suite, made.entry_epoch, made.registry_epoch)

    def every(self) -> list[Tokenizer]:
        """One for each suite and epochs that anything may have been made under, the active ones first."""
        return [Tokenizer(self._settings, self.rings, each) for each in self.rings.standing]

    def earlier(self) -> list[Tokenizer]:
        """One for each earlier key or suite of the entry zone that something may still hang on."""
        own = self.generation
        return [
            Tokenizer(self._settings, self.rings, each)
            for each in self.rings.standing
            if each.registry_epoch == own.registry_epoch and each.entry_epoch != own.entry_epoch
        ]

    def halves(self, types: Types, canonical: pa.Array) -> Blocks:
        """Halves of canonical identifiers; `types` are label codes of id_type, parallel to them."""
        return self.halver.ids(types, canonical)

    def name_marks(self, made: Blocks, names: pa.Array) -> Blocks:
        """Name marks: comparable between rows of one identifier only. Zero where the name is null."""
        return self.marks(self.halver.names(made, names))

    def mobiles(self, made: Blocks, numbers: pa.Array) -> Mobiles:
        """Tokens of canonical mobiles, with marks comparable between rows of one identifier only.

        `made` are the identifiers' halves, parallel to the numbers, which may be null.
        """
        given = numbers.is_valid().to_numpy(zero_copy_only=False)
        return self.called(Halves(made, made, self.halver.mobiles(numbers), given, given))

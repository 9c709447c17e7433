"""The registry keys of a load: tokens and marks under one of them turned into those under another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin.nightly.halves import MOBILE, NAME
from huxin.registry.blocks import Blocks
from huxin.registry.schemes import FIRST, Scheme, State, all_numbers, scheme_ids, scheme_states
from huxin_privacy.generations import Generation, standing
from huxin_privacy.identifiers import TYPES
from huxin_privacy.keyring import Keyring
from huxin_privacy.suites import SUITES, get_suite
from huxin_privacy.tokens import tokens, untoken

if TYPE_CHECKING:
    from sqlalchemy import Connection

Schemes = npt.NDArray[np.int16]


def types_of() -> tuple[str, ...]:
    """Everything that tokens or marks are made of."""
    return (*TYPES, MOBILE, NAME)


class Turner:
    """Made once a load, of the registry's keyring as it is then. Its repr shows no key.

    Which entry epochs there are, and of which suites, the registry knows by the schemes of what was made under them.
    """

    def __init__(self, ring: Keyring, database: Connection) -> None:
        self._ring, self.epochs = ring, standing(ring)
        known = scheme_states(database)
        entries = {scheme[2]: scheme[0] for scheme in known if scheme[0] in SUITES}
        self._suites = {epoch: get_suite(name) for epoch, name in entries.items()}
        self._standing = {s[2] for s, state in known.items() if state != State.GONE}
        wanted = [
            (entries[e], t, e, r)
            for e in self._standing & set(entries)
            for r in self.epochs
            for t in types_of()
        ]
        scheme_ids(database, wanted)
        self._numbers = all_numbers(database)
        self._schemes = {number: scheme for scheme, number in self._numbers.items()}

    @property
    def active(self) -> int:
        """The registry epoch that everything is brought under."""
        return self.epochs[0]

    @property
    def first_mark_scheme(self) -> int | None:
        """The number of the scheme of name marks that name none."""
        return self._numbers.get(FIRST)

    def generation(self, entry_epoch: int, registry_epoch: int) -> Generation:
        """With the suite of that entry epoch."""
        return Generation(self._suites[entry_epoch], entry_epoch, registry_epoch)

    def stands(self, entry_epoch: int) -> bool:
        """Whether something may still hang on that entry epoch."""
        return entry_epoch in self._standing

    def number(self, generation: Generation, type_: str) -> int:
        """The number of a scheme."""
        return self._numbers[generation.scheme(type_)]

    def tokens(self, values: Blocks, schemes: Schemes, target: Generation) -> tuple[Blocks, Schemes]:
        """Tokens (n, 16), each under its scheme, as they are under the target's registry epoch; and their schemes."""
        turned, numbers = values.copy(), schemes.copy()
        for number in np.unique(schemes):
            rows, made = np.flatnonzero(schemes == number), self._made(int(number))
            if made is not None:
                turned[rows] = self.turned(values[rows], made[0], made[1], target)
                numbers[rows] = self.number(target, made[0])
        return turned, numbers

    def turned(self, values: Blocks, type_: str, made: Generation, target: Generation) -> Blocks:
        """Tokens or marks (n, 16) of one type under another registry epoch of the same suite."""
        if made.registry_epoch == target.registry_epoch:
            return values
        halves = untoken(made.token_key(self._ring, type_), values, suite=made.suite)
        return tokens(target.token_key(self._ring, type_), halves, suite=made.suite)

    def mobile_marks(self, batch: pa.RecordBatch, made: Generation, target: Generation) -> pa.Array:
        """The rows' mobile marks (Tokenizer.mobiles) under another registry epoch."""
        column = batch.column("mobile_mark")
        if made.registry_epoch == target.registry_epoch:
            return column
        owners, numbers = (
            self._halves(batch, "token", "scheme"),
            self._halves(batch, "mobile", "mobile_scheme"),
        )
        key = target.token_key(self._ring, MOBILE)
        marks = tokens(key, numbers ^ owners, suite=made.suite)
        missing = ~column.is_valid().to_numpy(zero_copy_only=False)
        return pa.array(np.ascontiguousarray(marks).view("<i8")[:, 0], mask=missing)

    def _halves(self, batch: pa.RecordBatch, name: str, scheme: str) -> Blocks:
        values = as_blocks(batch.column(name))
        schemes = batch.column(scheme).to_numpy(zero_copy_only=False)
        halves = np.zeros_like(values)
        for number in np.unique(schemes):
            rows, made = np.flatnonzero(schemes == number), self._made(int(number))
            if made is not None:
                key = made[1].token_key(self._ring, made[0])
                halves[rows] = untoken(key, values[rows], suite=made[1].suite)
        return halves

    def _made(self, number: int) -> tuple[str, Generation] | None:
        """Type and generation of a scheme's number; None for the number of no scheme."""
        scheme: Scheme | None = self._schemes.get(number)
        return None if scheme is None else (scheme[1], self.generation(scheme[2], scheme[3]))


def as_blocks(column: pa.Array) -> Blocks:
    """A column of 16 bytes as rows; what stands in a null's place is of no use."""
    column = column.cast(pa.binary(16))
    data = np.frombuffer(column.buffers()[1] or b"", np.uint8)
    return data[column.offset * 16 : (column.offset + len(column)) * 16].reshape(-1, 16)

"""Spooled rows as the present keys would have made them: what lies sealed while a key is exchanged is not out of date.

A token is a cipher block over a half, so whoever holds both registry keys turns one into the other, without a person.
An earlier key of the entry zone cannot be turned: there pseudonymization has made tokens and marks under each key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin.nightly import spool
from huxin.nightly.halves import NAME
from huxin.nightly.row_digest import with_last
from huxin.nightly.spool import Spool
from huxin.nightly.turner import Turner, as_blocks
from huxin.registry.blocks import Blocks, blocks
from huxin.registry.submissions import Submission
from huxin_privacy.generations import Generation

KEYS = "keys"  # of a submission's facts: the epochs (entry, registry) its tokens are made with
EARLIER = "earlier_keys"  # and the earlier entry epochs that its rows have tokens of as well
_FIRST = (1, 1)


@dataclass(frozen=True)
class Slot:
    """Columns of incoming rows under other keys than the row's own, null where it has none: lookups try them.

    `renews` among them is true where the own entry key is a later one, so that its alias and mark are to follow.
    """

    number: int
    generation: Generation

    def __getitem__(self, name: str) -> str:
        return f"{name}#{self.number}"


def earlier(name: str, number: int) -> str:
    """A column of the `keys` spool under the earlier entry key of that number (EARLIER), counted from 1."""
    return f"{name}@{number}"


def made_with(item: Submission) -> tuple[int, int]:
    """The entry and registry epoch of a submission's tokens."""
    entry, registry = item.facts.get(KEYS, _FIRST)
    return int(entry), int(registry)


class Source:
    """The spooled batches of a load's submissions under the present keys, all with the same columns."""

    def __init__(self, vault: Spool, items: Sequence[Submission], turner: Turner) -> None:
        self._vault, self._turner = vault, turner
        entries = sorted({epoch for item in items for epoch in (made_with(item)[0], *self._earlier_of(item))})
        self._plain = len(turner.epochs) == 1 and not any(
            made_with(item)[1] != turner.active or self._earlier_of(item) for item in items
        )
        slots = [] if self._plain else [turner.generation(e, r) for e in entries for r in turner.epochs]
        self.slots = [Slot(number, each) for number, each in enumerate(slots)]

    def batches(self, item: Submission, stage: str) -> Iterator[pa.RecordBatch]:
        """The batches of `keys` (with the columns of every slot) or `loans`."""
        batches = self._vault.read_batches(item.id, stage)
        if self._plain:
            return batches
        return self._loans(item, batches) if stage == spool.LOANS else self._keys(item, batches)

    def mark_schemes(self, items: Sequence[Submission]) -> dict[UUID, int] | None:
        """The scheme of each one's name marks; None where all are of the first, which need not be named."""
        numbers = {item.id: self._turner.number(self._own(item), NAME) for item in items}
        return None if set(numbers.values()) <= {self._turner.first_mark_scheme} else numbers

    def _earlier_of(self, item: Submission) -> list[int]:
        """The earlier entry epochs that a submission's rows have tokens of, less those that are gone since."""
        return [epoch for epoch in item.facts.get(EARLIER, ()) if self._turner.stands(epoch)]

    def _own(self, item: Submission) -> Generation:
        """The present generation of the entry key that a submission's tokens are made with."""
        return self._turner.generation(made_with(item)[0], self._turner.active)

    def _made(self, item: Submission) -> Generation:
        return self._turner.generation(*made_with(item))

    def _loans(self, item: Submission, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        made, own = self._made(item), self._own(item)
        if made == own:
            yield from batches
            return
        for batch in batches:
            marks, named = _marks(batch.column("name_mark"))
            turned = self._turner.turned(marks, NAME, made, own)
            digests = _redigested(batch.column("digest"), marks, turned, named)
            yield _with(batch, {"name_mark": blocks(turned, named), "digest": digests})

    def _keys(self, item: Submission, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        loans = _Step(self._vault.read_batches(item.id, spool.LOANS))
        for batch in batches:
            yield self._turned_keys(item, batch, loans.take(batch.num_rows))

    def _turned_keys(self, item: Submission, batch: pa.RecordBatch, marks: pa.Array) -> pa.RecordBatch:
        made, own = self._made(item), self._own(item)
        rows = _Rows(batch, "", made, *_marks(marks))
        columns = self._under(rows, rows, own)
        columns["mobile_mark"] = self._turner.mobile_marks(rows.batch, made, own)
        plain = {name: columns.pop(name) for name in ("token", "scheme", "mobile", "mobile_scheme", "digest")}
        others = {}
        sources = {made.entry_epoch: rows} | self._earlier(item, batch, rows)
        for slot in self.slots:
            source = sources.get(slot.generation.entry_epoch)
            present = source is not None and slot.generation != own
            found = self._under(rows, source or rows, slot.generation if present else own)
            for name in plain:
                others[slot[name]] = found[name] if present else pa.nulls(batch.num_rows, found[name].type)
            renews = present and slot.generation.entry_epoch != own.entry_epoch
            others[slot["renews"]] = pa.array(np.full(batch.num_rows, renews))
        kept = [name for name in batch.schema.names if "@" not in name]
        return _with(batch.select(kept), {**plain, **columns, **others})

    def _earlier(self, item: Submission, batch: pa.RecordBatch, rows: _Rows) -> dict[int, _Rows]:
        registry = made_with(item)[1]
        found = {}
        for number, entry in enumerate(item.facts.get(EARLIER, ()), 1):
            if self._turner.stands(entry):
                marks, _ = _marks(batch.column(earlier("mark", number)))
                generation = self._turner.generation(entry, registry)
                found[entry] = _Rows(batch, f"@{number}", generation, marks, rows.named)
        return found

    def _under(self, rows: _Rows, source: _Rows, target: Generation) -> dict[str, pa.Array]:
        """Tokens, schemes and digests of rows under `target`, of those that the source's entry key made."""
        turner = self._turner
        tokens, schemes = turner.tokens(source.blocks("token"), source.schemes("scheme"), target)
        mobiles, mobile_schemes = turner.tokens(
            source.blocks("mobile"), source.schemes("mobile_scheme"), target
        )
        marks = turner.turned(source.marks, NAME, source.generation, target)
        return {
            "token": blocks(tokens),
            "scheme": pa.array(schemes),
            "mobile": blocks(mobiles, rows.called),
            "mobile_scheme": pa.array(mobile_schemes),
            "digest": _redigested(rows.batch.column("digest"), rows.marks, marks, rows.named),
        }


@dataclass(frozen=True)
class _Rows:
    """A batch's columns under one entry key, as spooled; `named` are the rows with a name."""

    batch: pa.RecordBatch
    suffix: str
    generation: Generation
    marks: Blocks
    named: npt.NDArray[np.bool_]

    def blocks(self, name: str) -> Blocks:
        return as_blocks(self.batch.column(name + self.suffix))

    def schemes(self, name: str) -> npt.NDArray[np.int16]:
        found: npt.NDArray[np.int16] = self.batch.column(name + self.suffix).to_numpy(zero_copy_only=False)
        return found

    @property
    def called(self) -> npt.NDArray[np.bool_]:
        called: npt.NDArray[np.bool_] = self.batch.column("mobile").is_valid().to_numpy(zero_copy_only=False)
        return called


class _Step:
    """The name marks of `loans`, handed out in step with another stream of the same rows."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._rest = pa.array([], pa.binary(16))

    def take(self, rows: int) -> pa.Array:
        while len(self._rest) < rows:
            self._rest = pa.concat_arrays([self._rest, next(self._batches).column("name_mark")])
        taken, self._rest = self._rest.slice(0, rows), self._rest.slice(rows)
        return taken


def _marks(column: pa.Array) -> tuple[Blocks, npt.NDArray[np.bool_]]:
    return as_blocks(column), column.is_valid().to_numpy(zero_copy_only=False)


def _redigested(digests: pa.Array, old: Blocks, new: Blocks, named: npt.NDArray[np.bool_]) -> pa.Array:
    """The rows' digests with other name marks in them (columns.loans_table)."""
    ends = (np.where(named, first_half(each), 0) for each in (old, new))
    return pa.array(with_last(digests.to_numpy(), *ends))


def first_half(marks: Blocks) -> npt.NDArray[np.int64]:
    """What of a name mark goes into its row's digest."""
    return np.ascontiguousarray(marks).view(np.int64)[:, 0]


def _with(batch: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    whole = dict(zip(batch.schema.names, batch.columns, strict=True)) | columns
    return pa.record_batch(whole)

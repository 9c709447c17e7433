"""The entry zone's part of the night: people of a batch of rows, sealed by the intake zone, to halves for the registry.

Nothing is stored, and whoever carries the halves back cannot read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from huxin.errors import HuxinError
from huxin.nightly.frames import HALVES, PEOPLE, PURPOSES, read_table, table_bytes
from huxin.nightly.halves import Flags, Halves, row_halvers, types
from huxin.registry.blocks import blocks, from_column
from huxin.settings import Settings
from huxin.zones import blind
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY
from huxin.zones.secrets import receiving, signers
from huxin_privacy import keyring
from huxin_privacy.blind import ELEMENT_BYTES, element, message, oprf_key
from huxin_privacy.blind.sodium import is_element
from huxin_privacy.envelope import open_box, seal_envelope

COLUMNS = ("id_type", "id_canonical", "name_canonical", "mobile_canonical")
NOBODY = dict(
    zip(COLUMNS, (pl.UInt8(), pl.String(), pl.String(), pl.String()), strict=True)
)  # as polars types them
_SUITE, _EPOCH = b"huxin.suite", b"huxin.epoch"
# Of a row without a name or a number its half is sent too: digests of rows are made over it. Under each earlier key
# that something may hang on the halves stand in further columns, numbered from 1.
_PARTS = ("id", "name", "mobile")
_FLAGS = ("named", "called")
_ELEMENT, _BLIND = "element", b"huxin.oprf"
_MOST = 8  # epochs at once


@dataclass(frozen=True)
class Elements:
    """By what rows' people are known who come the blind way, and the epoch of the key that made it. Its repr shows
    none."""

    epoch: int
    made: list[bytes] = field(repr=False)


@dataclass(frozen=True)
class OfEpoch:
    """Rows' halves, and the suite and epoch of the key that made them."""

    halves: Halves
    suite: str
    epoch: int


class EntryRows:
    """The entry zone's keys as they were when the keyring was read. Its repr shows none."""

    def __init__(self, settings: Settings) -> None:
        """HuxinError H1708, H1709 (not the entry zone), H1706 (no card of the registry zone)."""
        self._registry = required(settings, ENTRY).card(REGISTRY).receiver
        self._secrets = receiving(settings, ENTRY)
        self._signer = signers(settings, ENTRY)[0]
        ring, present = keyring.open(settings.keys_dir, ENTRY), blind.present(settings)
        self._halvers = row_halvers(ring)
        self._blind = None if present is None else oprf_key(ring, present)

    def halve(self, belongs: bytes, box: bytes) -> bytes:
        """The envelope with the halves of the people in a box, both bound to what they belong to.

        PrivacyError P0151, P0170, P0172 (the box), HuxinError H1718 (its content).
        """
        return self.sealed(
            PURPOSES[HALVES], belongs, people_of(open_box(self._secrets, PEOPLE, belongs, box))
        )

    def sealed(self, purpose: str, belongs: bytes, rows: pl.DataFrame) -> bytes:
        """The halves of people as only the registry zone opens them."""
        made = [OfEpoch(each.of(rows), each.suite.name, each.epoch) for each in self._halvers]
        content = halves_bytes(made, self._elements(rows))
        return seal_envelope(self._signer, self._registry, purpose, belongs, content)

    def _elements(self, rows: pl.DataFrame) -> Elements | None:
        """Of everybody each time: who has met already, this zone is not to know, and the other two not from it."""
        key = self._blind
        if key is None:
            return None
        named = types()
        people = list(rows.select("id_type", "id_canonical").iter_rows())
        made = {each: element(key.secret, message(named[each[0]], each[1])) for each in dict.fromkeys(people)}
        return Elements(key.epoch, [made[each] for each in people])


def people_table(rows: pl.DataFrame) -> bytes:
    """The people of rows, as the entry zone takes them."""
    return table_bytes(rows.select(COLUMNS).to_arrow(compat_level=pl.CompatLevel.oldest()))


def people_of(content: bytes) -> pl.DataFrame:
    """What `people_table` wrote. HuxinError H1718."""
    table = read_table(content)
    kinds = [pa.uint8(), *[pa.large_string()] * 3]
    if (table.schema.names, table.schema.types) != (list(COLUMNS), kinds) or table["id_canonical"].null_count:
        raise HuxinError("H1718")
    return pl.DataFrame(pl.from_arrow(table))


def halves_bytes(made: Sequence[OfEpoch], elements: Elements | None = None) -> bytes:
    """Halves as the registry zone takes them, those of the active epoch first, with suites and epochs."""
    columns: dict[str, pa.Array] = {}
    for number, each in enumerate(made):
        found = (each.halves.ids, each.halves.names, each.halves.mobiles)
        columns |= {_column(name, number): blocks(part) for name, part in zip(_PARTS, found, strict=True)}
    own = made[0].halves
    columns |= {"named": pa.array(own.named), "called": pa.array(own.called)}
    told = {
        _SUITE: ",".join(each.suite for each in made).encode(),
        _EPOCH: ",".join(str(each.epoch) for each in made).encode(),
    }
    if elements is not None:
        columns[_ELEMENT] = pa.array(elements.made, pa.binary(ELEMENT_BYTES))
        told[_BLIND] = str(elements.epoch).encode()
    return table_bytes(pa.table(columns).replace_schema_metadata(told))


def elements_of(content: bytes) -> Elements | None:
    """The elements that `halves_bytes` wrote, if there were any. HuxinError H1718."""
    table = read_table(content)
    epoch = (table.schema.metadata or {}).get(_BLIND)
    if epoch is None:
        return None
    found = table.column(_ELEMENT).to_pylist() if _ELEMENT in table.column_names else []
    if (
        not epoch.isdigit()
        or len(found) != table.num_rows
        or not all(each and is_element(each) for each in found)
    ):
        raise HuxinError("H1718")
    return Elements(int(epoch), found)


def halves_of(content: bytes) -> list[OfEpoch]:
    """The halves that `halves_bytes` wrote. HuxinError H1718."""
    table = read_table(content)
    told = dict(table.schema.metadata or {})
    if told.pop(_BLIND, None) is not None and _ELEMENT in table.column_names:
        table = table.drop_columns(_ELEMENT)
    if set(told) != {_SUITE, _EPOCH}:
        raise HuxinError("H1718")
    suites, epochs = told[_SUITE].decode().split(","), told[_EPOCH].decode().split(",")
    good = 0 < len(suites) == len(epochs) <= _MOST and all(e.isascii() and e.isdigit() for e in epochs)
    if not good or not table.schema.equals(_schema(len(epochs))):
        raise HuxinError("H1718")
    if any(column.null_count for column in table.columns):
        raise HuxinError("H1718")
    named, called = (table[name].to_numpy(zero_copy_only=False) for name in _FLAGS)
    return [
        OfEpoch(_halves(table, number, named, called), suite, int(epoch))
        for number, (suite, epoch) in enumerate(zip(suites, epochs, strict=True))
    ]


def _halves(table: pa.Table, number: int, named: Flags, called: Flags) -> Halves:
    ids, names, mobiles = (from_column(table[_column(part, number)]) for part in _PARTS)
    return Halves(ids, names, mobiles, named, called)


def _schema(epochs: int) -> pa.Schema:
    parts = [(_column(name, number), pa.binary(16)) for number in range(epochs) for name in _PARTS]
    return pa.schema([*parts, *((name, pa.bool_()) for name in _FLAGS)])


def _column(name: str, number: int) -> str:
    return f"{name}@{number}" if number else name

"""The entry zone's part of the night: people of a batch of rows, sealed by the intake zone, to halves for the registry.

Nothing is stored, and whoever carries the halves back cannot read them.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from huxin.errors import HuxinError
from huxin.nightly.frames import HALVES, PEOPLE, PURPOSES, read_table, table_bytes
from huxin.nightly.halves import Halves, RowHalver
from huxin.registry.blocks import blocks, from_column
from huxin.settings import Settings
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY
from huxin.zones.secrets import receiving, signers
from huxin_privacy.envelope import open_box, seal_envelope

COLUMNS = ("id_type", "id_canonical", "name_canonical", "mobile_canonical")
_SUITE, _EPOCH = b"huxin.suite", b"huxin.epoch"
# Of a row without a name or a number its half is sent too: digests of rows are made over it.
_HALVES = pa.schema(
    [
        *((name, pa.binary(16)) for name in ("id", "name", "mobile")),
        *((name, pa.bool_()) for name in ("named", "called")),
    ]
)


class EntryRows:
    """The entry zone's keys as they were when the keyring was read. Its repr shows none."""

    def __init__(self, settings: Settings) -> None:
        """HuxinError H1708, H1709 (not the entry zone), H1706 (no card of the registry zone)."""
        self._registry = required(settings, ENTRY).card(REGISTRY).receiver
        self._secrets = receiving(settings, ENTRY)
        self._signer = signers(settings, ENTRY)[0]
        self._halver = RowHalver(settings)

    def halve(self, belongs: bytes, box: bytes) -> bytes:
        """The envelope with the halves of the people in a box, both bound to what they belong to.

        PrivacyError P0151, P0170, P0172 (the box), HuxinError H1718 (its content).
        """
        rows = people_of(open_box(self._secrets, PEOPLE, belongs, box))
        made = halves_bytes(self._halver.of(rows), self._halver.suite.name, self._halver.epoch)
        return seal_envelope(self._signer, self._registry, PURPOSES[HALVES], belongs, made)


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


def halves_bytes(made: Halves, suite: str, epoch: int) -> bytes:
    """Halves as the registry zone takes them, with the suite and the epoch that they were made under."""
    columns = [
        blocks(made.ids),
        blocks(made.names),
        blocks(made.mobiles),
        *map(pa.array, (made.named, made.called)),
    ]
    told = {_SUITE: suite.encode(), _EPOCH: str(epoch).encode()}
    return table_bytes(pa.table(columns, schema=_HALVES.with_metadata(told)))


def halves_of(content: bytes) -> tuple[Halves, str, int]:
    """What `halves_bytes` wrote: halves, suite, epoch. HuxinError H1718."""
    table = read_table(content)
    told = table.schema.metadata or {}
    if not table.schema.equals(_HALVES) or set(told) != {_SUITE, _EPOCH} or not told[_EPOCH].isdigit():
        raise HuxinError("H1718")
    if any(column.null_count for column in table.columns):
        raise HuxinError("H1718")
    ids, names, mobiles = (from_column(column) for column in table.columns[:3])
    named, called = (column.to_numpy(zero_copy_only=False) for column in table.columns[3:])
    return Halves(ids, names, mobiles, named, called), told[_SUITE].decode(), int(told[_EPOCH])

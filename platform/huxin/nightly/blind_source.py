"""The spools of a load, of files with people in them and without: elements as aliases under the present keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import numpy as np
import pyarrow as pa

from huxin.contract import BLIND
from huxin.enquiry.elements import Elements
from huxin.errors import HuxinError
from huxin.nightly import spool
from huxin.nightly.blind_rows import ELEMENT, EPOCH
from huxin.nightly.spool import Spool
from huxin.nightly.turner import Turner
from huxin.nightly.turning import Source
from huxin.registry import meeting
from huxin.registry.blind import generations
from huxin.registry.blocks import blocks
from huxin.registry.bulk import STALE_KEYS, BulkError
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection
from huxin.registry.submissions import Submission
from huxin.settings import Settings
from huxin.zones.layout import zone_of
from huxin.zones.roles import REGISTRY
from huxin_privacy import keyring
from huxin_privacy.generations import Rings

_PART = 5_000
_PLAIN = {"token": pa.binary(16), "scheme": pa.int16(), "mobile": pa.binary(16), "mobile_scheme": pa.int16()}


class EitherSource(Source):
    """As `Source`; what was spooled as elements comes as tokens of suite OPRF."""

    def __init__(self, settings: Settings, vault: Spool, items: Sequence[Submission], turner: Turner) -> None:
        self._direct = [item for item in items if item.contract != BLIND]
        super().__init__(vault, self._direct, turner)
        self._settings = settings
        self._blind = [item for item in items if item.contract == BLIND]
        self._elements = _elements(settings) if self._blind else None

    def claim(self, now: datetime) -> None:
        """Makes those known who come as elements and whom nobody knows, each with its element kept beside the alias.

        BulkError HX001 where a key was retired since this load read them.
        """
        for item in self._blind:
            for batch in self._vault.read_batches(item.id, spool.KEYS):
                self._claim(item, batch, now)

    def batches(self, item: Submission, stage: str) -> Iterator[pa.RecordBatch]:
        """As of Source, with the same columns."""
        if item.contract != BLIND:
            return super().batches(item, stage)
        batches = self._vault.read_batches(item.id, stage)
        return batches if stage == spool.LOANS else (self._aliased(item, batch) for batch in batches)

    def mark_schemes(self, items: Sequence[Submission]) -> dict[UUID, int] | None:
        """As of Source; rows without people have no marks, under whatever scheme."""
        found = super().mark_schemes([item for item in items if item.contract != BLIND])
        return found and {item.id: found.get(item.id, next(iter(found.values()))) for item in items}

    def _claim(self, item: Submission, batch: pa.RecordBatch, now: datetime) -> None:
        elements, made = self._present(item, batch)
        claims = [not deletes for deletes in batch.column("deletes").to_pylist()]
        wanted: dict[bytes, bool] = {}
        for each, claim in zip(made, claims, strict=True):
            wanted[each] = wanted.get(each, False) or claim
        with connection(self._settings) as database:
            keys = [(place, *elements.alias(each)) for place, each in enumerate(wanted)]
            known = meeting.many_known(database, keys)
        new = [item for place, item in enumerate(wanted.items()) if place not in known]
        try:
            for start in range(0, len(new), _PART):
                persons = [_person(elements, *each) for each in new[start : start + _PART]]
                meeting.many_meet(self._settings, persons, now)
        except HuxinError as error:
            raise BulkError(STALE_KEYS) if error.code == "H1601" else error from None

    def _aliased(self, item: Submission, batch: pa.RecordBatch) -> pa.RecordBatch:
        elements, made = self._present(item, batch)
        keys = [elements.alias(each) for each in made]
        tokens = np.frombuffer(b"".join(token for token, _ in keys), np.uint8).reshape(-1, 16)
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        del columns[ELEMENT]
        columns |= {"token": blocks(tokens), "scheme": pa.array([scheme for _, scheme in keys], pa.int16())}
        kinds = _PLAIN | {"digest": pa.int64()}
        for slot in self.slots:
            columns |= {slot[name]: pa.nulls(batch.num_rows, kind) for name, kind in kinds.items()}
            columns[slot["renews"]] = pa.array(np.zeros(batch.num_rows, np.bool_))
        return pa.record_batch(columns)

    def _present(self, item: Submission, batch: pa.RecordBatch) -> tuple[Elements, list[bytes]]:
        assert self._elements is not None, "there are blind submissions"
        elements, epoch = self._elements, int(item.facts[EPOCH])
        return elements, [elements.present(epoch, each) for each in batch.column(ELEMENT).to_pylist()]


def _person(elements: Elements, made: bytes, claim: bool) -> meeting.Person:
    known = elements.known(made)
    return meeting.Person((), known.keys, known.sealed, claim)


def _elements(settings: Settings) -> Elements:
    with connection(settings) as database:
        if zone_of(settings) == REGISTRY:
            found = Elements.of_registry(keyring.open(settings.keys_dir, REGISTRY), database)
        else:
            rings = Rings.open(settings.keys_dir)
            found = Elements.read(rings, generations(database), partial(scheme_ids, database))
    if found is None:
        raise HuxinError("H1801")
    return found

"""The registry zone's keys for a night: envelopes and boxes opened, tokens of halves, people who have met."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from huxin.enquiry.elements import Elements as Known
from huxin.enquiry.redeeming import TicketKeys
from huxin.nightly.frames import HALVES, PURPOSES
from huxin.nightly.halves import types
from huxin.nightly.halving import Elements, OfEpoch
from huxin.nightly.pseudonymize import Made
from huxin.nightly.tokenizer import RowTokens
from huxin.registry import meeting
from huxin.registry.blocks import from_column
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY
from huxin.zones.secrets import receiving
from huxin_privacy import keyring
from huxin_privacy.envelope import open_box, open_envelope
from huxin_privacy.suites import get_suite

_PART = 5_000  # people brought together at a time


class RegistryRows:
    """The registry zone's keys as they were when the keyrings were read. Its repr shows none."""

    def __init__(self, settings: Settings) -> None:
        """HuxinError H1708, H1709 (not the registry zone), H1706 (no card of the entry zone)."""
        self.settings = settings
        self._entry = required(settings, REGISTRY).card(ENTRY).sign
        self._secrets = receiving(settings, REGISTRY)
        self._ring = keyring.open(settings.keys_dir, REGISTRY)
        self.versions = {self._ring.zone: self._ring.version}
        self._tokens: dict[tuple[str, int], Made] = {}
        self._keys = TicketKeys(settings, self._ring)

    def blind(self) -> Known | None:
        """What is known of elements now; None where blind mode is off. The entry zone's keys are no files here."""
        with connection(self.settings) as database:
            return Known.of_registry(self._ring, database)

    def opened(self, kind: bytes, bound: bytes, content: bytes) -> bytes:
        """A piece's content. PrivacyError P0151, P0170-P0172."""
        if kind == HALVES:
            return self.from_entry(PURPOSES[kind], bound, content)
        return open_box(self._secrets, PURPOSES[kind], bound, content)

    def from_entry(self, purpose: str, bound: bytes, envelope: bytes) -> bytes:
        """The content of an envelope of the entry zone. PrivacyError P0151, P0170-P0172."""
        return open_envelope(self._entry, self._secrets, purpose, bound, envelope)

    def tokens(self, suite: str, epoch: int) -> Made:
        """What makes tokens of halves of that suite and entry epoch. PrivacyError P0101."""
        if (suite, epoch) not in self._tokens:
            tokens = RowTokens(self._ring, get_suite(suite), epoch)
            with connection(self.settings) as database:
                self._tokens[suite, epoch] = Made.by(tokens, database)
        return self._tokens[suite, epoch]

    def met(self, rows: pl.DataFrame, told: Sequence[OfEpoch], elements: Elements, keys: pa.Table) -> int:
        """Sees that the people of these rows have met those who come the blind way; how many were two subjects.

        HuxinError H1601 (keys), H1802 (elements of a key that is at work no longer).
        """
        blind = self.blind()
        if blind is None:
            return 0
        people = people_of_rows(rows, keys)
        with connection(self.settings) as database:
            met = meeting.many_met(database, list(people.select("number", "token", "scheme").iter_rows()))
        named, split = types(), 0
        left = people.filter(~pl.col("number").is_in(list(met)))
        for part in left.iter_slices(_PART):
            persons = [
                self.person(told, blind, elements, named[code], place, claim=not deletes)
                for code, place, deletes in part.select("id_type", "place", "deletes").iter_rows()
            ]
            split += meeting.many_meet(self.settings, persons, self.settings.now())
        return split

    def person(
        self,
        told: Sequence[OfEpoch],
        blind: Known | None,
        elements: Elements | None,
        id_type: str,
        place: int,
        *,
        claim: bool,
    ) -> meeting.Person:
        """Whom a row is about, by every key that leads to it. HuxinError H1802."""
        tokens = [
            token
            for each in told
            for token in self._keys.tokens(each.suite, each.epoch, id_type, each.halves.ids[place].tobytes())
        ]
        if blind is None or elements is None:
            return meeting.Person(tokens, (), (), claim)
        known = blind.known(blind.present(elements.epoch, elements.made[place]))
        return meeting.Person(tokens, known.keys, known.sealed, claim)


def people_of_rows(rows: pl.DataFrame, keys: pa.Table) -> pl.DataFrame:
    """Each token once: `number`, `token`, `scheme`, `id_type`, `place` of its first row, whether all rows delete."""
    tokens = from_column(keys["token"]).tobytes()
    return (
        rows.select("id_type")
        .with_row_index("place")
        .with_columns(
            token=pl.Series([tokens[at : at + 16] for at in range(0, len(tokens), 16)], dtype=pl.Binary),
            scheme=pl.Series(keys["scheme"].to_numpy()),
            deletes=pl.Series(keys["deletes"].to_numpy(zero_copy_only=False)),
        )
        .group_by("token", "scheme", maintain_order=True)
        .agg(pl.col("id_type", "place").first(), pl.col("deletes").all())
        .with_row_index("number")
    )

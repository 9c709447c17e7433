"""Where blind mode is on, people who are reported by an identifier meet those who come as an element.

Whoever sees an identifier can make its element: so before the tokens of a file are loaded, each person's element has an
alias beside them. Nearly all have one from the night before, and cost a look; only the others are evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl
import pyarrow as pa

from huxin.enquiry.elements import Elements
from huxin.enquiry.subject_keys import Keys, schemes_of
from huxin.nightly.halves import types
from huxin.registry import meeting
from huxin.registry.blind import generations
from huxin.registry.blocks import Blocks, from_column
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.generations import Rings

_PART = 5_000  # people brought together at a time


@dataclass
class Meeting:
    """Made once a step, of the keyrings as they were read. `split` counts people who were found to be two subjects."""

    settings: Settings
    elements: Elements
    keys: Keys
    split: int = 0

    @classmethod
    def of(cls, settings: Settings, rings: Rings) -> Meeting | None:
        """None where blind mode is off."""
        with connection(settings) as database:
            numbers = partial(scheme_ids, database)
            elements = Elements.read(rings, generations(database), numbers)
            if elements is None:
                return None
            return cls(settings, elements, Keys(rings, numbers(schemes_of(rings))))

    def bring(self, rows: pl.DataFrame, keys: pa.Table) -> None:
        """Sees that the people of these rows have met: `keys` are their tokens, rows in step. HuxinError H1601."""
        people = _people(rows, keys)
        with connection(self.settings) as database:
            met = meeting.many_met(database, list(people.select("number", "token", "scheme").iter_rows()))
        left = people.filter(~pl.col("number").is_in(list(met)))
        now = self.settings.now()
        for part in left.iter_slices(_PART):
            self.split += meeting.many_meet(self.settings, list(self._persons(part)), now)

    def settle(self) -> None:
        """Gives what is on record of merged subjects to those that they are."""
        meeting.rekey(self.settings)

    def _persons(self, people: pl.DataFrame) -> Iterator[meeting.Person]:
        named = types()
        for code, text, deletes in people.select("id_type", "id_canonical", "deletes").iter_rows():
            known = self.elements.known(self.elements.of(named[code], text))
            tokens = self.keys.tokens(named[code], text)
            yield meeting.Person(tokens, known.keys, known.sealed, claim=not deletes)


def _people(rows: pl.DataFrame, keys: pa.Table) -> pl.DataFrame:
    """Each token once: `number`, `token`, `scheme`, `id_type`, `id_canonical`, and whether all its rows delete."""
    tokens = from_column(keys["token"])
    return (
        rows.select("id_type", "id_canonical")
        .with_columns(
            token=pl.Series(_bytes(tokens), dtype=pl.Binary),
            scheme=pl.Series(keys["scheme"].to_numpy()),
            deletes=pl.Series(keys["deletes"].to_numpy(zero_copy_only=False)),
        )
        .group_by("token", "scheme", maintain_order=True)
        .agg(pl.col("id_type", "id_canonical").first(), pl.col("deletes").all())
        .with_row_index("number")
    )


def _bytes(tokens: Blocks) -> Sequence[bytes]:
    whole = tokens.tobytes()
    return [whole[place : place + 16] for place in range(0, len(whole), 16)]

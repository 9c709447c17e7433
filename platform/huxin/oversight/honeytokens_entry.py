"""Honeytokens of a split platform: the entry zone draws numbers and forgets them, the registry zone gets halves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

import polars as pl

from huxin.nightly.frames import BELONGS
from huxin.nightly.halves import types
from huxin.nightly.halving import NOBODY, EntryRows
from huxin.settings import Settings
from huxin.zones.calls import BYTES, Peer
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY

REGIONS: Final = "/zone/honeytokens/regions"
MAKE: Final = "/zone/honeytokens"
PURPOSE: Final = "honeytokens"
_SECONDS: Final = 300.0
_TYPE: Final = "resident_id"


class Maker:
    """The entry zone's part; made once a command."""

    def __init__(self, settings: Settings) -> None:
        """HuxinError H1709 (in another zone), H1706, H1710."""
        self._peer = Peer(required(settings, ENTRY), REGISTRY)
        self._rows = EntryRows(settings)
        self._code = next(code for code, name in types().items() if name == _TYPE)

    def make(self, numbers: Sequence[str]) -> int:
        """How many of these the registry zone made honeytokens of: those that lead to nobody. Errors of the call."""
        rows = pl.DataFrame(
            {
                "id_type": [self._code] * len(numbers),
                "id_canonical": list(numbers),
                "name_canonical": [None] * len(numbers),
                "mobile_canonical": [None] * len(numbers),
            },
            schema=NOBODY,
        )
        bound = os.urandom(16).hex()
        sealed = self._rows.sealed(PURPOSE, bound.encode(), rows)
        headers = {BELONGS: bound}
        reply = self._peer.call("POST", MAKE, sealed, kind=BYTES, seconds=_SECONDS, headers=headers)
        return int(reply.json()["made"])


def regions_there(settings: Settings) -> list[str]:
    """The regions that many loans name: codes of counties, and nothing of any loan. Errors of the call."""
    said = Peer(required(settings, ENTRY), REGISTRY).call("GET", REGIONS).json()
    return [str(each) for each in said["regions"]]

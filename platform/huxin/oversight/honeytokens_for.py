"""The registry zone's part of honeytokens: halves that lead to nobody become aliases that ring."""

from __future__ import annotations

from huxin.errors import HuxinError
from huxin.nightly.halving import elements_of, halves_of
from huxin.nightly.registry_rows import RegistryRows
from huxin.oversight.honeytokens import claim
from huxin.oversight.honeytokens_entry import PURPOSE
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.session import connection

_TYPE = "resident_id"


def make_for(keys: RegistryRows, belongs: bytes, envelope: bytes) -> int:
    """Makes honeytokens of an envelope of the entry zone, and notes the act; how many.

    HuxinError H1718 (its content); PrivacyError P0151, P0170-P0172 (not of the entry zone, or not for this one).
    """
    content = keys.from_entry(PURPOSE, belongs, envelope)
    told, elements, blind = halves_of(content), elements_of(content), keys.blind()
    if not len(told[0].halves.ids):
        raise HuxinError("H1718")
    places = range(len(told[0].halves.ids))
    persons = [keys.person(told, blind, elements, _TYPE, place, claim=True) for place in places]
    with connection(keys.settings) as database:
        made = claim(keys.settings, database, persons)
        note_operator_act(database, "honeytokens.made", {"count": made}, keys.settings.now())
    return made

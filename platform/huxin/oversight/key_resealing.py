"""Exchanging the key-encryption key of a zone, as an act on record."""

from __future__ import annotations

from huxin import faults
from huxin.oversight import acts_elsewhere
from huxin.oversight.key_epochs import recorded
from huxin.registry import key_acts
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import resealing
from huxin_privacy.resealing import Resealed


def reseal(settings: Settings, zone: str, given: bytes | None = None) -> Resealed:
    """Seals the zone's keyring under another key-encryption key: `given` as a key file holds it, or a random one.

    Killed anywhere, everything opens, and the same call goes on. PrivacyError as `huxin_privacy.resealing.reseal`.
    """
    if not recorded(settings):
        made = resealing.reseal(settings.keys_dir, zone, given)
        ring = made.keyring
        acts_elsewhere.note(settings, ring, ring.active, "keys.resealed", {"pending": made.pending})
        return made
    with connection(settings) as database:
        key_acts.take_turn(database)
        made = resealing.reseal(settings.keys_dir, zone, given)
        faults.reach("keys.written")
        facts = {"zone": zone, "version": made.keyring.version, "pending": made.pending}
        note_operator_act(database, "keys.resealed", facts, settings.now())
    return made

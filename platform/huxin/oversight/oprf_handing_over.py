"""The entry zone's part of another OPRF key: δ = k'/k goes to the registry zone, sealed to it and signed."""

from __future__ import annotations

from typing import Final

from huxin.errors import HuxinError
from huxin.nightly.frames import BELONGS
from huxin.settings import Settings
from huxin.zones import blind
from huxin.zones.calls import BYTES, Peer
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY
from huxin.zones.secrets import signers
from huxin_privacy import keyring
from huxin_privacy.blind import oprf_key
from huxin_privacy.blind.keys import step
from huxin_privacy.envelope import seal_envelope

STEP: Final = "/zone/blind/step"
PURPOSE: Final = "oprf-step"


def hand_over_step(settings: Settings) -> None:
    """Makes the active entry key that of blind mode. Killed, it is run again.

    HuxinError H1801 (blind mode is off), and those of the call; PrivacyError P0118 (the key before is destroyed).
    """
    ring, before = keyring.open(settings.keys_dir, ENTRY), blind.present(settings)
    if before is None:
        raise HuxinError("H1801")
    if before == ring.active:
        return
    old, new = oprf_key(ring, before), oprf_key(ring)
    peer, bound = Peer(required(settings, ENTRY), REGISTRY), f"{before}/{new.epoch}"
    content = new.public + step(old, new)
    sealed = seal_envelope(signers(settings, ENTRY)[0], peer.card.receiver, PURPOSE, bound.encode(), content)
    peer.call("POST", STEP, sealed, kind=BYTES, headers={BELONGS: bound})
    blind.make_present(settings, new.epoch)

"""Turning blind mode on: here, or in the registry zone for the entry zone, whose key it is."""

from __future__ import annotations

from huxin.enquiry.evaluating_entry import turn_on_elsewhere
from huxin.registry.blind import Generation, generations, turn_on
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import required, zone_of
from huxin.zones.roles import ENTRY, REGISTRY
from huxin_privacy import keyring
from huxin_privacy.blind import oprf_key


def turn_on_blind(settings: Settings) -> bool:
    """Turns blind mode on with the active entry key; false where it was on. PrivacyError P0160 (no libsodium).

    Where the platform is split this is the entry zone's to say: HuxinError H1709 elsewhere, and those of the call.
    """
    if zone_of(settings) is not None:
        required(settings, ENTRY)
        return turn_on_elsewhere(settings)
    entry = keyring.open(settings.keys_dir, "entry")
    key = oprf_key(entry)
    turned, _ = _turned(settings, key.epoch, key.public)
    if turned:
        keyring.touch(entry)  # every process that holds keys learns of it with them
    return turned


def turn_on_for(settings: Settings, epoch: int, public: bytes) -> tuple[bool, int]:
    """The registry zone's part: whether it was turned on now, and the epoch that elements are made under.

    Its processes look for what is at work themselves: whoever serves a zone may not write to its keyrings.
    """
    required(settings, REGISTRY)
    return _turned(settings, epoch, public)


def _turned(settings: Settings, epoch: int, public: bytes) -> tuple[bool, int]:
    with connection(settings) as database:
        turned = turn_on(database, Generation(epoch, public), settings.now())
        return turned, generations(database)[0].epoch

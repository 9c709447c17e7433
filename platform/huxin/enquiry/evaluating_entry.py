"""The entry zone's calls for blind mode: it holds the key, the registry zone knows members' quotas and what is on."""

from __future__ import annotations

import json
from typing import Any, Final

from huxin.registry.gathering import Quota
from huxin.settings import Settings
from huxin.zones import blind
from huxin.zones.calls import Peer
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY
from huxin_privacy import keyring
from huxin_privacy.blind import oprf_key

TAKE: Final = "/zone/blind/take"
ON: Final = "/zone/blind/on"
_SECONDS: Final = 10.0


def taken_elsewhere(settings: Settings, member_id: int, epoch: int, count: int) -> Quota:
    """Counts a member's elements; nothing else of them leaves here. HuxinErrors as evaluating.taken, and the call's."""
    said = _called(settings, TAKE, {"member_id": member_id, "epoch": epoch, "count": count})
    return Quota(**said)


def turn_on_elsewhere(settings: Settings) -> bool:
    """Turns blind mode on with the active entry key; false where it was on before. HuxinErrors of the call, P0160."""
    key = oprf_key(keyring.open(settings.keys_dir, "entry"))
    said = _called(settings, ON, {"epoch": key.epoch, "public": key.public.hex()})
    # Killed here, tickets hold no elements until this is run again: who comes in the meantime meets a little later.
    if said["turned"] or blind.present(settings) is None:
        blind.make_present(settings, int(said["epoch"]))
    return bool(said["turned"])


def _called(settings: Settings, path: str, body: dict[str, Any]) -> Any:
    peer = Peer(required(settings, ENTRY), REGISTRY)
    return peer.call("POST", path, json.dumps(body).encode(), seconds=_SECONDS).json()

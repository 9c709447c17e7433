"""A zone's card: everything that the other zones need to know of it, and nothing that is secret.

Operators hand cards to each other; whose card it is, they see for themselves. A zone whose keys change a generation
gives out its card anew, before the new one is made the active one.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from huxin.errors import HuxinError
from huxin.zones.roles import ROLES
from huxin_privacy.envelope import Receiver

FORMAT: Final = "huxin-zone-card/1"
_KEY_BYTES: Final = 32


@dataclass(frozen=True)
class Card:
    """`issuer` (PEM) vouches for the zone's certificates. Keys are raw, by epoch, the active one first.

    `tokens` are the keys (Ed25519) that access tokens are checked with and `address` what these name as their issuer;
    both are the registry zone's alone.
    """

    zone: str
    issuer: str
    seal: Mapping[int, bytes]
    sign: Mapping[int, bytes]
    tokens: Mapping[int, bytes]
    address: str = ""

    @property
    def receiver(self) -> Receiver:
        """The key to seal to now."""
        epoch, public = next(iter(self.seal.items()))
        return Receiver(epoch, public)


def card_text(card: Card) -> str:
    """The card as JSON."""
    keys = {name: _told(getattr(card, name)) for name in ("seal", "sign", "tokens")}
    told = {"format": FORMAT, "zone": card.zone, "issuer": card.issuer, **keys, "address": card.address}
    return json.dumps(told, indent=1) + "\n"


def read_card(text: str | bytes) -> Card:
    """What `card_text` wrote. HuxinError H1705."""
    try:
        said = json.loads(text)
        keys = {name: _keys(said[name]) for name in ("seal", "sign", "tokens")}
        card = Card(said["zone"], said["issuer"], **keys, address=said["address"])
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise HuxinError("H1705") from None
    words = isinstance(card.issuer, str) and isinstance(card.address, str)
    if said["format"] != FORMAT or card.zone not in ROLES or not (words and card.seal and card.sign):
        raise HuxinError("H1705")
    return card


def _told(keys: Mapping[int, bytes]) -> list[dict[str, Any]]:
    return [{"epoch": epoch, "public": base64.b64encode(public).decode()} for epoch, public in keys.items()]


def _keys(said: list[dict[str, Any]]) -> dict[int, bytes]:
    found = {int(each["epoch"]): base64.b64decode(each["public"], validate=True) for each in said}
    if any(len(public) != _KEY_BYTES for public in found.values()):
        raise ValueError("the length of a key")
    return found

"""What the registry zone knows an element by: 16 bytes under its own key, as tokens are of halves.

alias = HMAC-SHA256(K_registry[suite OPRF, type identifier, use oprf-alias], element)[:16]

It cannot be taken back to the element, so that is kept sealed beside it: a new key of either zone needs it.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huxin_privacy.blind.keys import SUITE, TYPE
from huxin_privacy.blind.sodium import ELEMENT_BYTES, is_element
from huxin_privacy.errors import PrivacyError
from huxin_privacy.keyring import Keyring
from huxin_privacy.macs import Mac
from huxin_privacy.sealing import seal, unseal

ALIAS_BYTES: Final = 16
USE: Final = "oprf-alias"


class Aliasing:
    """Aliases, and elements sealed beside them, under one epoch of the registry zone. Its repr shows no key."""

    def __init__(self, registry: Keyring, epoch: int) -> None:
        """PrivacyError P0117 (no such epoch), P0118 (destroyed)."""
        self._mac = Mac(registry.key(USE, TYPE, epoch, suite=SUITE), "sha256").digest
        self._cipher = AESGCM(registry.key("seal", "element", epoch, suite=SUITE))

    def alias(self, element: bytes) -> bytes:
        """The 16 bytes that an element is found by. PrivacyError P0104 (not 32 bytes)."""
        if len(element) != ELEMENT_BYTES:
            raise PrivacyError("P0104")
        return self._mac(element)[:ALIAS_BYTES]

    def sealed(self, element: bytes) -> bytes:
        """The element for the place beside its alias, and for no other."""
        return seal(self._cipher, element, self.alias(element))

    def opened(self, alias: bytes, sealed: bytes) -> bytes:
        """What stands beside an alias. PrivacyError P0200 (changed, or another's)."""
        try:
            element = unseal(self._cipher, sealed, alias)
        except (InvalidTag, ValueError):
            raise PrivacyError("P0200") from None
        if not is_element(element) or self.alias(element) != alias:
            raise PrivacyError("P0200")
        return element

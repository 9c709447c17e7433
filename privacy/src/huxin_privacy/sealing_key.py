"""The platform's public key for sealed submissions, as one line that people can copy and compare.

huxin-seal+<8 hex digits>+<base64 of the 32 bytes>      the digits are the start of SHA-256("huxin-seal" ‖ LF ‖ key)
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from huxin_privacy.errors import PrivacyError
from huxin_privacy.hpke import KEY_BYTES

NAME: Final = "huxin-seal"
ID_BYTES: Final = 4


@dataclass(frozen=True)
class SealingKey:
    """An X25519 public key (32 bytes)."""

    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that say in a sealed file which key it is for."""
        return sha256(NAME.encode() + b"\n" + self.public).digest()[:ID_BYTES]

    @property
    def text(self) -> str:
        """The key as one line."""
        return f"{NAME}+{self.id.hex()}+{base64.b64encode(self.public).decode()}"


def parse_sealing_key(line: str) -> SealingKey:
    """Reads a key's line. PrivacyError P0158 when it is none, or its digits are another key's: a slip in copying."""
    name, _, rest = line.strip().partition("+")
    digits, _, encoded = rest.partition("+")
    try:
        key = SealingKey(base64.b64decode(encoded, validate=True))
    except ValueError:
        raise PrivacyError("P0158") from None
    if name != NAME or len(key.public) != KEY_BYTES or key.id.hex() != digits:
        raise PrivacyError("P0158")
    return key

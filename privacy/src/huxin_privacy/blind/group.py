"""Hashing to ristretto255 as RFC 9497, 4.1 names it: ristretto255-SHA512 in the verifiable mode."""

from __future__ import annotations

from hashlib import sha512
from typing import Final

from huxin_privacy.blind.sodium import IDENTITY, WIDE_BYTES, element_from, scalar_from
from huxin_privacy.derivation import prefixed
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hashing import LONGEST
from huxin_privacy.tokens import DOMAIN

MODE: Final = 1  # VOPRF
CONTEXT: Final = b"OPRFV1-" + bytes([MODE]) + b"-ristretto255-SHA512"
_PADDED: Final = sha512(bytes(128))  # Z_pad: one block of zeros, hashed once


def message(id_type: str, canonical: str) -> bytes:
    """What of an identifier is hashed to an element: the very bytes that a half is made of. PrivacyError P0105."""
    text = canonical.encode()
    if len(text) > LONGEST:
        raise PrivacyError("P0105")
    return DOMAIN + prefixed(id_type.encode(), text)


def hash_to_group(content: bytes) -> bytes:
    """HashToGroup: the element of some bytes. PrivacyError P0161 for what nobody will ever find."""
    element = element_from(expand(content, b"HashToGroup-" + CONTEXT))
    if element == IDENTITY:
        raise PrivacyError("P0161", place=1)
    return element


def hash_to_scalar(content: bytes) -> bytes:
    """HashToScalar."""
    return scalar_from(expand(content, b"HashToScalar-" + CONTEXT))


def expand(content: bytes, domain: bytes) -> bytes:
    """expand_message_xmd of RFC 9380, 5.3.1 with SHA-512, for the 64 bytes that both hashes need: one block."""
    suffix = domain + bytes([len(domain)])
    first = _PADDED.copy()
    first.update(content + WIDE_BYTES.to_bytes(2, "big") + b"\0" + suffix)
    return sha512(first.digest() + b"\1" + suffix).digest()

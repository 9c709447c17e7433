"""The proof that one key was used for a whole batch (RFC 9497, 2.2): equality of discrete logarithms."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from hashlib import sha512
from typing import Final

from huxin_privacy.blind import sodium
from huxin_privacy.blind.group import CONTEXT, hash_to_scalar
from huxin_privacy.blind.sodium import SCALAR_BYTES
from huxin_privacy.derivation import prefixed
from huxin_privacy.errors import PrivacyError

PROOF_BYTES: Final = 2 * SCALAR_BYTES
LARGEST: Final = 65_535  # elements in a batch: their places are hashed as two bytes


def prove(
    secret: bytes,
    public: bytes,
    blinded: Sequence[bytes],
    evaluated: Sequence[bytes],
    nonce: bytes | None = None,
) -> bytes:
    """The 64 bytes that prove evaluated[i] = secret * blinded[i] for all i, where public = secret * generator.

    `nonce` is for known answers only: the same one for two batches gives the key away. PrivacyError P0162
    (no element, or more than LARGEST).
    """
    drawn = sodium.random_scalar() if nonce is None else nonce
    mixed = sodium.weighted_sum(list(_weights(public, blinded, evaluated)), blinded)
    product = sodium.multiply(secret, mixed)
    commitments = sodium.multiply_base(drawn), sodium.multiply(drawn, mixed)
    challenge = _challenge(public, mixed, product, *commitments)
    return challenge + sodium.scalar_difference(drawn, sodium.scalar_product(challenge, secret))


def proven(public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes) -> bool:
    """Whether `proof` is one for these elements under the key behind `public`; false for anything malformed."""
    challenge, response = proof[:SCALAR_BYTES], proof[SCALAR_BYTES:]
    if not (sodium.is_scalar(challenge) and sodium.is_scalar(response)):
        return False
    try:
        weights = list(_weights(public, blinded, evaluated))
        mixed, product = (sodium.weighted_sum(weights, each) for each in (blinded, evaluated))
        to_base = sodium.add(sodium.multiply_base(response), sodium.multiply(challenge, public))
        to_mixed = sodium.add(sodium.multiply(response, mixed), sodium.multiply(challenge, product))
    except PrivacyError:
        return False
    return hmac.compare_digest(_challenge(public, mixed, product, to_base, to_mixed), challenge)


def _weights(public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes]) -> Iterator[bytes]:
    """A scalar for each pair that nobody can choose: it hangs on the key and on both elements."""
    if not 1 <= len(blinded) <= LARGEST:
        raise PrivacyError("P0162", count=len(blinded), most=LARGEST)
    seed = prefixed(sha512(prefixed(public, b"Seed-" + CONTEXT)).digest())
    for place, (before, after) in enumerate(zip(blinded, evaluated, strict=True)):
        yield hash_to_scalar(seed + place.to_bytes(2, "big") + prefixed(before, after) + b"Composite")


def _challenge(*elements: bytes) -> bytes:
    return hash_to_scalar(prefixed(*elements) + b"Challenge")

"""The OPRF key of the entry zone: a scalar a generation, and the element by which everybody may know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from huxin_privacy.blind import sodium

if TYPE_CHECKING:  # a member's machine has no keyring, and Windows not what keyrings are locked with
    from huxin_privacy.keyring import Keyring

SUITE: Final = "OPRF"
USE: Final = "oprf"
# One key for identifiers of every type: the type is hashed in, and a batch does not tell which types it holds.
TYPE: Final = "identifier"


@dataclass(frozen=True)
class OprfKey:
    """One generation: `public` = `secret` times the generator. Its repr shows no secret."""

    epoch: int
    public: bytes
    secret: bytes = field(repr=False)


def oprf_key(entry: Keyring, epoch: int | None = None) -> OprfKey:
    """The key of an epoch of the entry zone's keyring, by default of the active one.

    The scalar is 64 bytes of HKDF, reduced: uniform but for 2^-259. PrivacyError P0117, P0118 (see Keyring.key).
    """
    number = entry.active if epoch is None else epoch
    wide = entry.key(USE, TYPE, number, suite=SUITE, length=sodium.WIDE_BYTES)
    secret = sodium.scalar_from(wide)
    return OprfKey(number, sodium.multiply_base(secret), secret)


def step(old: OprfKey, new: OprfKey) -> bytes:
    """δ = k'/k: times an element of the old generation it is the same identifier's of the new one.

    It is as secret as the keys: with it and one of them the other is known.
    """
    return sodium.scalar_product(new.secret, sodium.inverse(old.secret))

"""The intake zone's key pairs for sealed submissions: one an epoch, drawn from the zone's root like its other keys."""

from __future__ import annotations

from dataclasses import dataclass

from huxin_privacy.hpke import KeyPair, key_pair
from huxin_privacy.keyring import Keyring
from huxin_privacy.sealing_key import SealingKey


@dataclass(frozen=True)
class EpochKey:
    """The public key of one epoch, with the epoch's state."""

    key: SealingKey
    epoch: int
    state: str


def sealing_pair(intake: Keyring, epoch: int) -> KeyPair:
    """The pair of an epoch. PrivacyError P0117 (no such epoch), P0118 (destroyed)."""
    return key_pair(intake.key("seal", "sealed-submission", epoch))


def sealing_keys(intake: Keyring) -> tuple[EpochKey, ...]:
    """The keys that are opened, the active one first: with it members seal."""
    return tuple(
        EpochKey(SealingKey(sealing_pair(intake, number).public), number, intake.epoch(number).state)
        for number in intake.usable()
    )


def private_for(intake: Keyring, id_: bytes) -> bytes | None:
    """The private half for a key's id; None when it is no usable epoch's."""
    for number in intake.usable():
        pair = sealing_pair(intake, number)
        if SealingKey(pair.public).id == id_:
            return pair.private
    return None

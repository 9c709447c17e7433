"""Exchanging the key-encryption key of a zone: the keys stay, the file that holds them is sealed anew.

The next key first lies beside the keyring, where whoever reads the keyring finds it too; then the file is sealed under
it; then it takes the present one's place. After a kill between any two of these everything opens, and the same call
goes on.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from pathlib import Path

from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import put_in_place, sync_folder, write_atomic
from huxin_privacy.kek import (
    decoded,
    fresh,
    kek_path,
    key_encryption_key,
    lies_beside,
    next_kek_path,
    next_key,
)
from huxin_privacy.keyring import Keyring


@dataclass(frozen=True)
class Resealed:
    """The keyring under its new key; `pending` while the old one still stands in the environment, Vault or a mounted
    folder: the new one has to be put there, then the same call ends the exchange."""

    keyring: Keyring
    pending: bool


def reseal(directory: Path, zone: str, given: bytes | None = None) -> Resealed:
    """Gives the zone's keyring another key-encryption key: `given` (as a key file holds it) or a random one.

    PrivacyError P0128 when another exchange is under way than the one to `given`, P0112, and those of `keyring.open`.
    """
    ring = keyring.open(directory, zone)
    wanted = None if given is None else decoded(given, zone)
    coming, present = next_key(directory, zone), key_encryption_key(directory, zone)
    if coming is None:
        if wanted is not None and hmac.compare_digest(wanted, present):
            return Resealed(ring, pending=False)
        write_atomic(next_kek_path(directory, zone), given or fresh(), replace=False)
        coming = next_key(directory, zone)
        assert coming is not None, "it was written just now"
    elif wanted is not None and not hmac.compare_digest(wanted, coming):
        raise PrivacyError("P0128", zone=zone, path=next_kek_path(directory, zone))
    if not ring.is_under(coming):
        ring = keyring.sealed_under(ring, coming)
    return Resealed(ring, pending=not _settled(directory, zone, coming))


def _settled(directory: Path, zone: str, coming: bytes) -> bool:
    """Puts the next key in the present one's place where that is a file here; otherwise whether somebody has."""
    path = next_kek_path(directory, zone)
    if lies_beside(directory, zone):
        put_in_place(path, kek_path(directory, zone))
    elif hmac.compare_digest(key_encryption_key(directory, zone), coming):
        path.unlink()
        sync_folder(directory)
    else:
        return False
    return True

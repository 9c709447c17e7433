"""The key-encryption key of a zone: from the environment, from Vault, or from a file only its owner can read."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from huxin_privacy import kek_vault
from huxin_privacy.derivation import KEY_BYTES
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import read_private, write_atomic


def kek_variable(zone: str) -> str:
    """The environment variable that holds the zone's key-encryption key: base64 of 32 bytes."""
    return f"HUXIN_KEK_{zone.upper()}"


def kek_path(directory: Path, zone: str) -> Path:
    """The file that holds it when the variable is not set: below HUXIN_KEK_DIR, else beside the keyring."""
    return Path(os.environ.get("HUXIN_KEK_DIR") or directory) / f"{zone}.kek"


def create_kek(directory: Path, zone: str) -> bool:
    """Make a random key file (0600) unless variable or file is there already; True when one was made.

    None is made below HUXIN_KEK_DIR, and none in Vault: these are filled by whoever keeps the secrets.
    """
    path = kek_path(directory, zone)
    if not lies_beside(directory, zone) or path.exists():
        return False
    try:
        write_atomic(path, fresh(), replace=False)
    except FileExistsError:
        return False
    return True


def fresh() -> bytes:
    """A random key as a key file holds it."""
    return base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"


def next_kek_path(directory: Path, zone: str) -> Path:
    """Where the next key lies while it takes the place of the present one: always beside the keyring."""
    return directory / f"{zone}.kek.next"


def next_key(directory: Path, zone: str) -> bytes | None:
    """The key that is about to be the zone's, or None. PrivacyError P0111, P0112."""
    try:
        return decoded(read_private(next_kek_path(directory, zone)), zone)
    except FileNotFoundError:
        return None


def lies_beside(directory: Path, zone: str) -> bool:
    """Whether the present key is the file beside the keyring, which may be replaced here."""
    elsewhere = os.environ.get(kek_variable(zone)) or os.environ.get("HUXIN_KEK_DIR") or kek_vault.is_set()
    return not elsewhere


def key_encryption_key(directory: Path, zone: str) -> bytes:
    """The zone's 32 bytes: the variable first, then Vault where it is named, then the file.

    PrivacyError P0110 (none), P0111 (the file's mode is wider than 0600), P0112 (not base64 of 32 bytes), and those of
    `kek_vault.from_vault`.
    """
    return decoded(_encoded(directory, zone), zone)


def decoded(encoded: bytes, zone: str) -> bytes:
    """The 32 bytes that base64 stands for. PrivacyError P0112."""
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        raise PrivacyError("P0112", zone=zone) from None
    if len(key) != KEY_BYTES:
        raise PrivacyError("P0112", zone=zone)
    return key


def _encoded(directory: Path, zone: str) -> bytes:
    variable, path = kek_variable(zone), kek_path(directory, zone)
    if text := os.environ.get(variable):
        return text.encode()
    if kek_vault.is_set():
        return kek_vault.from_vault(zone)
    try:
        return read_private(path)
    except FileNotFoundError:
        raise PrivacyError("P0110", zone=zone, variable=variable, path=path) from None

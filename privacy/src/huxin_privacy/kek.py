"""The key-encryption key of a zone: from the environment, or from a file only its owner can read."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from pathlib import Path

from huxin_privacy.derivation import KEY_BYTES
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import write_atomic


def kek_variable(zone: str) -> str:
    """The environment variable that holds the zone's key-encryption key: base64 of 32 bytes."""
    return f"HUXIN_KEK_{zone.upper()}"


def kek_path(directory: Path, zone: str) -> Path:
    """The file that holds it when the variable is not set: below HUXIN_KEK_DIR, else beside the keyring."""
    return Path(os.environ.get("HUXIN_KEK_DIR") or directory) / f"{zone}.kek"


def create_kek(directory: Path, zone: str) -> bool:
    """Make a random key file (0600) unless variable or file is there already; True when one was made.

    None is made below HUXIN_KEK_DIR: that folder is filled by whoever keeps the secrets.
    """
    path = kek_path(directory, zone)
    if os.environ.get(kek_variable(zone)) or os.environ.get("HUXIN_KEK_DIR") or path.exists():
        return False
    try:
        write_atomic(path, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n", replace=False)
    except FileExistsError:
        return False
    return True


def key_encryption_key(directory: Path, zone: str) -> bytes:
    """The zone's 32 bytes: the variable first, then the file.

    PrivacyError P0110 (neither), P0111 (the file's mode is wider than 0600), P0112 (not base64 of 32 bytes).
    """
    variable, path = kek_variable(zone), kek_path(directory, zone)
    text = os.environ.get(variable)
    encoded = text.encode() if text else _read_private(path, zone, variable)
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        raise PrivacyError("P0112", zone=zone) from None
    if len(key) != KEY_BYTES:
        raise PrivacyError("P0112", zone=zone)
    return key


def _read_private(path: Path, zone: str, variable: str) -> bytes:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise PrivacyError("P0110", zone=zone, variable=variable, path=path) from None
    with file:
        # Of the opened file, not of the name: nobody can swap it in between.
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o177:
            raise PrivacyError("P0111", path=path, mode=f"{mode:04o}")
        return file.read()

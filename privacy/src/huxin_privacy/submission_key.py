"""The key of one submission, in its spool folder; dropping it forgets every file sealed under it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag

from huxin_privacy.derivation import KEY_BYTES, prefixed
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import sync_folder, write_atomic
from huxin_privacy.keyring import Keyring
from huxin_privacy.sealing import NONCE_BYTES, TAG_BYTES, seal, unseal

FILE_NAME: Final = "key"
MAGIC: Final = b"HXKEY\x00\x00\x01"
_EPOCH_BYTES: Final = 4
_LENGTH: Final = len(MAGIC) + _EPOCH_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES


@dataclass(frozen=True)
class SubmissionKey:
    """An opened submission key; its repr shows no secret."""

    submission: str
    secret: bytes = field(repr=False)

    @classmethod
    def create(cls, folder: Path, keyring: Keyring, submission: str, *, fsync: bool = True) -> SubmissionKey:
        """A random key, wrapped under the keyring's active seal key into `folder/key` (0600).

        PrivacyError P0136 when the folder has a key already.
        """
        made = cls(submission, os.urandom(KEY_BYTES))
        try:
            content = _wrapped(keyring, keyring.active, made)
            write_atomic(folder / FILE_NAME, content, replace=False, fsync=fsync)
        except FileExistsError:
            raise PrivacyError("P0136", submission=submission) from None
        return made

    @classmethod
    def load(cls, folder: Path, keyring: Keyring, submission: str) -> SubmissionKey:
        """The key in `folder/key`.

        PrivacyError P0134 (gone), P0135 (damaged, or another submission's), P0117, P0118 (keyring epoch).
        """
        try:
            content = (folder / FILE_NAME).read_bytes()
        except FileNotFoundError:
            raise PrivacyError("P0134", submission=submission) from None
        if len(content) != _LENGTH or not content.startswith(MAGIC):
            raise PrivacyError("P0135", submission=submission)
        epoch = int.from_bytes(content[len(MAGIC) :][:_EPOCH_BYTES], "big")
        wrapped = content[len(MAGIC) + _EPOCH_BYTES :]
        try:
            secret = unseal(_wrapping(keyring, epoch), wrapped, _associated(submission, epoch))
        except InvalidTag:
            raise PrivacyError("P0135", submission=submission) from None
        return cls(submission, secret)


def epoch_of(folder: Path) -> int | None:
    """The keyring's epoch under which `folder/key` is wrapped; None where there is no key that can be read."""
    try:
        content = (folder / FILE_NAME).read_bytes()
    except FileNotFoundError:
        return None
    if len(content) != _LENGTH or not content.startswith(MAGIC):
        return None
    return int.from_bytes(content[len(MAGIC) :][:_EPOCH_BYTES], "big")


def rewrap(folder: Path, keyring: Keyring, submission: str, *, fsync: bool = True) -> None:
    """Wraps the key in `folder/key` under the active epoch. Nobody may drop it meanwhile. Errors as `load`."""
    held = SubmissionKey.load(folder, keyring, submission)
    write_atomic(folder / FILE_NAME, _wrapped(keyring, keyring.active, held), fsync=fsync)


def exists(folder: Path) -> bool:
    """Whether the submission's files can still be read."""
    return (folder / FILE_NAME).exists()


def drop(folder: Path, *, fsync: bool = True) -> bool:
    """Remove `folder/key`: what was sealed under it is lost for good. True when there was one.

    The bytes are overwritten first, as far as the file system lets that reach the disk; the wrapping key
    in the keyring guards what it keeps elsewhere.
    """
    path = folder / FILE_NAME
    try:
        with path.open("r+b") as file:
            file.write(bytes(_LENGTH))
            file.flush()
            if fsync:
                os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return False
    if fsync:
        sync_folder(folder)
    return True


def _wrapped(keyring: Keyring, epoch: int, key: SubmissionKey) -> bytes:
    wrapped = seal(_wrapping(keyring, epoch), key.secret, _associated(key.submission, epoch))
    return MAGIC + epoch.to_bytes(_EPOCH_BYTES, "big") + wrapped


def _wrapping(keyring: Keyring, epoch: int) -> bytes:
    return keyring.key("seal", "submission", epoch)


def _associated(submission: str, epoch: int) -> bytes:
    return prefixed(b"huxin/v1/submission-key", submission.encode(), epoch.to_bytes(_EPOCH_BYTES, "big"))

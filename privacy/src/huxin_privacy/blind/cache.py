"""The elements a member has already: sealed on its disk, so that a nightly file costs what is new in it.

    magic (8) ‖ epoch (4) ‖ public key (32)     then blocks of: count of entries (4) ‖ nonce (12) ‖ AES-256-GCM of them

An entry is the first 16 bytes of HMAC(local key, message) ‖ element: no identifier, and nothing to compare with another
member's cache. Everything hangs on the local key (32 bytes in a file of mode 0600 that is made when there is none):
without it the file is noise. One file an OPRF key: a new key begins a new one, and what was made under others goes.
A block that a kill cut short is dropped and its identifiers are evaluated again; one that was changed is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huxin_privacy.blind.pinned import PublicKey
from huxin_privacy.blind.sodium import ELEMENT_BYTES
from huxin_privacy.derivation import KEY_BYTES, hkdf_sha256
from huxin_privacy.errors import PrivacyError
from huxin_privacy.files import write_atomic
from huxin_privacy.macs import Mac
from huxin_privacy.sealing import NONCE_BYTES, TAG_BYTES, seal, unseal

MAGIC: Final = b"HXBLND\x00\x01"
KEY_FILE: Final = "cache.key"
DIGEST_BYTES: Final = 16
_ENTRY: Final = DIGEST_BYTES + ELEMENT_BYTES
_COUNT_BYTES: Final = 4
_MOST: Final = 65_536  # entries of a block: what a damaged length may ask of the memory


class Cache:
    """The cache of one OPRF key in a folder. For one process at a time; its repr shows nothing of it."""

    def __init__(self, folder: Path, key: PublicKey, key_file: Path | None = None) -> None:
        """Reads what is there; the local key lies in `key_file`, by default in the same folder.

        PrivacyError P0169 (changed, or not sealed with that key).
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = _local_key(key_file or folder / KEY_FILE)
        self._digest = Mac(
            hkdf_sha256(secret, None, b"huxin/v1/blind-cache-digest", KEY_BYTES), "sha256"
        ).digest
        self._cipher = AESGCM(hkdf_sha256(secret, None, b"huxin/v1/blind-cache-seal", KEY_BYTES))
        self._head = MAGIC + key.epoch.to_bytes(4, "big") + key.public
        self._path = folder / f"elements-{key.epoch}-{key.public[:4].hex()}"
        self._known: dict[bytes, bytes] = {}
        self._read()
        for other in folder.glob("elements-*"):
            if other != self._path:
                other.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._known)

    def find(self, messages: Sequence[bytes]) -> list[bytes | None]:
        """The element of each message (see group.message), None where it is not known."""
        return [self._known.get(self._digest(each)[:DIGEST_BYTES]) for each in messages]

    def add(self, messages: Sequence[bytes], elements: Sequence[bytes]) -> None:
        """Keeps the elements, durably: they are on the disk when this returns. OSError when the disk is full."""
        digests = [self._digest(each)[:DIGEST_BYTES] for each in messages]
        pairs = list(zip(digests, elements, strict=True))
        for start in range(0, len(pairs), _MOST):
            self._append(pairs[start : start + _MOST])
        self._known.update(pairs)

    def _append(self, pairs: list[tuple[bytes, bytes]]) -> None:
        count = len(pairs).to_bytes(_COUNT_BYTES, "big")
        block = count + seal(
            self._cipher, b"".join(part for pair in pairs for part in pair), self._head + count
        )
        with self._path.open("ab") as file:
            file.write(block)
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> None:
        if not self._path.exists():
            write_atomic(self._path, self._head, replace=False)
        content = self._path.read_bytes()
        if content[: len(self._head)] != self._head:
            raise PrivacyError("P0169", path=self._path)
        whole = len(self._head)
        for end, entries in self._blocks(content, whole):
            whole = end
            for place in range(0, len(entries), _ENTRY):
                digest = entries[place : place + DIGEST_BYTES]
                self._known[digest] = entries[place + DIGEST_BYTES : place + _ENTRY]
        if whole < len(content):
            os.truncate(self._path, whole)  # what is appended next has to begin where a block may begin

    def _blocks(self, content: bytes, start: int) -> Iterator[tuple[int, bytes]]:
        """Each whole block's end and entries; none for one that ends beyond the file."""
        while (head := content[start : start + _COUNT_BYTES]) and len(head) == _COUNT_BYTES:
            count = int.from_bytes(head, "big")
            begin = start + _COUNT_BYTES
            start = begin + NONCE_BYTES + count * _ENTRY + TAG_BYTES
            if not 0 < count <= _MOST:
                raise PrivacyError("P0169", path=self._path)
            if start > len(content):
                return
            try:
                yield start, unseal(self._cipher, content[begin:start], self._head + head)
            except InvalidTag:
                raise PrivacyError("P0169", path=self._path) from None


def _local_key(path: Path) -> bytes:
    if not path.exists():
        with suppress(FileExistsError):  # another process was first
            write_atomic(path, os.urandom(KEY_BYTES), replace=False)
    found = path.read_bytes()
    if len(found) != KEY_BYTES:
        raise PrivacyError("P0169", path=path)
    return found

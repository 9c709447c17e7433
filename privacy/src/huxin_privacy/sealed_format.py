"""The layout of a sealed file: magic, header, chunks, end mark.

    magic (8) ‖ header length (2, big-endian) ‖ header (JSON) ‖ chunk … ‖ end mark (8)

The header names the file's context and holds its random key, wrapped under the submission's. Each
chunk is AES-256-GCM of `chunk` bytes (the last of 0 to `chunk`) with its tag behind it; its nonce is
its number (11 bytes, big-endian) ‖ 1 for the last chunk, 0 for the others, so that a cut is seen; the
bytes before the first chunk are bound to each as associated data. The end mark only makes the message
of a cut clearer.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huxin_privacy.derivation import KEY_BYTES, prefixed
from huxin_privacy.errors import PrivacyError
from huxin_privacy.sealing import TAG_BYTES, seal, unseal
from huxin_privacy.submission_key import SubmissionKey

MAGIC: Final = b"HXSEAL\x00\x01"
END: Final = b"HXEND\x00\x00\x01"
CHUNK_BYTES: Final = 1 << 20
MOST_CHUNK_BYTES: Final = 1 << 26
_LENGTH_BYTES: Final = 2


@dataclass(frozen=True)
class Context:
    """What a sealed file is for; a reader that expects another one refuses it."""

    purpose: str
    submission: str
    stage: str
    attempt: int

    def associated(self, chunk: int) -> bytes:
        """The bytes that bind the wrapped key to this context."""
        parts = (self.purpose, self.submission, self.stage, str(self.attempt), str(chunk))
        return prefixed(b"huxin/v1/sealed-file", *(part.encode() for part in parts))


@dataclass(frozen=True)
class Frame:
    """An opened header: chunk size, the bytes before the first chunk, the cipher of this file."""

    chunk: int
    head: bytes = field(repr=False)
    cipher: AESGCM = field(repr=False)

    @property
    def sealed_chunk(self) -> int:
        """Bytes that a full chunk takes in the file."""
        return self.chunk + TAG_BYTES


def new_frame(key: SubmissionKey, context: Context, chunk: int) -> Frame:
    """A frame with a fresh random file key."""
    secret = os.urandom(KEY_BYTES)
    wrapped = seal(key.secret, secret, context.associated(chunk))
    fields = {**vars(context), "chunk": chunk, "key": base64.b64encode(wrapped).decode()}
    header = json.dumps(fields, separators=(",", ":")).encode()
    head = MAGIC + len(header).to_bytes(_LENGTH_BYTES, "big") + header
    return Frame(chunk, head, AESGCM(secret))


def read_frame(file: BinaryIO, key: SubmissionKey, context: Context, name: str) -> Frame:
    """The frame of an open sealed file.

    PrivacyError P0130 (no sealed file), P0131 (another context), P0132 (cut within the header),
    P0133 (header changed, or another key).
    """
    start = file.read(len(MAGIC) + _LENGTH_BYTES)
    if start[: len(MAGIC)] != MAGIC[: len(start)]:
        raise PrivacyError("P0130", name=name)
    length = int.from_bytes(start[len(MAGIC) :], "big")
    header = file.read(length)
    if len(start) < len(MAGIC) + _LENGTH_BYTES or len(header) < length:
        raise PrivacyError("P0132", name=name)
    fields = _parsed(header, name)
    if any(fields.get(part) != value for part, value in vars(context).items()):
        raise PrivacyError("P0131", name=name)
    chunk = fields.get("chunk")
    if type(chunk) is not int or not 0 < chunk <= MOST_CHUNK_BYTES:
        raise PrivacyError("P0133", name=name)
    try:
        wrapped = base64.b64decode(str(fields.get("key")), validate=True)
        secret = unseal(key.secret, wrapped, context.associated(chunk))
    except (InvalidTag, ValueError):
        raise PrivacyError("P0133", name=name) from None
    return Frame(chunk, start + header, AESGCM(secret))


def _parsed(header: bytes, name: str) -> dict[str, Any]:
    try:
        fields = json.loads(header)
    except (ValueError, RecursionError):
        raise PrivacyError("P0133", name=name) from None
    if not isinstance(fields, dict):
        raise PrivacyError("P0133", name=name)
    return fields

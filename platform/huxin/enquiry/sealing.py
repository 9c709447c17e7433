"""What an enquiry keeps: the facts it was decided on and the answer it gave, sealed to the enquiry they belong to.

The content is compressed first: a byte 0, its length as four bytes little-endian, and an LZ4 block, which costs an
enquiry a tenth of what zlib does. What begins otherwise is a zlib stream, as answers once were kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from uuid import UUID

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huxin.errors import HuxinError
from huxin_privacy.sealing import seal, unseal

FACTS = b"facts"
ANSWER = b"answer"
_LZ4 = b"\0"  # no zlib stream begins so (RFC 1950, 2.2)
_HEAD = 5


def sealed(key: AESGCM, use: bytes, enquiry_id: UUID, content: bytes) -> bytes:
    """`content`, compressed, under the key; it opens as this use of this enquiry only."""
    return seal(key, _packed(content), use + enquiry_id.bytes)


def opened(keys: Sequence[AESGCM], use: bytes, enquiry_id: UUID, stored: bytes) -> bytes:
    """What was sealed, under any of these keys: an answer outlives the epoch that it was given in.

    HuxinError H1206 when the bytes are not those that were stored.
    """
    for key in keys:
        try:
            return _unpacked(unseal(key, stored, use + enquiry_id.bytes))
        except (InvalidTag, ValueError, zlib.error, pa.ArrowException, OSError):
            continue
    raise HuxinError("H1206", enquiry=enquiry_id)


def _packed(content: bytes) -> bytes:
    block: bytes = pa.compress(content, codec="lz4_raw", asbytes=True)
    return _LZ4 + len(content).to_bytes(4, "little") + block


def _unpacked(stored: bytes) -> bytes:
    if stored[:1] != _LZ4:
        return zlib.decompress(stored)
    size = int.from_bytes(stored[1:_HEAD], "little")
    content: bytes = pa.decompress(stored[_HEAD:], size, codec="lz4_raw", asbytes=True)
    return content

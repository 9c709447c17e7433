"""What an enquiry keeps: the facts it was decided on and the answer it gave, sealed to the enquiry they belong to."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag

from huxin.errors import HuxinError
from huxin_privacy.sealing import seal, unseal

FACTS = b"facts"
ANSWER = b"answer"


def sealed(key: bytes, use: bytes, enquiry_id: UUID, content: bytes) -> bytes:
    """`content`, deflated, under the key; it opens as this use of this enquiry only."""
    return seal(key, zlib.compress(content, 1), use + enquiry_id.bytes)


def opened(keys: Sequence[bytes], use: bytes, enquiry_id: UUID, stored: bytes) -> bytes:
    """What was sealed, under any of these keys: an answer outlives the epoch that it was given in.

    HuxinError H1206 when the bytes are not those that were stored.
    """
    for key in keys:
        try:
            return zlib.decompress(unseal(key, stored, use + enquiry_id.bytes))
        except (InvalidTag, zlib.error):
            continue
    raise HuxinError("H1206", enquiry=enquiry_id)

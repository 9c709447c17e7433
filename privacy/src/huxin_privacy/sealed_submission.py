"""A member's file sealed for the platform: whoever carries or stores it on the way can neither read nor change it.

    magic (8) ‖ id of the platform's key (4) ‖ chunk size (4) ‖ length of the sealed facts (2)
    ‖ sealed facts ‖ chunk …                                           numbers big-endian

The sealed facts are HPKE (see hpke.py) of JSON: a random file key, and what the file is bound to (`Facts`);
their associated data are the bytes before them. Each chunk is AES-256-GCM of `chunk` bytes, the last one of 1 to
`chunk` (an empty file has one empty chunk), its tag behind it; the nonce is the chunk's number (11 bytes) ‖ 1 for
the last, 0 for the others; everything before the first chunk is bound to each as associated data. So chunks of
two files do not mix, and as the facts tell the size, what is cut is known from what is changed.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huxin_privacy.derivation import KEY_BYTES
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hpke import OVERHEAD, open_from, seal_to
from huxin_privacy.sealed_blocks import Blocks
from huxin_privacy.sealing import TAG_BYTES, nonce
from huxin_privacy.sealing_key import ID_BYTES, SealingKey

MAGIC: Final = b"HXSUBM\x00\x01"
INFO: Final = b"huxin/v1/sealed-submission"
CHUNK_BYTES: Final = 1 << 20
MOST_CHUNK_BYTES: Final = 4 << 20  # what a stranger's file may ask of our memory
_PLAIN_HEAD: Final = len(MAGIC) + ID_BYTES + 4 + 2
_LONGEST_FACTS: Final = 4096

PrivateKey = Callable[[bytes], bytes | None]


@dataclass(frozen=True)
class Facts:
    """What a sealed file is bound to: who sends it, what it is called, what it holds, and under which contract."""

    member: str
    file: str
    sha256: str
    size: int
    contract: str


@dataclass(frozen=True)
class Opened:
    """A sealed file whose facts were opened; `blocks` gives its content once, and proves it on the way."""

    facts: Facts
    blocks: Iterator[bytes] = field(repr=False)


def facts_of(source: BinaryIO, member: str, file: str, contract: str) -> Facts:
    """The facts of a file, read once from its start. `file` is its name without folders, of either slash."""
    source.seek(0)
    digest, size = sha256(), 0
    while block := source.read(CHUNK_BYTES):
        digest.update(block)
        size += len(block)
    name = file.replace("\\", "/").rpartition("/")[2].encode("utf-8", "replace").decode()
    return Facts(member, name, digest.hexdigest(), size, contract)


def sealed_blocks(
    source: BinaryIO, facts: Facts, key: SealingKey, *, chunk: int = CHUNK_BYTES
) -> Iterator[bytes]:
    """The sealed file, piece by piece, one chunk in memory.

    PrivacyError P0156 when `source` is not what `facts` say: it changed meanwhile.
    """
    secret = os.urandom(KEY_BYTES)
    head = _head(facts, key, chunk, secret)
    yield head
    cipher, digest = AESGCM(secret), sha256()
    source.seek(0)
    for number in range(_chunks(facts.size, chunk)):
        last = number == _chunks(facts.size, chunk) - 1
        content = source.read(chunk)
        digest.update(content)
        if last and (digest.hexdigest() != facts.sha256 or source.read(1)):
            raise PrivacyError("P0156")
        yield cipher.encrypt(nonce(number, last), content, head)


def sealed_size(facts: Facts, chunk: int = CHUNK_BYTES) -> int:
    """How many bytes `sealed_blocks` gives for these facts."""
    said = _said(facts, bytes(KEY_BYTES))
    return _PLAIN_HEAD + len(said) + OVERHEAD + facts.size + _chunks(facts.size, chunk) * TAG_BYTES


def is_sealed(start: bytes) -> bool:
    """Whether a file that begins with these bytes says that it is a sealed submission, of whatever version."""
    return start[: len(MAGIC) - 1] == MAGIC[:-1]


def open_sealed(blocks: Iterable[bytes], private_key: PrivateKey) -> Opened:
    """Opens the head at once and the content as it is read, with two chunks in memory.

    `private_key` gives the private half for a key's id, None where there is none. PrivacyError P0153 (no sealed
    submission), P0155 (cut short), P0156 (damaged or changed), P0157 (another key); the content's own faults are
    raised while `Opened.blocks` is read, and whoever keeps what came before them has kept half a file.
    """
    waiting = Blocks(blocks)
    start = waiting.take(_PLAIN_HEAD)
    if start[: len(MAGIC)] != MAGIC[: len(start)]:
        raise PrivacyError("P0153")
    if len(start) < _PLAIN_HEAD:
        raise PrivacyError("P0155")
    chunk, length = int.from_bytes(start[-6:-2], "big"), int.from_bytes(start[-2:], "big")
    private = private_key(start[len(MAGIC) :][:ID_BYTES])
    if private is None:
        raise PrivacyError("P0157")
    if not 0 < chunk <= MOST_CHUNK_BYTES or length > _LONGEST_FACTS:
        raise PrivacyError("P0156")
    sealed = waiting.take(length)
    if len(sealed) < length:
        raise PrivacyError("P0155")
    facts, secret = _opened(private, start, sealed)
    return Opened(facts, _content(waiting, facts, AESGCM(secret), start + sealed, chunk))


def require(facts: Facts, member: str, contract: str) -> None:
    """Returns when a sealed file was made by this member for this contract. PrivacyError P0154."""
    if (facts.member, facts.contract) != (member, contract):
        raise PrivacyError("P0154")


def _head(facts: Facts, key: SealingKey, chunk: int, secret: bytes) -> bytes:
    said = json.dumps(
        {"key": base64.b64encode(secret).decode(), **asdict(facts)}, ensure_ascii=False
    ).encode()
    sealed_length = len(said) + OVERHEAD
    if sealed_length > _LONGEST_FACTS:
        raise ValueError("a file's name is too long")
    start = MAGIC + key.id + chunk.to_bytes(4, "big") + sealed_length.to_bytes(2, "big")
    return start + seal_to(key.public, INFO, start, said)


def _said(facts: Facts, secret: bytes) -> bytes:
    return json.dumps(
        {"key": base64.b64encode(secret).decode(), **asdict(facts)}, ensure_ascii=False
    ).encode()


def _opened(private: bytes, start: bytes, sealed: bytes) -> tuple[Facts, bytes]:
    try:
        said = json.loads(open_from(private, INFO, start, sealed))
        secret = base64.b64decode(said.pop("key"), validate=True)
        facts = Facts(**said)
    except (PrivacyError, ValueError, KeyError, TypeError, AttributeError):
        raise PrivacyError("P0156") from None
    texts = (facts.member, facts.file, facts.sha256, facts.contract)
    sound = all(isinstance(each, str) for each in texts) and type(facts.size) is int and facts.size >= 0
    if not sound or len(secret) != KEY_BYTES:
        raise PrivacyError("P0156")
    return facts, secret


def _content(waiting: Blocks, facts: Facts, cipher: AESGCM, head: bytes, chunk: int) -> Iterator[bytes]:
    count, digest = _chunks(facts.size, chunk), sha256()
    for number in range(count):
        last = number == count - 1
        length = (facts.size - number * chunk if last else chunk) + TAG_BYTES
        sealed = waiting.take(length)
        if len(sealed) < length:
            raise PrivacyError("P0155")
        try:
            plain = cipher.decrypt(nonce(number, last), sealed, head)
        except InvalidTag:
            raise PrivacyError("P0156") from None
        digest.update(plain)
        if last and (waiting.take(1) or digest.hexdigest() != facts.sha256):
            raise PrivacyError("P0156")
        yield plain


def _chunks(size: int, chunk: int) -> int:
    return max(1, -(-size // chunk))

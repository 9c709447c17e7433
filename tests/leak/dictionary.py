"""A dictionary attack: ID numbers that are known, a dump, and the keys somebody holds; which of them can be matched?

Tried: the numbers in clear and under plain hashes; MACs under each key over each form that a number is hashed in, a
whole request rebuilt from the clear columns of an enquiry among them; each of these as it is and cut; and each once
more through the cipher (both ways) and the MAC under each key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import numpy.typing as npt
import orjson
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256, SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB
from dump_bytes import Dump, Stored, words_of

from huxin_privacy.derivation import derive, prefixed
from huxin_privacy.macs import Mac

Bytes = npt.NDArray[np.uint8]
Form = Callable[[str], bytes]
HASHES = ("md5", "sha256", "sm3", "sha1", "sha512", "sha3_256", "blake2b")
ALGORITHMS = {"S256": ("sha256", AES256, 32), "SM": ("sm3", SM4, 16)}
ZONES = ("entry", "registry", "intake", "audit")
SUITES = ("S256", "SM", "OPRF")
# What keys are derived for: uses with the types they go with.
_USES = (
    ("token", ("resident_id", "name", "mobile")),
    ("digest", ("request",)),
    ("oprf-alias", ("resident_id",)),
    ("seal", ("answer", "submission")),
    ("sign", ("checkpoint", "promise")),
    ("reply", ("members",)),
    ("hpke", ("zone",)),
)
_OF_A_SUITE = ("token", "oprf-alias")


@dataclass(frozen=True)
class Found:
    """Whom an attack matched, by place in its list, and by which ways."""

    people: set[int] = field(repr=False)
    ways: dict[str, int]


@dataclass(frozen=True)
class Attack:
    """`numbers` are known, `keys` are held: `first` for the first step from a number, `again` for the second."""

    numbers: Sequence[str] = field(repr=False)
    first: Mapping[str, bytes] = field(repr=False)
    again: Mapping[str, bytes] = field(repr=False)
    requests: Sequence[Form] = ()
    suites: Sequence[str] = ("S256",)

    def on(self, stored: Stored) -> Found:
        """Everything, against these stored bytes."""
        people: set[int] = set()
        ways: dict[str, int] = {}
        for way, blocks in self._candidates():
            hits = stored.has(words_of(blocks))
            if way.startswith("clear"):  # either half of a number of digits meets other digits by chance
                hits &= stored.has(words_of(blocks, 8))
                for place in np.flatnonzero(hits):
                    hits[place] = stored.holds(blocks[place].tobytes())
            else:
                hits |= stored.has(words_of(blocks, 8))
            if hits.any():
                ways[way] = int(hits.sum())
                people |= set(np.flatnonzero(hits).tolist())
        return Found(people, ways)

    def _candidates(self) -> Iterator[tuple[str, Bytes]]:
        for encoding in ("ascii", "utf-16-le", "utf-16-be"):
            yield f"clear {encoding}", _rows(number.encode(encoding)[-16:] for number in self.numbers)
        for way, blocks in self._once():
            yield way, blocks
            if way.startswith(_WORTH):
                yield from ((f"{way}, {then}", made) for then, made in self._twice(way, blocks))

    def _once(self) -> Iterator[tuple[str, Bytes]]:
        forms = {
            name: [form(number) for number in self.numbers]
            for name, form in (
                *_FORMS.items(),
                *((f"request {i}", each) for i, each in enumerate(self.requests)),
            )
        }
        for name, texts in forms.items():
            for hash_name in HASHES:
                yield f"{hash_name} of {name}", _rows(hashlib.new(hash_name, text).digest() for text in texts)
            for suite, (key, secret) in product(self.suites, self.first.items()):
                mac = Mac(secret, ALGORITHMS[suite][0])
                yield f"MAC {suite} [{key}] of {name}", _rows(map(mac.digest, texts))

    def _twice(self, way: str, blocks: Bytes) -> Iterator[tuple[str, Bytes]]:
        one = np.ascontiguousarray(blocks[:, :16]).tobytes()
        for suite, (key, secret) in product(self.suites, self.again.items()):
            hash_name, cipher, length = ALGORITHMS[suite]
            if len(secret) < length:
                continue
            both = block_cipher(cipher(secret[:length]))
            yield f"cipher {suite} [{key}]", _blocks(both.encryptor().update(one))
            yield f"cipher back {suite} [{key}]", _blocks(both.decryptor().update(one))
            if "digest] of request" in way and key.endswith("digest"):
                mac = Mac(secret, hash_name)
                yield f"MAC {suite} [{key}]", _rows(mac.digest(row.tobytes()) for row in blocks)


def block_cipher(algorithm: BlockCipherAlgorithm) -> Cipher[ECB]:
    """One block after another, as tokens are made."""
    return Cipher(algorithm, ECB())  # noqa: S305 an attacker's own


def derived(zone: str, root: bytes, suite: str = "S256", *, every: bool = False) -> dict[str, bytes]:
    """The keys that a zone's root gives, itself among them; with `every` also as other zones' and suites'."""
    zones, suites = (ZONES, SUITES) if every else ((zone,), (suite,))
    found = {f"{zone} root": root}
    for as_zone, as_suite, (use, types) in product(zones, suites, _USES):
        # What is no token's is of no suite: the keyring derives it under its default.
        known = as_suite if use in _OF_A_SUITE or every else "S256"
        length = ALGORITHMS["SM"][2] if (known, use, as_zone) == ("SM", "token", "registry") else 32
        for type_ in types:
            key = derive(root, zone=as_zone, suite=known, type_=type_, epoch=1, use=use, length=length)
            found[f"{zone} as {as_zone} {as_suite} {type_} {use}"] = key
    return found


def requests_of(dump: Dump, most: int) -> list[Form]:
    """For so many enquiries: the request as it would be hashed if it were about a number and named nothing more.

    Purpose, amount, product, consent, staff and case number stand in the enquiry in clear (EnquiryRequest.canonical).
    """
    columns = ("purpose", "amount", "consent_no", "consent_until", "staff", "reference")
    return [_request(row) for row in dump.table("enquiry").of(*columns)[:most]]


def _request(row: tuple[str, ...]) -> Form:
    purpose, amount, *words = row
    cents = None if amount == r"\N" else int(amount)

    def form(number: str) -> bytes:
        return orjson.dumps(["resident_id", number, None, None, None, purpose, cents, None, *words])

    return form


_WORTH = ("MAC", "md5", "sha256", "sm3")  # what goes through a second step
_FORMS: dict[str, Form] = {
    "number": lambda number: number.encode(),
    "framed number": lambda number: b"huxin/v1" + prefixed(b"resident_id", number.encode()),
}


def _rows(digests: Iterable[bytes]) -> Bytes:
    whole = list(digests)
    return np.frombuffer(b"".join(whole), np.uint8).reshape(len(whole), -1)


def _blocks(content: bytes) -> Bytes:
    return np.frombuffer(content, np.uint8).reshape(-1, 16)

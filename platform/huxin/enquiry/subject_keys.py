"""One typed identifier to the keys its subject is found by, in the process that holds both zones' keys by default."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from huxin.errors import HuxinError
from huxin.registry.schemes import Scheme
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.identifiers import TYPES, canonical_id, canonical_mobile, canonical_name
from huxin_privacy.tokens import half, name_half

SUITE = "S256"
MOBILE = "mobile"
HANDLE_BYTES = 16

Key = tuple[bytes, int]  # token, number of its scheme


@dataclass(frozen=True)
class Person:
    """Who is asked about, as it was typed; its repr shows nothing of it."""

    id_type: str
    id_no: str = field(repr=False)
    id_country: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    mobile: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SubjectKeys:
    """Tokens under every usable pair of epochs, those of the active pair first; nothing here can be read."""

    keys: list[Key]
    name_mark: bytes | None
    mobile_keys: list[Key]


@dataclass(frozen=True)
class _TypeKeys:
    """One identifier type under one pair of epochs."""

    id_type: str
    entry: bytes = field(repr=False)
    registry: bytes = field(repr=False)
    scheme: int

    def token(self, made: bytes) -> bytes:
        # One block, as in huxin_privacy.tokens; a single one needs no array.
        return Cipher(AES256(self.registry), ECB()).encryptor().update(made)  # noqa: S305 a half fills one block


def all_schemes(settings: Settings) -> list[Scheme]:
    """Every scheme that a lookup may need a number for, the active one of a type before its others."""
    entry, registry = (keyring.open(settings.keys_dir, zone) for zone in ("entry", "registry"))
    pairs = list(product(entry.usable(), registry.usable()))
    return [(SUITE, id_type, e, r) for id_type in (*TYPES, MOBILE) for e, r in pairs]


def seal_keys(settings: Settings) -> tuple[bytes, ...]:
    """What answers are sealed under: the active epoch's key, then those of the other usable ones."""
    ring = keyring.open(settings.keys_dir, "registry")
    return tuple(ring.key("seal", "answer", epoch) for epoch in ring.usable())


class Keys:
    """The keys of every usable epoch; made once a process. Its repr shows none."""

    def __init__(self, settings: Settings, schemes: Mapping[Scheme, int]) -> None:
        self._entry = keyring.open(settings.keys_dir, "entry")
        self._registry = keyring.open(settings.keys_dir, "registry")
        self._types = {id_type: self._of_type(id_type, schemes) for id_type in (*TYPES, MOBILE)}
        self._name = _TypeKeys(
            "name", self._entry.key("token", "name"), self._registry.key("token", "name"), 0
        )
        self._digest_key = self._registry.key("digest", "request")
        self._handle_key: Callable[[int], bytes] = cache(self._derive_handle_key)
        self.seal_keys = seal_keys(settings)
        self.seal_key = self.seal_keys[0]

    def of(self, person: Person) -> SubjectKeys:
        """The keys of a person's identifier, name and mobile.

        HuxinError H0803 (unknown identifier type), H0801 (malformed identifier, with its codes). A mobile
        that is none counts as not given: it never decides anything alone.
        """
        if person.id_type not in TYPES:
            raise HuxinError("H0803")
        canonical = canonical_id(person.id_type, person.id_no, person.id_country)
        if canonical.text is None:
            raise HuxinError("H0801", codes=", ".join(canonical.faults) or "E1001")
        text = canonical.text
        halves = [half(each.entry, each.id_type, text) for each in self._types[person.id_type]]
        found = [
            (each.token(made), each.scheme)
            for each, made in zip(self._types[person.id_type], halves, strict=True)
        ]
        return SubjectKeys(found, self._mark(halves[0], person.name), self._mobile(person.mobile))

    def digest(self, body: bytes) -> bytes:
        """A request's keyed digest: 32 bytes that tell the same body from another, and nothing else of it."""
        return hmac.digest(self._digest_key, body, hashlib.sha256)

    def handle(self, member_id: int, subject_id: bytes) -> str:
        """What one member may call a subject by: 32 hexadecimal digits, of no use to any other member."""
        return hmac.digest(self._handle_key(member_id), subject_id, "sha256")[:HANDLE_BYTES].hex()

    def _mark(self, made: bytes, name: str | None) -> bytes | None:
        canonical = canonical_name(name) if name else None
        return None if canonical is None else self._name.token(name_half(self._name.entry, made, canonical))

    def _mobile(self, mobile: str | None) -> list[Key]:
        canonical = canonical_mobile(mobile) if mobile else None
        if canonical is None:
            return []
        return [
            (each.token(half(each.entry, MOBILE, canonical)), each.scheme) for each in self._types[MOBILE]
        ]

    def _of_type(self, id_type: str, schemes: Mapping[Scheme, int]) -> list[_TypeKeys]:
        return [
            _TypeKeys(
                id_type,
                self._entry.key("token", id_type, e),
                self._registry.key("token", id_type, r),
                schemes[SUITE, id_type, e, r],
            )
            for e, r in product(self._entry.usable(), self._registry.usable())
        ]

    def _derive_handle_key(self, member_id: int) -> bytes:
        return self._registry.key("reply", f"member:{member_id}")

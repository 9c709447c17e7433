"""One typed identifier to the keys its subject is found by, in the process that holds both zones' keys by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huxin.errors import HuxinError
from huxin.registry.schemes import Scheme
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.generations import generations
from huxin_privacy.identifiers import TYPES, canonical_id, canonical_mobile, canonical_name
from huxin_privacy.macs import Mac
from huxin_privacy.tokens import Halver, NameHalver, Tokenizing

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
    """Tokens under every usable suite and epochs, those of the active ones first; nothing here can be read."""

    keys: list[Key]
    name_mark: bytes | None
    mobile_keys: list[Key]


@dataclass(frozen=True)
class _TypeKeys:
    """One identifier type under one suite and pair of epochs."""

    half: Callable[[str], bytes] = field(repr=False)
    token: Callable[[bytes], bytes] = field(repr=False)
    scheme: int


def all_schemes(settings: Settings) -> list[Scheme]:
    """Every scheme that a lookup may need a number for, the active one of a type before its others."""
    entry, registry = (keyring.open(settings.keys_dir, zone) for zone in ("entry", "registry"))
    usable = generations(entry, registry)
    return [each.scheme(id_type) for id_type in (*TYPES, MOBILE) for each in usable]


def seal_keys(settings: Settings) -> tuple[AESGCM, ...]:
    """The ciphers that answers are sealed under: the active epoch's, then those of the other usable ones."""
    ring = keyring.open(settings.keys_dir, "registry")
    return tuple(AESGCM(ring.key("seal", "answer", epoch)) for epoch in ring.usable())


class Keys:
    """The keys of every usable epoch; made once a process. Its repr shows none."""

    def __init__(self, settings: Settings, schemes: Mapping[Scheme, int]) -> None:
        self._entry = keyring.open(settings.keys_dir, "entry")
        self._registry = keyring.open(settings.keys_dir, "registry")
        self._usable = generations(self._entry, self._registry)
        active, suite = self._usable[0], self._usable[0].suite
        self._types = {id_type: self._of_type(id_type, schemes) for id_type in (*TYPES, MOBILE)}
        self._name_half = NameHalver(active.half_key(self._entry, "name"), suite=suite).half
        self._name_mark = Tokenizing(active.token_key(self._registry, "name"), suite=suite).token
        # A request holds the identifier as it was typed: under one zone's key alone its digest could be guessed.
        self._digest_entry = Mac(self._entry.key("digest", "request"), "sha256").digest
        self._digest_registry = Mac(self._registry.key("digest", "request"), "sha256").digest
        self._handle: Callable[[int], Mac] = cache(self._made_handle)
        self.seal_keys = seal_keys(settings)
        self.seal_key = self.seal_keys[0]

    def of(self, person: Person, not_after: date | None = None) -> SubjectKeys:
        """The keys of a person's identifier, name and mobile.

        HuxinError H0803 (unknown identifier type), H0801 (malformed identifier, with its codes; nobody is born
        after `not_after`). A mobile that is none counts as not given: it never decides anything alone.
        """
        if person.id_type not in TYPES:
            raise HuxinError("H0803")
        canonical = canonical_id(person.id_type, person.id_no, person.id_country, not_after=not_after)
        if canonical.text is None:
            raise HuxinError("H0801", codes=", ".join(canonical.faults) or "E1001")
        types, text = self._types[person.id_type], canonical.text
        halves = [each.half(text) for each in types]
        found = [(each.token(made), each.scheme) for each, made in zip(types, halves, strict=True)]
        return SubjectKeys(found, self._mark(halves[0], person.name), self._mobile(person.mobile))

    def digest(self, body: bytes) -> bytes:
        """A request's digest under both zones' keys: 32 bytes that tell the same body from another."""
        return self._digest_registry(self._digest_entry(body))

    def handle(self, member_id: int, subject_id: bytes) -> str:
        """What one member may call a subject by: 32 hexadecimal digits, of no use to any other member."""
        return self._handle(member_id).digest(subject_id)[:HANDLE_BYTES].hex()

    def _mark(self, made: bytes, name: str | None) -> bytes | None:
        canonical = canonical_name(name) if name else None
        return None if canonical is None else self._name_mark(self._name_half(made, canonical))

    def _mobile(self, mobile: str | None) -> list[Key]:
        canonical = canonical_mobile(mobile) if mobile else None
        if canonical is None:
            return []
        return [(each.token(each.half(canonical)), each.scheme) for each in self._types[MOBILE]]

    def _of_type(self, id_type: str, schemes: Mapping[Scheme, int]) -> list[_TypeKeys]:
        return [
            _TypeKeys(
                Halver(each.half_key(self._entry, id_type), id_type, suite=each.suite).half,
                Tokenizing(each.token_key(self._registry, id_type), suite=each.suite).token,
                schemes[each.scheme(id_type)],
            )
            for each in self._usable
        ]

    def _made_handle(self, member_id: int) -> Mac:
        return Mac(self._registry.key("reply", f"member:{member_id}"), "sha256")

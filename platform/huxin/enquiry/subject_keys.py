"""One typed identifier to the keys its subject is found by, in the process that holds both zones' keys by default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import product
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huxin.errors import HuxinError
from huxin.registry.schemes import Scheme
from huxin.settings import Settings
from huxin_privacy.generations import Generation, Rings
from huxin_privacy.identifiers import TYPES, canonical_id, canonical_mobile, canonical_name
from huxin_privacy.keyring import Keyring
from huxin_privacy.macs import Mac
from huxin_privacy.tokens import Halver, NameHalver, Tokenizing

MOBILE = "mobile"
HANDLE_BYTES = 16
REQUEST = ("digest", "request")
_Given = TypeVar("_Given")

Key = tuple[bytes, int]  # token, number of its scheme


@dataclass(frozen=True)
class Person:
    """Who is asked about, as it was typed; its repr shows nothing of it.

    Who comes the blind way has neither type nor number, but an element: `sealed` as it was sent, or opened, with the
    epoch of the OPRF key that it was made under.
    """

    id_type: str
    id_no: str = field(repr=False)
    id_country: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    mobile: str | None = field(default=None, repr=False)
    sealed: str | None = field(default=None, repr=False)
    element: tuple[int, bytes] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SubjectKeys:
    """Tokens and marks under every usable suite and epochs, the active ones first; nothing here can be read.

    `name_marks` is None where no name was given that could be compared.
    """

    keys: list[Key]
    name_marks: list[bytes] | None
    mobile_keys: list[Key]


@dataclass(frozen=True)
class _TypeKeys:
    """One identifier type under one suite and pair of epochs."""

    half: Callable[[str], bytes] = field(repr=False)
    token: Callable[[bytes], bytes] = field(repr=False)
    scheme: int


def all_schemes(settings: Settings) -> list[Scheme]:
    """Every scheme that a lookup may need a number for, the active one of a type before its others."""
    return schemes_of(Rings.open(settings.keys_dir))


def schemes_of(rings: Rings) -> list[Scheme]:
    """The same of keyrings that were read."""
    return [each.scheme(id_type) for id_type in (*TYPES, MOBILE) for each in rings.usable]


def seal_keys(ring: Keyring) -> tuple[AESGCM, ...]:
    """The ciphers that answers are sealed under, of the registry's keyring: the active epoch's, then those of all
    others, destroyed ones too."""
    return tuple(AESGCM(ring.key("seal", "answer", epoch)) for epoch in ring.holding("seal", "answer"))


class RegistryKeys:
    """What the registry zone's keys do for an answer, of whomever it is; they are as they were when they were read."""

    def __init__(self, ring: Keyring) -> None:
        self._registry = ring
        self.versions = {ring.zone: ring.version}
        # What members call their subjects by: of the first epoch for good, for a handle never changes.
        first = ring.epochs[0].number
        self._handles = Mac(ring.key("reply", "members", first), "sha256").digest
        self._handle: Callable[[int], Mac] = cache(self._made_handle)
        self.seal_keys = seal_keys(ring)
        self.seal_key = self.seal_keys[0]

    def digests(self, body: bytes) -> Iterable[bytes]:
        """A body's digests under each epoch, the active one first."""
        raise NotImplementedError

    def by_digest(self, bodies: Sequence[bytes], call: Callable[[bytes], _Given]) -> _Given:
        """What `call` makes of a request's digest. Where that is another body's to it (HuxinError H1202), the digest
        may have been made under other epochs, or of the request as it was written then: it is asked with each."""
        refusal: HuxinError | None = None
        for each in bodies:
            for digest in self.digests(each):
                try:
                    return call(digest)
                except HuxinError as error:
                    if error.code != "H1202":
                        raise
                    refusal = refusal or error
        assert refusal is not None, "there is an active epoch"
        raise refusal

    def handle(self, member_id: int, subject_id: bytes) -> str:
        """What one member may call a subject by: 32 hexadecimal digits, of no use to any other member."""
        return self._handle(member_id).digest(subject_id)[:HANDLE_BYTES].hex()

    def _made_handle(self, member_id: int) -> Mac:
        return Mac(self._handles(f"member:{member_id}".encode()), "sha256")


class Keys(RegistryKeys):
    """The keys of every usable epoch of both zones, in the process that holds them. Its repr shows none."""

    def __init__(self, rings: Rings, schemes: Mapping[Scheme, int]) -> None:
        super().__init__(rings.registry)
        self._entry = rings.entry
        self.versions, self._usable = rings.versions, rings.usable
        self._types = {id_type: self._of_type(id_type, schemes) for id_type in (*TYPES, MOBILE)}
        self._names = [self._of_names(each) for each in self._usable]
        # A request holds the identifier as it was typed: under one zone's key alone its digest could be guessed.
        self._digests = [
            (
                Mac(self._entry.key(*REQUEST, e), "sha256").digest,
                Mac(self._registry.key(*REQUEST, r), "sha256").digest,
            )
            for e, r in product(self._entry.holding(*REQUEST), self._registry.holding(*REQUEST))
        ]

    @classmethod
    def read(cls, settings: Settings, numbers: Callable[[list[Scheme]], Mapping[Scheme, int]]) -> Keys:
        """The keys of the keyrings as they are now; `numbers` gives the schemes' own."""
        rings = Rings.open(settings.keys_dir)
        return cls(rings, numbers(schemes_of(rings)))

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
        return SubjectKeys(found, self._marks(halves, person.name), self._mobile(person.mobile))

    def tokens(self, id_type: str, canonical: str) -> list[Key]:
        """The tokens of one canonical identifier, as `of` gives them."""
        return [(each.token(each.half(canonical)), each.scheme) for each in self._types[id_type]]

    def digest(self, body: bytes) -> bytes:
        """A request's digest under both zones' keys: 32 bytes that tell it from another, and nothing else."""
        inner, outer = self._digests[0]
        return outer(inner(body))

    def digests(self, body: bytes) -> Iterator[bytes]:
        """What `digest` gave of a body under each epoch, the active ones first."""
        return (outer(inner(body)) for inner, outer in self._digests)

    def _marks(self, halves: list[bytes], name: str | None) -> list[bytes] | None:
        canonical = canonical_name(name) if name else None
        if canonical is None:
            return None
        return [made(half, canonical) for made, half in zip(self._names, halves, strict=True)]

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

    def _of_names(self, each: Generation) -> Callable[[bytes, str], bytes]:
        half = NameHalver(each.half_key(self._entry, "name"), suite=each.suite).half
        token = Tokenizing(each.token_key(self._registry, "name"), suite=each.suite).token
        return lambda made, canonical: token(half(made, canonical))

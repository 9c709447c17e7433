"""The entry zone's part of an enquiry: a person becomes halves, and the halves a ticket that only the registry reads.

The person lives in local variables of two functions and in nothing that is kept; neither does the entry zone know what
is asked of the person (it is told a digest), nor what is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from huxin.enquiry.request import Asker
from huxin.enquiry.subject_keys import MOBILE, Person
from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones import blind
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY
from huxin.zones.secrets import signers
from huxin_privacy import keyring
from huxin_privacy.blind import element, message, oprf_key
from huxin_privacy.generations import Generation, suite_of
from huxin_privacy.identifiers import TYPES, canonical_id, canonical_mobile, canonical_name
from huxin_privacy.keyring import Keyring
from huxin_privacy.tickets import LIFE_S, Made, Ticket, new_nonce, seal_ticket
from huxin_privacy.tokens import Halver, NameHalver


@dataclass(frozen=True)
class _Epoch:
    """What one epoch of the entry zone makes of a person."""

    suite: str
    number: int
    types: Mapping[str, Callable[[str], bytes]] = field(repr=False)
    name: Callable[[bytes, str], bytes] = field(repr=False)

    def of(self, id_type: str, text: str, name: str | None, mobile: str | None) -> Made:
        half = self.types[id_type](text)
        named = None if name is None else self.name(half, name)
        called = None if mobile is None else self.types[MOBILE](mobile)
        return Made(self.suite, self.number, half, named, called)


class EntryPeople:
    """The entry zone's keys of every usable epoch, as they were when the keyring was read. Its repr shows none."""

    def __init__(self, settings: Settings) -> None:
        """HuxinError H1708, H1709 (not the entry zone), H1706 (no card of the registry zone)."""
        self._settings = settings
        self._registry = required(settings, ENTRY).card(REGISTRY).receiver
        self._signer = signers(settings, ENTRY)[0]
        ring = keyring.open(settings.keys_dir, ENTRY)
        self._epochs = [_epoch(ring, number) for number in ring.usable()]
        present = blind.present(settings)
        self._blind = None if present is None else oprf_key(ring, present)

    def ticket(self, asker: Asker, person: Person, enquiry: bytes) -> tuple[str, int]:
        """A ticket for one enquiry of one member, and when it expires (Unix time in seconds).

        HuxinError H0803 (unknown identifier type), H0801 (malformed identifier, with its codes). A name or mobile that
        is none counts as not given.
        """
        return self.sealed(asker.code, person, enquiry, LIFE_S)

    def sealed(self, member: str, person: Person, said: bytes, life_s: int) -> tuple[str, int]:
        """The same for whatever words (`said` is their digest) and however long. HuxinErrors as `ticket`."""
        text = canonical_text(person, self._settings.today())
        name = canonical_name(person.name) if person.name else None
        mobile = canonical_mobile(person.mobile) if person.mobile else None
        made = tuple(each.of(person.id_type, text, name, mobile) for each in self._epochs)
        expires_at = int(self._settings.now().timestamp()) + life_s
        known = self._element(person.id_type, text)
        ticket = Ticket(person.id_type, member, said, new_nonce(), expires_at, made, known)
        return seal_ticket(self._signer, self._registry, ticket), expires_at

    def _element(self, id_type: str, text: str) -> tuple[int, bytes] | None:
        """By what the same person is known who comes the blind way: so the two ways meet."""
        key = self._blind
        return None if key is None else (key.epoch, element(key.secret, message(id_type, text)))


def canonical_text(person: Person, not_after: date) -> str:
    """The canonical form of a person's identifier, born before `not_after`. HuxinError H0803, H0801."""
    if person.id_type not in TYPES:
        raise HuxinError("H0803")
    canonical = canonical_id(person.id_type, person.id_no, person.id_country, not_after=not_after)
    if canonical.text is None:
        raise HuxinError("H0801", codes=", ".join(canonical.faults) or "E1001")
    return canonical.text


def _epoch(ring: Keyring, number: int) -> _Epoch:
    suite = suite_of(ring, number)
    made = Generation(suite, number, 0)
    types = {name: Halver(made.half_key(ring, name), name, suite=suite).half for name in (*TYPES, MOBILE)}
    return _Epoch(suite.name, number, types, NameHalver(made.half_key(ring, "name"), suite=suite).half)

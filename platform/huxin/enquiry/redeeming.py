"""The registry zone's part of an enquiry: a ticket in a person's place, judged before anything is looked up.

Nobody here can see the person: the ticket holds halves, and the tokens of these are what subjects are found by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import MOBILE, REQUEST, Key, RegistryKeys, SubjectKeys
from huxin.errors import HuxinError
from huxin.registry.schemes import Scheme, scheme_ids
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.fresh import Fresh
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY
from huxin.zones.secrets import receiving
from huxin_privacy.errors import PrivacyError
from huxin_privacy.generations import Generation
from huxin_privacy.identifiers import TYPES
from huxin_privacy.keyring import Keyring
from huxin_privacy.macs import Mac
from huxin_privacy.suites import get_suite
from huxin_privacy.tickets import LIFE_S, Made, Ticket, open_ticket
from huxin_privacy.tokens import Tokenizing

CLOCKS_S: Final = 30  # seconds by which the entry zone's clock may be ahead


@dataclass(frozen=True)
class Redeemed:
    """A ticket found good for a request, and the request's canonical forms under each of its generations."""

    ticket: Ticket
    bodies: tuple[bytes, ...] = field(repr=False)

    @property
    def nonce(self) -> UUID:
        return UUID(bytes=self.ticket.nonce)


class Redeeming:
    """Opens tickets with the registry zone's keys and the entry zone's card; made anew when these change."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = Fresh(self._read, REGISTRY)

    def redeem(self, asker: Asker, request: EnquiryRequest) -> Redeemed:
        """The ticket of a request, found good for it; that it was not used before is seen when the answer is recorded.

        Its time is another matter: see `require_time`. HuxinError H1230 (none of ours, or changed), H1232 (another
        member's), H1233 (made out for another enquiry), H1706 (no card of the entry zone).
        """
        senders, secrets = self._keys.now(self._settings)
        try:
            ticket = open_ticket(senders, secrets, request.ticket or "")
        except PrivacyError as error:
            raise HuxinError("H1230", reason=error.code) from None
        if ticket.member != asker.code:
            raise HuxinError("H1232")
        if ticket.enquiry != request.digest():
            raise HuxinError("H1233")
        return Redeemed(ticket, tuple(request.canonical_of(whom(ticket, each)) for each in ticket.made))

    def require_time(self, ticket: Ticket) -> None:
        """HuxinError H1231 when a ticket has expired, or is of a time to come."""
        left = ticket.expires_at - self._settings.now().timestamp()
        if not 0 < left <= LIFE_S + CLOCKS_S:
            raise HuxinError("H1231", seconds=LIFE_S)

    def _read(self) -> tuple[Mapping[int, bytes], Mapping[int, bytes]]:
        return required(self._settings, REGISTRY).card(ENTRY).sign, receiving(self._settings, REGISTRY)


class TicketKeys(RegistryKeys):
    """The registry zone's keys of every usable epoch, for halves that were made elsewhere. Its repr shows none."""

    def __init__(self, settings: Settings, ring: Keyring) -> None:
        super().__init__(ring)
        self._settings = settings
        self._digests = [Mac(ring.key(*REQUEST, epoch), "sha256").digest for epoch in ring.holding(*REQUEST)]
        self._made: dict[tuple[str, int], list[_Generation]] = {}

    def of(self, ticket: Ticket) -> SubjectKeys:
        """The keys of the person of a ticket. HuxinError H0803 (unknown type), H1230 (unknown suite)."""
        if ticket.id_type not in TYPES:
            raise HuxinError("H0803")
        keys: list[Key] = []
        marks: list[bytes] = []
        mobiles: list[Key] = []
        for made in ticket.made:
            for each in self._generations(made.suite, made.epoch):
                keys.append(each.key(ticket.id_type, made.half))
                if made.name_half is not None:
                    marks.append(each.mark(made.name_half))
                if made.mobile_half is not None:
                    mobiles.append(each.key(MOBILE, made.mobile_half))
        return SubjectKeys(keys, marks if len(marks) == len(keys) else None, mobiles)

    def tokens(self, suite: str, epoch: int, id_type: str, half: bytes) -> list[Key]:
        """The tokens of one half, the active one first. HuxinError H1230 (unknown suite)."""
        return [each.key(id_type, half) for each in self._generations(suite, epoch)]

    def digests(self, body: bytes) -> list[bytes]:
        """A body's digests, that of the active epoch first: halves have been made with the entry zone's key."""
        return [digest(body) for digest in self._digests]

    def _generations(self, suite: str, epoch: int) -> list[_Generation]:
        found = self._made.get((suite, epoch))
        if found is None:
            found = self._made[suite, epoch] = self._read(suite, epoch)
        return found

    def _read(self, suite: str, epoch: int) -> list[_Generation]:
        try:
            made = [Generation(get_suite(suite), epoch, number) for number in self._registry.usable()]
        except PrivacyError as error:
            raise HuxinError("H1230", reason=error.code) from None
        wanted = [each.scheme(name) for each in made for name in (*TYPES, MOBILE)]
        with connection(self._settings) as database:
            numbers = scheme_ids(database, wanted)
        return [_generation(self._registry, each, numbers) for each in made]


@dataclass(frozen=True)
class _Generation:
    """One suite and pair of epochs: tokens by type with their schemes' numbers, and name marks."""

    types: Mapping[str, tuple[Callable[[bytes], bytes], int]] = field(repr=False)
    mark: Callable[[bytes], bytes] = field(repr=False)

    def key(self, id_type: str, half: bytes) -> Key:
        token, scheme = self.types[id_type]
        return token(half), scheme


def _generation(ring: Keyring, made: Generation, numbers: Mapping[Scheme, int]) -> _Generation:
    def token(name: str) -> Callable[[bytes], bytes]:
        return Tokenizing(made.token_key(ring, name), suite=made.suite).token

    types = {name: (token(name), numbers[made.scheme(name)]) for name in (*TYPES, MOBILE)}
    return _Generation(types, token("name"))


def whom(ticket: Ticket, made: Made) -> list[str | int | None]:
    """A person of a ticket as the same words whatever ticket it comes by."""
    halves = (made.half, made.name_half, made.mobile_half)
    return [ticket.id_type, made.suite, made.epoch, *(each.hex() if each else None for each in halves)]

"""Tickets: what the entry zone says of a person to the registry, in the hands of a member who cannot read it.

ticket  = envelope from the entry zone to the registry, as base64url
content = LP(type) LP(member) LP(digest of the enquiry) LP(nonce) LP(expiry)
          then, of each generation of the entry zone's keys, the active one first:
          LP(suite) LP(epoch) LP(half) LP(name half) LP(mobile half)
          then, where blind mode is on: LP(epoch of its key) LP(element)

LP is a part behind its length as 2 bytes; epochs are 4 bytes and the expiry 8 (seconds of Unix time), big-endian; a
half that there is none of is empty.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from huxin_privacy.derivation import prefixed
from huxin_privacy.envelope import Receiver, Sender, open_envelope, seal_envelope
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hashing import HALF_BYTES

PURPOSE: Final = "ticket"
NONCE_BYTES: Final = 16
DIGEST_BYTES: Final = 32
LONGEST: Final = 4096  # characters of a ticket
LIFE_S: Final = 300
_MOST_GENERATIONS: Final = 16
_HEAD: Final = 5  # parts before the generations
_EACH: Final = 5  # parts of a generation
_BLIND: Final = 2  # parts of an element
ELEMENT_BYTES: Final = 32
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Made:
    """One person's halves under one suite and epoch of the entry zone. Its repr shows none."""

    suite: str
    epoch: int
    half: bytes = field(repr=False)
    name_half: bytes | None = field(default=None, repr=False)
    mobile_half: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Ticket:
    """What a ticket says; `made` begins with the active generation, `expires_at` is Unix time in seconds.

    `element` is by what the same person is known who comes the blind way: the epoch of that key, and 32 bytes.
    """

    id_type: str
    member: str
    enquiry: bytes
    nonce: bytes
    expires_at: int
    made: tuple[Made, ...]
    element: tuple[int, bytes] | None = field(default=None, repr=False)


def new_nonce() -> bytes:
    """Sixteen random bytes, by which a ticket is known to be spent."""
    return os.urandom(NONCE_BYTES)


def seal_ticket(sender: Sender, receiver: Receiver, ticket: Ticket) -> str:
    """The ticket as a member carries it. PrivacyError P0150 (the receiver's key is none)."""
    sealed = seal_envelope(sender, receiver, PURPOSE, b"", _encoded(ticket))
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def open_ticket(senders: Mapping[int, bytes], secrets: Mapping[int, bytes], text: str) -> Ticket:
    """What `seal_ticket` was given, once its signature is found good. Expiry and member are the caller's to judge.

    PrivacyError P0170 (none, or cut), P0171 (not of these senders, or changed), P0172, P0151.
    """
    if len(text) > LONGEST or not _TEXT.fullmatch(text):
        raise PrivacyError("P0170")
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except binascii.Error:
        raise PrivacyError("P0170") from None
    return _decoded(open_envelope(senders, secrets, PURPOSE, b"", sealed))


def _encoded(ticket: Ticket) -> bytes:
    head = (
        ticket.id_type.encode(),
        ticket.member.encode(),
        ticket.enquiry,
        ticket.nonce,
        ticket.expires_at.to_bytes(8, "big"),
    )
    made = (part for each in ticket.made for part in _told(each))
    blind = () if ticket.element is None else (ticket.element[0].to_bytes(4, "big"), ticket.element[1])
    return prefixed(*head, *made, *blind)


def _told(made: Made) -> tuple[bytes, ...]:
    epoch = made.epoch.to_bytes(4, "big")
    return made.suite.encode(), epoch, made.half, made.name_half or b"", made.mobile_half or b""


def _decoded(content: bytes) -> Ticket:
    parts = list(_parts(content))
    count, rest = divmod(len(parts) - _HEAD, _EACH)
    if rest not in (0, _BLIND) or not 1 <= count <= _MOST_GENERATIONS:
        raise PrivacyError("P0170")
    id_type, member, enquiry, nonce, expiry = parts[:_HEAD]
    _lengths((enquiry, DIGEST_BYTES), (nonce, NONCE_BYTES), (expiry, 8))
    end = len(parts) - rest
    made = tuple(_made(parts[place : place + _EACH]) for place in range(_HEAD, end, _EACH))
    expires_at = int.from_bytes(expiry, "big")
    element = _element(*parts[end:]) if rest else None
    return Ticket(_text(id_type), _text(member), enquiry, nonce, expires_at, made, element)


def _element(epoch: bytes, element: bytes) -> tuple[int, bytes]:
    _lengths((epoch, 4), (element, ELEMENT_BYTES))
    return int.from_bytes(epoch, "big"), element


def _made(parts: list[bytes]) -> Made:
    suite, epoch, half, name, mobile = parts
    _lengths((epoch, 4), (half, HALF_BYTES))
    return Made(_text(suite), int.from_bytes(epoch, "big"), half, _half(name), _half(mobile))


def _parts(content: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(content):
        begin = place + 2
        place = begin + int.from_bytes(content[place:begin], "big")
        if place > len(content) or begin > len(content):
            raise PrivacyError("P0170")
        yield content[begin:place]


def _half(part: bytes) -> bytes | None:
    if part:
        _lengths((part, HALF_BYTES))
    return part or None


def _lengths(*wanted: tuple[bytes, int]) -> None:
    if any(len(part) != length for part, length in wanted):
        raise PrivacyError("P0170")


def _text(part: bytes) -> str:
    try:
        return part.decode()
    except UnicodeDecodeError:
        raise PrivacyError("P0170") from None

"""An operator's questions on a split platform: who it is, one operator types in the entry zone; what is known, another
reads in the registry zone. Between them goes a file of tickets, which only the registry zone opens.

A ticket of this kind is bound to member, product and amount, and is good for a day; no enquiry of a member takes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huxin.contract import load_contract
from huxin.enquiry.check_words import Check
from huxin.enquiry.checking import Checker
from huxin.enquiry.elements import Elements
from huxin.enquiry.redeeming import CLOCKS_S, TicketKeys, whom
from huxin.enquiry.subject_keys import Person, SubjectKeys
from huxin.enquiry.ticketing import EntryPeople
from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY
from huxin.zones.secrets import receiving
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.tickets import Ticket, open_ticket

if TYPE_CHECKING:
    from sqlalchemy import Connection

LIFE_S: Final = 86_400
_LABEL: Final = "huxin/v1/check"


@dataclass(frozen=True)
class SealedCheck(Check):
    """A question whose person only its ticket knows; `codes` where the identifier was none."""

    ticket: Ticket | None = field(default=None, repr=False)
    codes: str | None = None


def sealed_lines(settings: Settings, member: str, checks: Iterable[Check]) -> Iterator[str]:
    """The entry zone's part: a line of JSON for each question, in order. HuxinError H1708, H1709, H1706, H0803."""
    people = EntryPeople(settings)
    for check in checks:
        said: dict[str, Any] = {"product": check.product, "amount": check.amount}
        try:
            digest = words_digest(member, check.product, check.amount)
            said["ticket"], _ = people.sealed(member, check.person, digest, LIFE_S)
        except HuxinError as error:
            if error.code != "H0801":
                raise
            said["codes"] = error.facts["codes"]
        yield json.dumps({name: value for name, value in said.items() if value is not None})


def words_digest(member: str, product: str | None, amount: int | None) -> bytes:
    """What a ticket of an operator's question is bound to: never the digest of a member's enquiry."""
    return hashlib.sha256(json.dumps([_LABEL, member, product, amount]).encode()).digest()


def read_sealed(settings: Settings, member: str, file: Path) -> Iterator[SealedCheck]:
    """The registry zone's part: what `sealed_lines` wrote. HuxinError H0601, H1237 (a line that is none of these).

    H1230-H1233 as for members' tickets: not of the entry zone, older than a day, another member's, of other words.
    """
    layout = required(settings, REGISTRY)
    senders, secrets = layout.card(ENTRY).sign, receiving(settings, REGISTRY)
    opened = partial(open_ticket, senders, secrets)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise HuxinError("H0601", file=file.name) from None
    for number, line in enumerate(lines, 1):
        product, amount, text, codes = _said(number, line)
        if codes is not None:
            yield SealedCheck(_NOBODY, product, amount, codes=codes)
            continue
        try:
            ticket = opened(text)
        except PrivacyError as error:
            raise HuxinError("H1230", reason=error.code) from None
        _require(settings, ticket, member, product, amount)
        yield SealedCheck(_NOBODY, product, amount, ticket=ticket)


class ZoneChecker(Checker):
    """Puts questions by tickets, in the registry zone."""

    _tickets: TicketKeys

    def _read(self, database: Connection) -> None:
        ring = keyring.open(self._settings.keys_dir, REGISTRY)
        self._keys = self._tickets = TicketKeys(self._settings, ring)
        self._elements = Elements.of_registry(ring, database)

    def _digest(self, check: Check) -> bytes:
        assert isinstance(check, SealedCheck) and check.ticket, "read by read_sealed"
        said = [*whom(check.ticket, check.ticket.made[0]), check.product, check.amount]
        return self._tickets.digests(json.dumps(said).encode())[0]

    def _keyed(self, check: Check) -> SubjectKeys | str:
        assert isinstance(check, SealedCheck), "read by read_sealed"
        if check.ticket is None:
            return check.codes or "E1001"
        found, made = self._tickets.of(check.ticket), check.ticket.element
        if made is None or self._elements is None:
            return found
        known = self._elements.known(self._elements.present(*made))
        return SubjectKeys([*found.keys, *known.keys], found.name_marks, found.mobile_keys)


_NOBODY: Final = Person("", "")


def _said(number: int, line: str) -> tuple[str | None, int | None, str, str | None]:
    try:
        said = json.loads(line)
        product, amount, ticket, codes = (said.get(n) for n in ("product", "amount", "ticket", "codes"))
    except (ValueError, AttributeError):
        raise HuxinError("H1237", line=number) from None
    products = {label.name for label in load_contract().field("product").labels}
    good = product is None or product in products
    good = good and (amount is None or (type(amount) is int and amount >= 0))
    good = good and ((isinstance(ticket, str) and codes is None) or (ticket is None and _codes(codes)))
    if not good:
        raise HuxinError("H1237", line=number)
    return product, amount, ticket or "", codes


def _codes(said: object) -> bool:
    if not isinstance(said, str) or len(said) > 64:
        return False
    return all(len(each) == 5 and each[0] in "EFW" and each[1:].isdigit() for each in said.split(", "))


def _require(
    settings: Settings, ticket: Ticket, member: str, product: str | None, amount: int | None
) -> None:
    if ticket.member != member:
        raise HuxinError("H1232")
    if not 0 < ticket.expires_at - settings.now().timestamp() <= LIFE_S + CLOCKS_S:
        raise HuxinError("H1231", seconds=LIFE_S)
    if ticket.enquiry != words_digest(member, product, amount):
        raise HuxinError("H1233")

"""Looking enquiries up as an operator: by who asked, why and when; by whom it was about only as an act with a reason.

An identifier lives in local variables of `keys_of` and of whoever typed it; what is looked for are its tokens.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from huxin.audit.records import moment_text
from huxin.decision.codes import PURPOSES
from huxin.enquiry.own_words import require_nobody
from huxin.enquiry.subject_keys import HANDLE_BYTES, Keys, Person, RegistryKeys
from huxin.errors import HuxinError
from huxin.registry import directory
from huxin.registry.audit_acts import note_act
from huxin.registry.checks import OPERATOR
from huxin.registry.checks import PURPOSE as OPERATORS
from huxin.registry.directory import Search
from huxin.registry.enquiry_book import Entry
from huxin.registry.members import find_member
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring

if TYPE_CHECKING:
    from sqlalchemy import Connection

SEARCH: Final = "operator_search"
TOPIC: Final = "operator.searched"
MOST: Final = 200
_HANDLE: Final = re.compile(f"[0-9a-fA-F]{{{2 * HANDLE_BYTES}}}")
# A handle cannot be turned back, so those of whomever the member asked about are made anew and compared.
COMPARED: Final = 100_000
# Codes and no free text: a reason that somebody writes may hold a name.
REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "dispute": ("主体异议", "a dispute of the subject"),
    "complaint": ("投诉核查", "a complaint"),
    "authority": ("监管或司法要求", "a request of an authority or a court"),
    "incident": ("安全事件调查", "an incident"),
}


@dataclass(frozen=True)
class Wanted:
    """What is searched by; `member` is a code. A handle needs its member. Times: since <= asked < until."""

    since: datetime
    until: datetime
    member: str | None = None
    staff: str | None = None
    purpose: str | None = None
    consent_no: str | None = None
    handle: str | None = None


@dataclass(frozen=True)
class Page:
    """Enquiries, the newest first; `next` is what to ask for those before them, None at the end."""

    entries: list[Entry]
    next: UUID | None


@dataclass(frozen=True)
class Act:
    """Who searches by an identifier and why: a code of REASONS, and the number of the case."""

    by: str
    reason: str
    reference: str | None = None


def find(settings: Settings, wanted: Wanted, before: UUID | None = None, most: int = 50) -> Page:
    """Enquiries of which all that is wanted holds.

    HuxinError H0701 (no such member), H2304 (a time that ends before it begins), H2305 (no such purpose), H2306 (a
    handle without its member, or none).
    """
    _require(wanted)
    with connection(settings) as database:
        search = _search(database, wanted)
        if wanted.handle is not None and search.member_id is not None:
            keys = RegistryKeys(keyring.open(settings.keys_dir, "registry"))
            search = replace(search, subjects=_called(database, keys, search, wanted.handle))
        return _page(database, search, before, most)


def find_about(
    settings: Settings,
    person: Person,
    wanted: Wanted,
    act: Act,
    before: UUID | None = None,
    most: int = 50,
) -> Page:
    """Who asked about a person. The search is a leaf of the log before anything is told; it claims no subject.

    HuxinError as `find`, H0801 and H0803 (identifier), H1207 (a person in the reference), H2307 (no such reason).
    """
    if act.reason not in REASONS:
        raise HuxinError("H2307", allowed=", ".join(REASONS))
    require_nobody(
        {"reference": act.reference, "staff": wanted.staff, "consent_no": wanted.consent_no}, person
    )
    _require(wanted)
    with connection(settings) as database:
        keys = Keys.read(settings, partial(scheme_ids, database))
        subjects = directory.subjects_of(database, keys.of(person, settings.today()).keys)
        page = _page(database, replace(_search(database, wanted), subjects=subjects), before, most)
        called = keys.handle(OPERATOR, subjects[0].bytes) if subjects else None
        facts = {
            "purpose": SEARCH,
            "by": act.by,
            "reason": act.reason,
            "reference": act.reference,
            "code": wanted.member,
            "since": moment_text(wanted.since),
            "until": moment_text(wanted.until),
            "handle": called,
            "shown": len(page.entries),
        }
        note_act(database, TOPIC, facts, settings.now())
    return page


def _require(wanted: Wanted) -> None:
    if wanted.since >= wanted.until:
        raise HuxinError("H2304")
    if wanted.purpose is not None and wanted.purpose not in (*PURPOSES, OPERATORS):
        raise HuxinError("H2305", purposes=", ".join((*PURPOSES, OPERATORS)))
    if wanted.handle is not None and (wanted.member is None or not _HANDLE.fullmatch(wanted.handle)):
        raise HuxinError("H2306", digits=2 * HANDLE_BYTES)


def _search(database: Connection, wanted: Wanted) -> Search:
    member = None if wanted.member is None else find_member(database, wanted.member)
    if wanted.member is not None and member is None:
        raise HuxinError("H0701", code=wanted.member[:64])
    return Search(
        wanted.since,
        wanted.until,
        None if member is None else member.id,
        wanted.staff,
        wanted.purpose,
        wanted.consent_no,
    )


def _called(database: Connection, keys: RegistryKeys, search: Search, handle: str) -> tuple[UUID, ...]:
    """Whom the member calls by that handle, among those it asked about in that time."""
    member, told = search.member_id, handle.lower()
    assert member is not None, "a handle is one member's"
    asked = directory.subjects_asked(database, member, search.since, search.until, COMPARED)
    return tuple(each for each in asked if hmac.compare_digest(keys.handle(member, each.bytes), told))


def _page(database: Connection, search: Search, before: UUID | None, most: int) -> Page:
    """One more than is shown says whether there are more."""
    most = min(most, MOST)
    found = directory.search(database, search, before, most + 1)
    return Page(found[:most], found[most - 1].id if len(found) > most else None)

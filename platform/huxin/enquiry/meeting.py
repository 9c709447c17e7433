"""An enquiry's subject where blind mode is on: elements are opened, and both ways are brought together.

Who has met, nearly everybody, costs an enquiry nothing: the registry tells with the answer (enquiry_gather).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from huxin.enquiry.elements import Elements, Known
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Keys, Person, SubjectKeys
from huxin.errors import HuxinError
from huxin.registry import meeting
from huxin.registry.live import Live
from huxin.registry.meeting import Key
from huxin.settings import Settings
from huxin_privacy.blind.sealed import open_element
from huxin_privacy.errors import PrivacyError
from huxin_privacy.identifiers import canonical_id


def opened(request: EnquiryRequest, asker: Asker, elements: Elements | None) -> EnquiryRequest:
    """The request with the element that was sealed for it, of this member and these words; others as they are.

    HuxinError H1801 (blind mode is off), H1805 (it does not open), H1806 (sealed to a key that is at work no longer).
    """
    person = request.person
    if person is None or person.sealed is None:
        return request
    if elements is None:
        raise HuxinError("H1801")
    try:
        element = open_element(elements.receiving, asker.code, request.digest(), person.sealed)
    except PrivacyError as error:
        raise HuxinError("H1806" if error.code == "P0172" else "H1805") from None
    return replace(request, person=replace(person, sealed=None, element=element))


def keys_of(keys: Keys, elements: Elements | None, person: Person, today: date) -> SubjectKeys:
    """The keys a person is found by, whichever way it came.

    HuxinErrors as Keys.of; H1801 (an element, and blind mode is off), H1802 (of a key at work no longer).
    """
    if person.element is None:
        return keys.of(person, today)
    return SubjectKeys(known_by(elements, person).keys, None, [])


def bring_together(
    settings: Settings,
    live: Live,
    elements: Elements | None,
    person: Person,
    found: SubjectKeys,
    now: datetime,
) -> None:
    """Makes one subject of all keys of a person that has not met: afterwards any of them, `found` too, leads there.

    Before the question is answered, what was on record of two is on record of one. HuxinError H1601 (keys).
    """
    join(settings, live, found.keys if person.element is None else (), known_by(elements, person), now)


def join(settings: Settings, live: Live, tokens: Sequence[Key], known: Known, now: datetime) -> None:
    """The same of tokens and of what an element is known by, whoever made them. HuxinError H1601 (keys)."""
    _, split = meeting.meet(live, meeting.Person(tokens, known.keys, known.sealed), now)
    if split:
        meeting.rekey(settings)


def with_elements(keys: SubjectKeys, elements: Elements | None, person: Person) -> SubjectKeys:
    """For a mere look: the keys also of whom only members know that come the blind way."""
    if elements is None:
        return keys
    return replace(keys, keys=[*keys.keys, *known_by(elements, person).keys])


def known_by(elements: Elements | None, person: Person) -> Known:
    """What a person, whose identifier was found well-formed, is known by the blind way."""
    if elements is None:
        raise HuxinError("H1801")
    if person.element is not None:
        return elements.known(elements.present(*person.element))
    canonical = canonical_id(person.id_type, person.id_no, person.id_country)
    assert canonical.text is not None, "it has keys"
    return elements.known(elements.of(person.id_type, canonical.text))

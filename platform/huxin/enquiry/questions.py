"""An enquiry on its way to an answer: as it is put, what the registry knew, what is to be recorded, what is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from huxin.decision import Policy
from huxin.enquiry.answering import Made
from huxin.enquiry.keys_in_use import Read
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import SubjectKeys
from huxin.registry.enquiries import NewEnquiry
from huxin.registry.gathering import Asking, Gathered, Quota


@dataclass(slots=True)
class Question:
    """A request with the policy that answers it, and the keys that its subject is found by, of which reading."""

    asker: Asker
    request: EnquiryRequest = field(repr=False)
    key: str
    policy: Policy = field(repr=False)
    read: Read = field(repr=False)
    keys: SubjectKeys = field(repr=False)
    asking: Asking = field(repr=False)


@dataclass(slots=True)
class Put:
    """What a member asks under a key, and the question that is made of it, by whoever comes to it first."""

    asker: Asker
    request: EnquiryRequest = field(repr=False)
    key: str
    question: Question | None = field(default=None, repr=False)


@dataclass(slots=True)
class Known:
    """What the registry said of a subject, by which keys and when, and what the member may still ask."""

    read: Read = field(repr=False)
    gathered: Gathered = field(repr=False)
    quota: Quota
    subject_id: UUID
    tier: str
    at: datetime


@dataclass(slots=True)
class Draft:
    """An answer that is on record before it is told; the row still lacks the request's digest."""

    question: Question = field(repr=False)
    known: Known
    made: Made = field(repr=False)
    row: NewEnquiry


@dataclass(slots=True)
class Told:
    """An answer as bytes of JSON; `fresh` is false where it is the one given before under the same key."""

    content: bytes
    quota: Quota
    fresh: bool

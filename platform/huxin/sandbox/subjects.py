"""The sandbox's data as values: lenders, the members one can be, and the test subjects with what each has to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from huxin.enquiry.subject_keys import Person
from huxin.paths import schema_root
from huxin_privacy.identifiers import canonical_id


@dataclass(frozen=True)
class SandboxMember:
    """A lender of the sandbox; one without texts is no test member and has no key."""

    code: str
    name: str
    tier: str = "full"
    status: str = "active"
    reports: bool = True
    zh: str = ""
    en: str = ""


@dataclass(frozen=True)
class SandboxLoan:
    """One loan of a subject. Amounts in whole yuan; opened and closed are days before the as-of date."""

    lender: str
    principal: int
    balance: int
    opened: int
    closed: int | None = None
    dpd: int = 0
    role: str = "primary"
    product: str = "consumer"
    class5: str = "normal"
    status: str | None = None
    special_event: str = "none"
    hardship: str = "none"


@dataclass(frozen=True)
class Before:
    """What another lender did: asked (about the invented person of number `other`, where given), or reserved."""

    lender: str
    hours_ago: int
    amount: int = 20_000
    other: int | None = None


@dataclass(frozen=True)
class Expected:
    """Either an outcome with its flags, or a problem; `then` is "answer" where the same key is answered next."""

    outcome: str | None = None
    flags: tuple[str, ...] = ()
    subject_known: bool = True
    status: int = 200
    code: str | None = None
    retry_after: bool = False
    then: str | None = None


@dataclass(frozen=True)
class Reserved:
    """What comes of a reservation after the enquiry."""

    amount: int
    status: int
    code: str | None = None


@dataclass(frozen=True)
class Question:
    """What is asked of a subject; `name` differs from the subject's where that is the point."""

    purpose: str
    product: str | None
    amount: int | None
    consent_days: int
    name: str | None = None


@dataclass(frozen=True)
class TestSubject:
    """One invented person or firm. Its identifier is meant to be read: nobody has it."""

    __test__ = False  # pytest takes what begins with Test for its own

    key: str
    person: Person
    zh: str
    en: str
    question: Question
    expect: Expected
    loans: tuple[SandboxLoan, ...] = ()
    asked: tuple[Before, ...] = ()
    reserved: tuple[Before, ...] = ()
    reserve: Reserved | None = None
    act: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True)
class Sandbox:
    """All of schemas/sandbox/subjects.yaml."""

    lenders: tuple[SandboxMember, ...]
    members: tuple[SandboxMember, ...]
    subjects: tuple[TestSubject, ...]

    @property
    def everybody(self) -> tuple[SandboxMember, ...]:
        return self.lenders + self.members


@lru_cache(maxsize=1)
def load_sandbox() -> Sandbox:
    """The data set. A key that these classes do not have is a TypeError: the file is ours and held by tests."""
    path = schema_root() / "sandbox" / "subjects.yaml"
    raw: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Sandbox(
        tuple(SandboxMember(**each) for each in raw["lenders"]),
        tuple(SandboxMember(**each) for each in raw["members"]),
        tuple(_subject(dict(each), raw["question"]) for each in raw["subjects"]),
    )


def identity(person: Person) -> tuple[str, str | None]:
    """What two spellings of one identifier have in common; the text is None for what is none."""
    return person.id_type, canonical_id(person.id_type, person.id_no, person.id_country).text


def _subject(raw: dict[str, Any], question: dict[str, Any]) -> TestSubject:
    names = ("id_no", "id_country", "name", "mobile")
    person = Person(raw.pop("id_type", "resident_id"), **{name: raw.pop(name, None) for name in names})
    expect, reserve = raw.pop("expect"), raw.pop("reserve", None)
    return TestSubject(
        person=person,
        question=Question(**{**question, "name": person.name, **raw.pop("ask", {})}),
        loans=tuple(SandboxLoan(**each) for each in raw.pop("loans", ())),
        asked=tuple(Before(**each) for each in raw.pop("asked", ())),
        reserved=tuple(Before(**each) for each in raw.pop("reserved", ())),
        expect=Expected(**{**expect, "flags": tuple(expect.get("flags", ()))}),
        reserve=Reserved(**reserve) if reserve else None,
        **raw,
    )

"""An operator's questions: exact figures of now or of a past moment, each on record and in no member's windows.

They claim no subject and take no quota. What is told is recorded before it is told: a row for each question whose
subject is known, and for each bunch one act, a leaf of the log, with the SHA-256 of the very lines that are told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from huxin.decision import Coverage
from huxin.enquiry.answering import Used
from huxin.enquiry.check_lines import Head, checked_line, fault_line
from huxin.enquiry.check_words import PURPOSE_DECIDED, Account, Check
from huxin.enquiry.drafting import product_code
from huxin.enquiry.elements import Elements
from huxin.enquiry.meeting import with_elements
from huxin.enquiry.sealing import ANSWER, FACTS, sealed
from huxin.enquiry.subject_keys import Keys, RegistryKeys, SubjectKeys, schemes_of
from huxin.errors import HuxinError
from huxin.ids import id_at
from huxin.registry import checks, replay
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.blind import generations
from huxin.registry.checks import CheckHead, CheckRow
from huxin.registry.key_readers import reading
from huxin.registry.members import Member, find_member
from huxin.registry.policies import policy_on
from huxin.registry.replay import PRESENT, Reach, When, Whom
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.generations import Rings

if TYPE_CHECKING:
    from sqlalchemy import Connection

TIER: Final = "full"
TOPIC: Final = "operator.asked"
BUNCH: Final = 5_000
_PART: Final = 500  # questions that the registry works on while the answers to those before are made
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class _Put:
    """A question that could be put: its place in the bunch, and what it is answered from."""

    place: int
    check: Check
    subject_id: UUID | None
    used: Used = field(repr=False)


@dataclass(frozen=True)
class _Done:
    """The line that a question is told, and what is recorded of it: nothing where nobody was met."""

    place: int
    line: bytes = field(repr=False)
    row: CheckRow | None


class Checker:
    """Puts questions on behalf of one member; made once a command."""

    _keys: RegistryKeys
    _both: Keys
    _elements: Elements | None

    def __init__(self, settings: Settings, member: str, account: Account, past: When | None = None) -> None:
        """HuxinError H0701 (no such member), H0805 (suspended)."""
        self._settings, self._account, self._past = settings, account, past
        with connection(settings) as database:
            self._member = _asking(database, member)

    def ask(self, questions: Sequence[Check]) -> list[bytes]:
        """Each answer as a line of JSON without its line feed, in the questions' order; recorded together.

        HuxinError H0803 (unknown identifier type), H1217 (a moment that is not known any more). A malformed
        identifier gets its codes.
        """
        now = self._settings.now()
        when = self._past or When(PRESENT, now, self._settings.today())
        with reading(self._settings, "check") as place, connection(self._settings) as database:
            self._read(database)
            place.say(self._keys.versions)
            keyed = [self._keyed(each) for each in questions]
            replay.require_known(database, when)
            head = Head(id_at(now), self._member.code, now, when, self._account)
            reach = replay.coverage_at(database, when.today, when)
            done = [self._done(head, each, reach) for each in self._put(database, when, questions, keyed)]
            answered = {each.place: each.line for each in done}
            lines = [
                fault_line(keys) if isinstance(keys, str) else answered[place]
                for place, keys in enumerate(keyed)
            ]
            self._record(database, head, [each.row for each in done if each.row is not None], lines)
        return lines

    def _read(self, database: Connection) -> None:
        """Reads the keys that questions are put with."""
        rings, numbers = Rings.open(self._settings.keys_dir), partial(scheme_ids, database)
        self._keys = self._both = Keys(rings, numbers(schemes_of(rings)))
        self._elements = Elements.read(rings, generations(database), numbers)

    def _digest(self, check: Check) -> bytes:
        """By what a repeated question would be told."""
        return self._both.digest(check.canonical())

    def _keyed(self, check: Check) -> SubjectKeys | str:
        """The keys of a question, or the codes of what is wrong with its identifier."""
        try:
            found = self._both.of(check.person, self._settings.today())
            return with_elements(found, self._elements, check.person)
        except HuxinError as error:
            if error.code != "H0801":
                raise
            return str(error.facts["codes"])

    def _put(
        self,
        database: Connection,
        when: When,
        questions: Sequence[Check],
        keyed: Sequence[SubjectKeys | str],
    ) -> Iterator[_Put]:
        """What each question is answered from, in order; the registry works a part ahead of whoever takes them."""
        good = [(place, keys) for place, keys in enumerate(keyed) if isinstance(keys, SubjectKeys)]
        subjects = replay.subjects_of(database, [keys.keys for _, keys in good])
        mobiles = replay.mobiles_of(database, [keys.mobile_keys for _, keys in good])
        whom = [
            Whom(subject, keys.name_marks, bool(keys.mobile_keys), mobile)
            for (_, keys), subject, mobile in zip(good, subjects, mobiles, strict=True)
        ]
        policy = policy_on(self._settings, when.today)
        reach = replay.coverage_at(database, when.today - timedelta(days=policy.coverage_days), when)
        coverage = Coverage(reach.members, reach.reported, reach.oldest_as_of)

        def facts_of(part: Sequence[Whom]) -> list[bytes]:
            return replay.facts_at(database, self._member.id, part, when, policy.stacking_days)

        facts = chain.from_iterable(
            _ahead(facts_of, [whom[i : i + _PART] for i in range(0, len(whom), _PART)])
        )
        for (place, _), each, told in zip(good, whom, facts, strict=True):
            asked = questions[place].asked(PURPOSE_DECIDED)
            yield _Put(place, questions[place], each.subject_id, Used(told, coverage, policy, asked, TIER))

    def _done(self, head: Head, put: _Put, reach: Reach) -> _Done:
        id_ = id_at(head.asked_at)
        line = checked_line(head, id_, put.subject_id, put.used, reach)
        if put.subject_id is None:
            return _Done(put.place, line, None)
        seal_key, check = self._keys.seal_key, put.check
        row = CheckRow(
            id_,
            put.subject_id,
            self._digest(check),
            None if check.product is None else product_code(check.product),
            check.amount,
            sealed(seal_key, FACTS, id_, put.used.stored()),
            sealed(seal_key, ANSWER, id_, line),
        )
        return _Done(put.place, line, row)

    def _record(
        self, database: Connection, head: Head, rows: Sequence[CheckRow], lines: Sequence[bytes]
    ) -> None:
        policy, said = policy_on(self._settings, head.when.today).version, self._account
        common = CheckHead(
            self._member.id, head.asked_at, said.staff, said.reference or said.reason, policy, TIER
        )
        checks.record_checks(database, common, rows)
        facts = head.facts() | {
            "record_id": str(head.act),
            "purpose": checks.PURPOSE,
            "policy": policy,
            "questions": len(lines),
            "known": len(rows),
            "answers_sha256": hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest(),
        }
        note_operator_act(database, TOPIC, facts, head.asked_at)


def _ahead(work: Callable[[_Given], _Made], parts: Iterable[_Given]) -> Iterator[_Made]:
    """The work on each part in order; while one is taken, another thread is at the next."""
    with ThreadPoolExecutor(1) as beside:
        coming: Future[_Made] | None = None
        for part in parts:
            done, coming = coming, beside.submit(work, part)
            if done is not None:
                yield done.result()
        if coming is not None:
            yield coming.result()


def _asking(database: Connection, code: str) -> Member:
    found = find_member(database, code)
    if found is None:
        raise HuxinError("H0701", code=code[:64])
    if not found.active:
        raise HuxinError("H0805", code=found.code)
    return found

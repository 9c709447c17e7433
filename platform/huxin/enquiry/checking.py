"""An operator's questions: exact figures of now or of a past moment, each on record and in no member's windows.

They claim no subject and take no quota. What is told is recorded before it is told: a row for each question whose
subject is known, and for each bunch one act, a leaf of the log, with the SHA-256 of the very lines that are told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from huxin.decision import Coverage, policy_on
from huxin.enquiry.answering import Used
from huxin.enquiry.check_lines import Head, Line, checked_line, fault_line
from huxin.enquiry.check_words import PURPOSE_DECIDED, Account, Check
from huxin.enquiry.desk import product_code
from huxin.enquiry.sealing import ANSWER, FACTS, sealed
from huxin.enquiry.subject_keys import Keys, SubjectKeys, all_schemes
from huxin.errors import HuxinError
from huxin.ids import id_at
from huxin.registry import checks, replay
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.checks import CheckHead, CheckRow
from huxin.registry.members import Member, find_member
from huxin.registry.replay import PRESENT, When, Whom
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection
from huxin.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

TIER: Final = "full"
TOPIC: Final = "operator.asked"
BUNCH: Final = 5_000


@dataclass(frozen=True)
class _Put:
    """A question that could be put: its place in the bunch, and what it is answered from."""

    place: int
    check: Check
    subject_id: UUID | None
    used: Used = field(repr=False)


class Checker:
    """Puts questions on behalf of one member; made once a command."""

    def __init__(self, settings: Settings, member: str, account: Account, past: When | None = None) -> None:
        """HuxinError H0701 (no such member), H0805 (suspended)."""
        self._settings, self._account, self._past = settings, account, past
        with connection(settings) as database:
            self._member = _asking(database, member)
            self._keys = Keys(settings, scheme_ids(database, all_schemes(settings)))

    def ask(self, questions: Sequence[Check]) -> list[bytes]:
        """Each answer as a line of JSON without its line feed, in the questions' order; recorded together.

        HuxinError H0803 (unknown identifier type), H1217 (a moment that is not known any more). A malformed
        identifier gets its codes.
        """
        now = self._settings.now()
        when = self._past or When(PRESENT, now, self._settings.today())
        keyed = [self._keyed(each) for each in questions]
        with connection(self._settings) as database:
            replay.require_known(database, when)
            put = self._put(database, when, questions, keyed)
            head = Head(id_at(now), self._member.code, now, when, self._account)
            reach = replay.coverage_at(database, when.today, when)
            made = {
                each.place: checked_line(head, id_at(now), each.subject_id, each.used, reach) for each in put
            }
            lines = [
                fault_line(keys) if isinstance(keys, str) else made[place].content
                for place, keys in enumerate(keyed)
            ]
            self._record(database, head, put, made, lines)
        return lines

    def _keyed(self, check: Check) -> SubjectKeys | str:
        """The keys of a question, or the codes of what is wrong with its identifier."""
        try:
            return self._keys.of(check.person)
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
    ) -> list[_Put]:
        good = [(place, keys) for place, keys in enumerate(keyed) if isinstance(keys, SubjectKeys)]
        subjects = replay.subjects_of(database, [keys.keys for _, keys in good])
        mobiles = replay.mobiles_of(database, [keys.mobile_keys for _, keys in good])
        whom = [
            Whom(subject, keys.name_mark, bool(keys.mobile_keys), mobile)
            for (_, keys), subject, mobile in zip(good, subjects, mobiles, strict=True)
        ]
        policy = policy_on(when.today)
        reach = replay.coverage_at(database, when.today - timedelta(days=policy.coverage_days), when)
        coverage = Coverage(reach.members, reach.reported, reach.oldest_as_of)
        facts = replay.facts_at(database, self._member.id, whom, when, policy.stacking_days)
        return [
            _Put(
                place,
                questions[place],
                each.subject_id,
                Used(told, coverage, policy, questions[place].asked(PURPOSE_DECIDED), TIER),
            )
            for (place, _), each, told in zip(good, whom, facts, strict=True)
        ]

    def _record(
        self,
        database: Connection,
        head: Head,
        put: Sequence[_Put],
        made: dict[int, Line],
        lines: Sequence[bytes],
    ) -> None:
        policy = policy_on(head.when.today).version
        rows = [self._row(each, made[each.place]) for each in put if each.subject_id is not None]
        said = self._account
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

    def _row(self, put: _Put, line: Line) -> CheckRow:
        assert put.subject_id is not None
        seal_key, check = self._keys.seal_key, put.check
        return CheckRow(
            line.id,
            put.subject_id,
            self._keys.digest(check.canonical()),
            None if check.product is None else product_code(check.product),
            check.amount,
            sealed(seal_key, FACTS, line.id, put.used.stored()),
            sealed(seal_key, ANSWER, line.id, line.content),
        )


def _asking(database: Connection, code: str) -> Member:
    found = find_member(database, code)
    if found is None:
        raise HuxinError("H0701", code=code[:64])
    if not found.active:
        raise HuxinError("H0805", code=found.code)
    return found

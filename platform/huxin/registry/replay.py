"""Facts as the registry knew them at a moment, of many subjects at once, for operators (functions/replay.sql)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, TextClause, text

from huxin.errors import HuxinError
from huxin.registry.gathering import Key

PRESENT: Final = None  # of `at`: what is known now

_FOUND = """
    SELECT DISTINCT ON (q.number) q.number, a.{id}
    FROM unnest(CAST(:numbers AS integer[]), CAST(:ranks AS integer[]), CAST(:tokens AS uuid[]),
        CAST(:schemes AS smallint[])) AS q(number, rank, token, scheme)
    JOIN {table} a ON a.token = q.token AND a.scheme = q.scheme
    ORDER BY q.number, q.rank
"""
_SUBJECTS = text(_FOUND.format(table="alias", id="subject_id"))
_MOBILES = text(_FOUND.format(table="mobile_alias", id="mobile_id"))
_FACTS = text("""
    SELECT enquiry_facts_at(:member, q.subject, CAST(q.marks AS uuid[]), q.by_mobile, q.mobile,
        CAST(:at AS timestamptz), CAST(:now AS timestamptz), CAST(:today AS date), CAST(:stacking_days AS integer))
    FROM unnest(CAST(:subjects AS uuid[]), CAST(:marks AS text[]), CAST(:by_mobile AS boolean[]),
        CAST(:mobiles AS uuid[])) WITH ORDINALITY AS q(subject, marks, by_mobile, mobile, number)
    ORDER BY q.number
""")
# Nothing before its first member was known by a registry that was there: that is no answer of "no record".
_BEGAN = "SELECT min(m.created_at) FROM member m"
_BEYOND = text(f"SELECT greatest(known_since(), ({_BEGAN})) > CAST(:at AS timestamptz)")
_COVERAGE = text("SELECT members, reported, ever, oldest FROM coverage_at(:since, CAST(:at AS timestamptz))")


@dataclass(frozen=True)
class Whom:
    """Whose facts: the subject, if its identifier led to one, the marks of the name and the mobile asked with."""

    subject_id: UUID | None
    name_marks: Sequence[bytes] | None = field(default=None, repr=False)
    by_mobile: bool = False
    mobile_id: UUID | None = None


@dataclass(frozen=True)
class When:
    """The moment of knowing (PRESENT: all there is), the moment that is asked about, and its business day."""

    at: datetime | None
    now: datetime
    today: date

    @property
    def known(self) -> str:
        """The moment of knowing as SQL has it."""
        return "infinity" if self.at is None else self.at.isoformat()


@dataclass(frozen=True)
class Reach:
    """Active members, those that reported lately, those that ever did, the oldest of their newest as-of dates."""

    members: int
    reported: int
    ever: int
    oldest_as_of: date | None


def subjects_of(connection: Connection, asked: Sequence[Sequence[Key]]) -> list[UUID | None]:
    """Whom each list of keys names, the first known key deciding; None for nobody. Nothing is claimed."""
    return _found(connection, _SUBJECTS, asked)


def mobiles_of(connection: Connection, asked: Sequence[Sequence[Key]]) -> list[UUID | None]:
    """The same for mobiles."""
    return _found(connection, _MOBILES, asked)


def require_known(connection: Connection, when: When) -> None:
    """HuxinError H1217 when the past of that moment is not held any more, or the registry had not begun.

    What is held is held to the transaction's end.
    """
    if when.at is None:
        return
    # A month of history that is dropped waits for this transaction.
    connection.execute(text("LOCK TABLE loan_history IN ACCESS SHARE MODE"))
    if connection.execute(_BEYOND, {"at": when.known}).scalar():
        raise HuxinError("H1217")


def began_at(connection: Connection) -> datetime | None:
    """When the registry got its first member: nothing can be asked as of before it."""
    found: datetime | None = connection.execute(text(_BEGAN)).scalar()
    return found


def facts_at(
    connection: Connection, member_id: int, whom: Sequence[Whom], when: When, stacking_days: int
) -> list[bytes]:
    """Each one's facts as JSON (decision.facts), in the shape in which `gathering.gather` tells them."""
    found = connection.execute(
        _FACTS,
        {
            "member": member_id,
            "at": when.known,
            "now": when.now,
            "today": when.today,
            "stacking_days": stacking_days,
            "subjects": [each.subject_id for each in whom],
            "marks": [_array(each.name_marks) for each in whom],
            "by_mobile": [each.by_mobile for each in whom],
            "mobiles": [each.mobile_id for each in whom],
        },
    )
    return [facts.encode() for facts in found.scalars()]


def coverage_at(connection: Connection, since: date, when: When) -> Reach:
    """The coverage of that moment; `since` is the first day that counts as lately."""
    return Reach(*connection.execute(_COVERAGE, {"since": since, "at": when.known}).one())


def _array(marks: Sequence[bytes] | None) -> str | None:
    """As the text of an array, for an array of arrays would have to be a rectangle."""
    return None if marks is None else "{" + ",".join(each.hex() for each in marks) + "}"


def _found(connection: Connection, query: TextClause, asked: Sequence[Sequence[Key]]) -> list[UUID | None]:
    rows = [(number, rank, *key) for number, keys in enumerate(asked) for rank, key in enumerate(keys)]
    found: list[UUID | None] = [None] * len(asked)
    if not rows:
        return found
    numbers, ranks, tokens, schemes = zip(*rows, strict=True)
    values = {
        "numbers": list(numbers),
        "ranks": list(ranks),
        "tokens": [UUID(bytes=token) for token in tokens],
        "schemes": list(schemes),
    }
    for number, id_ in connection.execute(query, values):
        found[number] = id_
    return found

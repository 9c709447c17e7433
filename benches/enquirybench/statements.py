"""The enquiry's two statements as a pgbench script, with arguments like the API's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from enquirybench.home import Filled
from huxin.settings import SHANGHAI

# The person is looked up in a small table within the first statement, which a program would have at hand: that costs
# some microseconds, and what it costs is told.
ENQUIRY = """\
\\set n random(1, :people)
\\set m random(:first_member, :last_member)
SELECT g.subject, g.mobile, g.facts AS known, g.minute_used FROM bench_person b, enquiry_gather(
    :m, 'application', b.tokens, b.schemes, true, b.marks, b.mobile_tokens, b.mobile_schemes,
    now(), :day::date, 7) g WHERE b.n = :n \\gset
SELECT outcome FROM (SELECT bench_id() AS id) i, enquiry_record(i.id, :m, :subject, :mobile, i.id::text,
    :digest::bytea, 'application', 1::smallint, 5000000, 'SQ0000000001', :day::date, 'staff-12', 'AP-00000001',
    '2020.1', 'full', :facts::bytea, :answer::bytea, now(), bench_id(),
    replace(replace(replace(:body, '@enquiry', i.id::text), '@subject', :subject), '@mobile', :mobile))
"""
GATHER = "\n".join(ENQUIRY.split("\n")[:5]) + "\n"
LOOKUP = "\\set n random(1, :people)\nSELECT tokens, schemes, marks, mobile_tokens FROM bench_person WHERE n = :n\n"

# A UUIDv7, as the API makes its own: uuidv7() is younger than the oldest server that we support.
_ID = """
    CREATE OR REPLACE FUNCTION bench_id() RETURNS uuid LANGUAGE sql VOLATILE RETURN
        (left(id_floor(clock_timestamp())::text, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid
"""
_ID_18 = "CREATE OR REPLACE FUNCTION bench_id() RETURNS uuid LANGUAGE sql VOLATILE RETURN uuidv7()"


@dataclass(frozen=True)
class Sizes:
    """Bytes of what the API stores with an enquiry: its facts and answer, both sealed, and the leaf's record."""

    facts: int = 700
    answer: int = 900
    record: int = 260


def prepare(source: Filled) -> None:
    """Makes `bench_id`, so that scripts can make ids."""
    with psycopg.connect(source.uri) as connection:
        connection.execute(_ID_18 if connection.info.server_version >= 180000 else _ID)


def variables(source: Filled, people: int, sizes: Sizes) -> dict[str, str]:
    """What the scripts' :names stand for."""
    first, last = member_range(source)
    day = datetime.now(UTC).astimezone(SHANGHAI).date()
    return {
        "people": str(people),
        "first_member": str(first),
        "last_member": str(last),
        "day": day.isoformat(),
        "digest": "\\x" + "5a" * 32,
        "answer": "\\x" + "a5" * sizes.answer,
        "facts": "\\x" + "c3" * sizes.facts,
        "body": _body(sizes.record),
    }


def _body(record: int) -> str:
    """An outbox row's body as the sequencer takes it, its record of so many characters; @ marks what is a row's own."""
    feed = {"mobile_id": "@mobile", "subject_id": "@subject", "member_id": 1, "enquiry_id": "@enquiry"}
    feed |= {"asked_at": "2026-05-31T22:00:00+08:00", "purpose": "application"}
    leaf = {"salt": "5a" * 16, "record": "r" * record}
    return json.dumps({"record_id": "@enquiry", "member": 1, "leaf": leaf, "feed": feed})


def member_range(source: Filled) -> tuple[int, int]:
    """The least and the greatest number of the book's members, who are numbered without gaps."""
    with psycopg.connect(source.uri) as connection:
        found = connection.execute("SELECT min(id), max(id) FROM member WHERE code LIKE 'B%'").fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def measured_sizes(source: Filled) -> Sizes | None:
    """The mean sizes of what the API has just stored and the sequencer has taken; None when there is nothing yet."""
    query = """
        SELECT avg(length(e.facts))::int, avg(length(e.answer))::int,
            (SELECT avg(length(record))::int FROM audit_leaf WHERE topic = 'enquiry.answered')
        FROM enquiry e WHERE e.staff LIKE 'staff-%'
    """
    with psycopg.connect(source.uri) as connection:
        found = connection.execute(query).fetchone()
    return Sizes(*found) if found and None not in found else None

"""Reservations by sixteen at once: their pace beside bare durable inserts, and the caps counted afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from enquirybench import pgbench
from enquirybench.breaches import Breach, Caps, Grant, Owed, breaches, disagreements
from enquirybench.figures import Load
from enquirybench.home import Filled, execute
from enquirybench.statements import member_range
from huxin.decision import policy_on
from huxin.decision.policy import EXACT

CLIENTS = 16
# What sixteen clients make of the server: two processes, each with what its eight threads bring at once.
PROCESSES, LOT = 2, 8
SUBJECTS = 100_000
HOT_SUBJECTS = 200
# While one hot subject collects reservations each count has more to count: it gives way to the next this often.
HOT_SECONDS = 0.1
_AMOUNT = 500_000  # cents
_NO_CAP = 2_000_000_000

BARE = """\
\\set m random(:first_member, :last_member)
INSERT INTO bench_bare VALUES (gen_random_uuid(), bench_id(), :m, bench_id(), 1, 1::smallint, 500000, now(),
    now() + interval '72 hours', now(), NULL, NULL)
"""
# Which enquiry it stands on is computed, for a caller has it at hand: looked up, it would be in the reservation's time.
# A lot of eight has 248 parameters, of the 255 that pgbench takes.
_CALL = """\
FROM (SELECT bench_id() AS id, {n} AS n) i, reservation_reserve(i.id,
    (:first_member::bigint + i.n % :members::bigint)::integer, i.id::text, :digest::bytea, bench_asked_id(i.n),
    1::smallint, 500000, clock_timestamp(), clock_timestamp() + interval '72 hours', now() - interval '7 days',
    :lenders::int, :loans::int, :cents::bigint, :step::bigint, :exact, now()::date - :reciprocity::int, :in_vain::int,
    bench_id(), replace(:body, '@id', i.id::text), {together}) r"""
_FLUSHED = """
\\if :flush = 1
SELECT pg_logical_emit_message(true, 'huxin', '');
\\endif
"""
_ALONE = f"SELECT (r.outcome = 1 AND r.unflushed)::int AS flush\n{_CALL} \\gset{_FLUSHED}"
# Which subject a number stands for: any of the spread ones, or the one that is hot at this moment.
_ANY = "\\set k{place} random(1, :subjects)\n", ":k{place}::bigint"
_HOT = (
    "\\set k{place} random(1, :members)\n",
    "((:subjects::bigint / :members + 1 + floor(extract(epoch FROM now()) / :hot_seconds)::bigint % :hot) "
    "* :members + :k{place})",
)


def alone(which: tuple[str, str]) -> str:
    """One reservation a transaction."""
    drawn, n = (each.format(place=0) for each in which)
    return drawn + _ALONE.format(n=n, together="false")


def in_lots(which: tuple[str, str], size: int) -> str:
    """So many in one transaction, as the server sends what its threads bring at once."""
    drawn = "".join(which[0].format(place=place) for place in range(size))
    numbers = [which[1].format(place=place) for place in range(size)]
    members = ", ".join(f"(:first_member::bigint + {n} % :members::bigint)::integer" for n in numbers)
    asked = ", ".join(f"bench_asked_id({n})" for n in numbers)
    calls = [f"SELECT t.unflushed AS waited FROM reservation_turns(ARRAY[{members}], ARRAY[{asked}]) t"]  # noqa: S608  # words of our own
    calls += ["SELECT r.unflushed " + _CALL.format(n=n, together="true") for n in numbers]
    told = " UNION ALL ".join(calls)
    return f"{drawn}SELECT bool_or(waited)::int AS flush FROM ({told}) c \\gset{_FLUSHED}"  # noqa: S608  # words of our own


SPREAD, SPREAD_LOTS = alone(_ANY), in_lots(_ANY, LOT)
HOT, HOT_LOTS = alone(_HOT), in_lots(_HOT, LOT)


@dataclass(frozen=True)
class Reserved:
    """What sixteen clients were granted: rates of grants and of answers, both a second."""

    granted: float
    answered: Load


def prepare(source: Filled) -> None:
    """Enquiries for reservations to stand on: one of 100,000 random subjects each, and each member's of the hot ones.

    Table bench_asked: `n` up to 100,000 for the spread ones; then the hot ones, member after member. Enquiry and member
    follow from n. HOT reckons with the numbers given here.
    """
    first, last = member_range(source)
    subjects = min(SUBJECTS, source.book.subjects // 2)
    hot = min(HOT_SUBJECTS, source.book.subjects // 4)
    values = {"first": first, "members": last - first + 1, "subjects": subjects, "hot": hot}
    with psycopg.connect(source.uri) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_asked, bench_bare")
        connection.execute("CREATE TABLE bench_bare (LIKE reservation INCLUDING ALL)")
        connection.execute(_NUMBERED.format(day=datetime.now(UTC).date()))
        connection.execute(_ASKED, values)
        connection.execute("ALTER TABLE bench_asked ADD PRIMARY KEY (n)")
        connection.execute(_KEYS)
        # A lot that waits for too long is asked for one by one, which pgbench cannot do.
        connection.execute("ALTER FUNCTION reservation_turns(integer[], uuid[]) SET lock_timeout = 0")
    # Else the server does it by itself, in the middle of a measurement.
    execute(source.uri, "VACUUM (ANALYZE) bench_asked, bench_bare, enquiry_key")


def release(source: Filled) -> None:
    """Gives back what is held, so that each measurement begins as the first: else ever more would be refused."""
    execute(source.uri, "UPDATE reservation SET state = 3, changed_at = clock_timestamp() WHERE state = 1")
    execute(source.uri, "VACUUM (ANALYZE) reservation")


# Of today's midnight, as if all had been asked then; the rest is the number.
_NUMBERED = """
    CREATE OR REPLACE FUNCTION bench_asked_id(p_n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE RETURN
        (left(id_floor(TIMESTAMPTZ '{day} 00:00:00+00')::text, 14) || '7000-8000-' || lpad(to_hex(p_n), 12, '0'))::uuid
"""
_ASKED = """
    CREATE TABLE bench_asked AS
    WITH drawn AS MATERIALIZED (
        SELECT subject_id, row_number() OVER ()::bigint AS place
        FROM (SELECT subject_id FROM alias ORDER BY random() LIMIT %(subjects)s + %(hot)s) AS taken),
    numbered AS (
        SELECT place AS n, subject_id, false AS hot FROM drawn WHERE place <= %(subjects)s
        UNION ALL
        SELECT (%(subjects)s / %(members)s + d.place - %(subjects)s) * %(members)s + m.k, d.subject_id, true
        FROM drawn d CROSS JOIN generate_series(1, %(members)s) AS m(k) WHERE d.place > %(subjects)s)
    SELECT n, subject_id, hot, (%(first)s + n %% %(members)s)::integer AS member_id, bench_asked_id(n) AS enquiry_id
    FROM numbered
"""
_KEYS = """
    INSERT INTO enquiry_key (member_id, key, digest, enquiry_id, subject_id, reservable)
    SELECT member_id, enquiry_id::text, sha256(uuid_send(enquiry_id)), enquiry_id, subject_id, true FROM bench_asked
    ORDER BY bench_asked.member_id, bench_asked.enquiry_id
"""


def reserve(source: Filled, script: str, caps: Caps, seconds: float, clients: int = CLIENTS) -> Reserved:
    """So many clients run the script under the caps."""
    before = _granted(source)
    answered = pgbench.run(source.uri, script, clients, seconds, _variables(source, caps), warm=0)
    return Reserved((_granted(source) - before) / answered.seconds, answered)


def bare(source: Filled, seconds: float) -> Load:
    """As many rows of the same shape, inserted durably one by one, and nothing else."""
    return pgbench.run(source.uri, BARE, CLIENTS, seconds, _variables(source, Caps(None, None, None)), warm=0)


def cap_breaches(source: Filled, caps: Caps, since: datetime) -> tuple[list[Breach], int]:
    """Breaches among the grants since then, recomputed without the registry's functions; and how many grants.

    SystemExit when table and log do not tell of the same grants. Ask when the sequencer has taken everything.
    """
    values = {"since": since}
    with psycopg.connect(source.uri) as connection:
        grants = [Grant(*row) for row in connection.execute(_GRANTS, values)]
        owed = {
            subject: Owed(tuple(who), int(much)) for subject, who, much in connection.execute(_OWED, values)
        }
        log = {told["reservation"]: told["amount"] for (told,) in connection.execute(_LOG, values)}
    if differing := disagreements(grants, log):
        raise SystemExit(
            f"{len(differing)} of {len(grants)} grants stand in only one of table and log, or differ"
        )
    return breaches(grants, owed, caps), len(grants)


_GRANTS = """
    SELECT id::text, subject_id::text, member_id, amount, granted_at, expires_at,
        CASE WHEN state = 3 THEN changed_at END
    FROM reservation WHERE granted_at >= %(since)s
"""
_OWED = """
    SELECT subject_id::text, array_agg(member_id), coalesce(sum(balance) FILTER (WHERE product = 1), 0) FROM loan
    WHERE subject_id IN (SELECT subject_id FROM reservation WHERE granted_at >= %(since)s) AND role IN (1, 2)
        AND void_by IS NULL AND ended_by IS NULL AND (status BETWEEN 1 AND 4 OR status = 5 AND balance > 0)
    GROUP BY subject_id
"""
_LOG = """
    SELECT record::json FROM audit_leaf
    WHERE topic = 'reservation.granted' AND recorded_at >= %(since)s
"""


def _granted(source: Filled) -> int:
    with psycopg.connect(source.uri) as connection:
        found = connection.execute("SELECT count(*) FROM reservation").fetchone()
    return int(found[0]) if found else 0


def _variables(source: Filled, caps: Caps) -> dict[str, str]:
    first, last = member_range(source)
    bound = {"lenders": caps.lenders, "loans": caps.open_loans, "cents": caps.outstanding}
    policy = policy_on(source.settings.today())
    # Where no cap binds, one subject is reserved on and given back without end.
    bound["in_vain"] = policy.reservations.in_vain if caps.lenders else None
    return {
        "first_member": str(first),
        "last_member": str(last),
        "members": str(last - first + 1),
        "subjects": str(min(SUBJECTS, source.book.subjects // 2)),
        "hot": str(min(HOT_SUBJECTS, source.book.subjects // 4)),
        "hot_seconds": str(HOT_SECONDS),
        "digest": "\\x" + "5a" * 32,
        "body": _body(),
        "step": str(policy.others_in_steps),
        "exact": ",".join(name for name, tier in policy.tiers.items() if tier.amounts == EXACT),
        "reciprocity": str(policy.reciprocity_days),
        **{name: str(_NO_CAP if cap is None else cap) for name, cap in bound.items()},
    }


def _body() -> str:
    record = {
        "amount": _AMOUNT,
        "answer_sha256": "5a" * 32,
        "at": "2026-05-31T22:00:00.000Z",
        "member": "B0001",
        "reservation": "@id",
    }
    record |= {"topic": "reservation.granted"}
    leaf = {"salt": "5a" * 16, "record": json.dumps(record)}
    return json.dumps({"record_id": "@id", "member": 1, "leaf": leaf})

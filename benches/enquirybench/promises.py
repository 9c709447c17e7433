"""The reservations' part of the bench: pace against bare inserts, then the policy's caps held and counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg

from enquirybench import reserving
from enquirybench.access import access_tokens
from enquirybench.breaches import Caps
from enquirybench.client import Target, load
from enquirybench.figures import Load, ratio
from enquirybench.questions import post
from enquirybench.speed import Stand, drained
from huxin.decision import policy_on

_FREE = Caps(None, None, None)
_GRANTED_OR_REFUSED = (b"HTTP/1.1 201", b"HTTP/1.1 409")


def promises(at: Stand, seconds: float, rounds: int) -> dict[str, float]:
    """Spread over 100,000 subjects and on one hot subject at a time, sixteen clients each; then breaches of caps.

    The pace is that of the SQL function, idempotency and outbox in it, beside bare inserts of the same row, one by one,
    by the same client program. It is asked as the server asks when sixteen come at once: two processes, each with one
    lot at a time (enquiry.lots); and one by one, told beside it. Only what was granted counts, and what earlier
    measurements hold is given back first. With one hot subject nothing would be granted after its third
    lender: so the pace is measured without caps, the hot subject changing ten times a second, and the policy's caps
    are then held against all sixteen clients, in SQL and over HTTP.
    """
    source, caps, one_by_one = at.source, policy_caps(at), reserving.CLIENTS
    reserving.prepare(source)
    began = datetime.now(UTC)
    paces: dict[str, list[float]] = {}

    def pace(name: str, title: str, script: str, held: Caps, clients: int) -> None:
        reserving.release(source)
        found = reserving.reserve(source, script, held, seconds, clients)
        paces.setdefault(name, []).append(_told(title, found.answered, found.granted))
        drained(source)

    lots = f"{reserving.PROCESSES} processes, lots of {reserving.LOT}"
    print(
        f"\nreservations, SQL function with idempotency and outbox; granted a second. {one_by_one} clients:"
    )
    for _ in range(rounds):
        paces.setdefault("bare", []).append(_told("bare durable inserts", reserving.bare(source, seconds)))
        pace(
            "spread",
            f"100,000 subjects, policy's caps: {lots}",
            reserving.SPREAD_LOTS,
            caps,
            reserving.PROCESSES,
        )
        pace("spread_alone", "the same one by one", reserving.SPREAD, caps, one_by_one)
    breached = _counted(at, caps, began, "spread")
    for _ in range(rounds):
        pace("hot", f"one hot subject, no caps: {lots}", reserving.HOT_LOTS, _FREE, reserving.PROCESSES)
        pace("hot_alone", "the same one by one", reserving.HOT, _FREE, one_by_one)
    began = datetime.now(UTC)
    for script, clients in ((reserving.HOT, one_by_one), (reserving.HOT_LOTS, one_by_one)):
        tight = reserving.reserve(source, script, caps, seconds, clients)
        _told("one hot subject, policy's caps", tight.answered, tight.granted)
    for name, hot_ones in (("spread", False), ("hot", True)):
        _over_http(at, seconds, name, hot_ones)
    drained(source)
    breached += _counted(at, caps, began, "hot, and over HTTP")
    return {
        "reservation_spread_ratio": ratio(paces["spread"], paces["bare"]),
        "reservation_hot_ratio": ratio(paces["hot"], paces["bare"]),
        "reservation_spread_alone_ratio": ratio(paces["spread_alone"], paces["bare"]),
        "reservation_hot_alone_ratio": ratio(paces["hot_alone"], paces["bare"]),
        "cap_breaches": breached,
    }


def policy_caps(at: Stand) -> Caps:
    """The policy's caps for consumer loans today."""
    caps = policy_on(at.source.settings.today()).caps
    return Caps(caps.max_lenders, caps.max_open_loans, caps.max_outstanding.get("consumer"))


def _told(title: str, run: Load, granted: float | None = None) -> float:
    if run.failures:
        raise SystemExit(f"{title}: {run.failures}")
    print(run.line(title) + ("" if granted is None else f"   granted {granted:,.0f}/s"), flush=True)
    return run.rate if granted is None else granted


def _counted(at: Stand, caps: Caps, since: datetime, what: str) -> int:
    found, grants = reserving.cap_breaches(at.source, caps, since)
    print(f"  {what}: {grants:,} grants in table and log alike, {len(found)} caps breached")
    for one in found[:5]:
        print(f"    {one.cap} exceeded by {one.excess} by reservation {one.grant.id}")
    return len(found)


def _over_http(at: Stand, seconds: float, name: str, hot: bool) -> None:
    tokens = access_tokens(at.api, at.keys)
    asked = _asked(at, hot)

    def requests(client: int) -> Iterator[bytes]:
        mine = [(tokens[place], id_) for place, id_ in asked[client :: reserving.CLIENTS]]
        for token, id_ in mine:
            body = json.dumps({"enquiry_id": id_, "amount": "5000.00", "product": "consumer"}).encode()
            yield post(b"/v1/reservations", token, body)

    run = load(Target(at.api, _GRANTED_OR_REFUSED), requests, reserving.CLIENTS, seconds, warm=0)
    _told(f"over HTTP, {name}, policy's caps", run)


def _asked(at: Stand, hot: bool) -> list[tuple[int, str]]:
    """(place among the keys, enquiry) of what members with keys may reserve on, mixed or subject by subject."""
    where, order = ("a.hot", "subject_id, random()") if hot else ("NOT a.hot", "random()")
    query = f"""
        SELECT m.code, a.enquiry_id::text FROM bench_asked a JOIN member m ON m.id = a.member_id
        WHERE {where} AND m.code = ANY(%s) ORDER BY {order}
    """  # noqa: S608  # words of our own
    places = {key.code: place for place, key in enumerate(at.keys)}
    with psycopg.connect(at.source.uri) as connection:
        return [(places[code], id_) for code, id_ in connection.execute(query, (list(places),))]

"""The checks that need the registry, made under the members' locks: order of days, and loans that vanish."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl
import pyarrow as pa

from huxin.contract import State
from huxin.nightly.admission import Earlier, in_order
from huxin.nightly.gx.run import load_suite, run_suite
from huxin.registry.members import Member, list_members
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, change, find_all, published_like
from huxin.settings import Settings
from huxin_checks.admission import Refusal
from huxin_checks.hits import Rules
from huxin_checks.night_policy import night_policy


@dataclass(frozen=True)
class Verdict:
    """W4003 by submission number: what is noted (count, masked text) and which submissions must wait."""

    noted: dict[int, tuple[int, str]]
    waiting: list[int]


def refuse_out_of_order(settings: Settings, wave: list[Submission]) -> list[Submission]:
    """F0005 and F0006, now that nothing can be published in between; returns what may be loaded.

    What another process loaded while this one waited for the members is not loaded twice.
    """
    ready = []
    with connection(settings) as database:
        members = {member.id: member for member in list_members(database)}
        states = {item.id: item.state for item in find_all(database, [item.id for item in wave])}
        alike = published_like(database, wave)
        for item in wave:
            if states[item.id] != State.PSEUDONYMIZED:
                continue
            refusal = _order(item, members[item.member_id], alike[item.id])
            if refusal is None:
                newest = members[item.member_id].as_of_date
                ready.append(
                    replace(item, facts=item.facts | {"member_as_of": str(newest) if newest else None})
                )
            else:
                change(database, [refused(item, refusal, settings)])
    return ready


def refused(item: Submission, refusal: Refusal, settings: Settings) -> Submission:
    """The submission as refused: nothing of it is accepted."""
    return replace(
        item,
        state=State.REFUSED,
        rows=item.rows or 0,
        accepted=0,
        rejected=item.rows or 0,
        codes=item.codes | {refusal.code: 1},
        facts=item.facts | {"code": refusal.code, "reason": refusal.reason, "held": _held(item)},
        changed_at=settings.now(),
    )


def tried_again(item: Submission, settings: Settings) -> Submission:
    """A submission that `refused` refused, as it was before: its checked rows are still held."""
    held = item.facts["held"]
    facts = {name: value for name, value in item.facts.items() if name not in ("code", "reason", "held")}
    return replace(
        item,
        state=State.PSEUDONYMIZED,
        accepted=held["accepted"],
        rejected=held["rejected"],
        codes=held["codes"],
        facts=facts,
        attempt=item.attempt + 1,
        changed_at=settings.now(),
    )


def _held(item: Submission) -> dict[str, object]:
    return {"accepted": item.accepted, "rejected": item.rejected, "codes": item.codes}


def vanishing_verdict(counts: pa.Table, items: list[Submission]) -> Verdict:
    """W4003 through Great Expectations, over one row a full submission: `sub`, `vanished`, `book`."""
    frame = pl.DataFrame(pl.from_arrow(counts)).with_columns(
        share=pl.col("sub").map_elements(
            lambda sub: night_policy(items[sub].as_of_date).vanish_share, return_dtype=pl.Float64
        ),
        confirmed=pl.col("sub").map_elements(lambda sub: items[sub].confirmed, return_dtype=pl.Boolean),
    )
    if not frame.height:
        return Verdict({}, [])
    rows = {int(i) for hit in run_suite(frame, load_suite("registry"), registry_rules()) for i in hit.rows}
    noted = {}
    waiting = []
    for place, row in enumerate(frame.iter_rows(named=True)):
        if place in rows:
            noted[row["sub"]] = (row["vanished"], f"{row['vanished']}/{row['book']}")
            if row["vanished"] > row["share"] * row["book"] and not row["confirmed"]:
                waiting.append(row["sub"])
    return Verdict(noted, waiting)


def registry_rules() -> Rules:
    """W4003: open loans of the member that its full file does not name."""
    return {"W4003": {"loan_no": pl.col("vanished") > 0}}


def _order(item: Submission, member: Member, others: list[Submission]) -> Refusal | None:
    assert item.as_of_date is not None
    assert item.sequence is not None
    earlier = [Earlier(other.data_digest == item.data_digest) for other in others if other.id != item.id]
    mode = "correction" if item.mode == 3 else "other"
    return in_order(item.as_of_date, item.sequence, mode, member, earlier)

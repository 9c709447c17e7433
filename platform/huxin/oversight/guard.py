"""The guard's monitors: each reads sums of what members asked, and raises alarms where they are unusual."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from huxin.oversight.guard_policy import GuardPolicy, HitRate, guard_policy
from huxin.oversight.guard_rules import Share, few_loans, unusual_hits
from huxin.registry import guard
from huxin.registry.alarms import Raised, last_closed, raise_alarm
from huxin.registry.guard import Sums
from huxin.registry.replay import When
from huxin.registry.session import connection
from huxin.settings import SHANGHAI, Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

HIT_RATE: Final = "hit_rate"
CONVERSION: Final = "conversion"
REPEATED: Final = "repeated"
UNREPORTED: Final = "unreported"
QUOTA: Final = "quota"
HONEYTOKEN: Final = "honeytoken"  # raised by the sequencer, as the enquiry leaves the outbox
HONEYTOKEN_LOAN: Final = "honeytoken_loan"
KINDS: Final = (HIT_RATE, CONVERSION, REPEATED, UNREPORTED, QUOTA, HONEYTOKEN, HONEYTOKEN_LOAN)
# What was committed late stands before where a monitor left off.
_OVERLAP = timedelta(minutes=5)


@dataclass(frozen=True)
class Run:
    """What one run of the monitors found, and how many of these alarms are new."""

    found: list[Raised]
    fresh: int
    policy: str


def run_guard(settings: Settings, when: When | None = None) -> Run:
    """Runs every monitor as of a moment (default: now), all or nothing; safe to run again.

    HuxinError H1901 (no guard policy that day), H1902 (another run is under way).
    """
    seen = when or When(None, settings.now(), settings.today())
    policy = guard_policy(seen.today)
    with connection(settings) as database:
        guard.take_turn(database)
        found = [each for monitor in MONITORS for each in monitor(database, policy, seen)]
        fresh = sum(raise_alarm(database, each, policy.version, seen.now) for each in found)
        guard.mark_done(database, REPEATED, seen.now)
    return Run(found, fresh, policy.version)


def _hit_rate(database: Connection, policy: GuardPolicy, when: When) -> Iterator[Raised]:
    """Of today, and of each day that was not over when the monitors last looked."""
    rule = policy.hit_rate
    done = guard.done_until(database, REPEATED)
    missed = 0 if done is None else (when.today - _day(done)).days
    for back in range(min(max(missed, 0), rule.usual_days), -1, -1):
        yield from _hit_rate_of(database, rule, when, when.today - timedelta(days=back))


def _hit_rate_of(database: Connection, rule: HitRate, when: When, until: date) -> Iterator[Raised]:
    since = until - timedelta(days=rule.days - 1)
    before = since - timedelta(days=rule.usual_days), since - timedelta(days=1)
    lately, usual = (
        guard.tallies(database, since, until, settled=True),
        guard.tallies(database, *before, settled=False),
    )
    explained = guard.explained(database, when.now - timedelta(days=rule.explained_days))
    sector = _by_purpose(usual)
    for (member, purpose), sums in lately.items():
        own = _share(usual, member, purpose)
        others = sector.get(purpose, Share()) - own
        figures = unusual_hits(rule, Share(*sums), own, others, explained.get((member, purpose)))
        if figures:
            yield Raised(member, HIT_RATE, purpose, since, until, figures)


def _conversion(database: Connection, policy: GuardPolicy, when: When) -> Iterator[Raised]:
    rule = policy.conversion
    until = when.today - timedelta(days=rule.nights)
    since = until - timedelta(days=rule.days - 1)
    guard.reckon_yields(database, since, until)
    every, news = (guard.yields(database, since, until, settled=settled) for settled in (False, True))
    sector = _by_purpose(every)
    for (member, purpose), sums in news.items():
        others = sector[purpose] - _share(every, member, purpose)
        figures = few_loans(rule, purpose, Share(*sums), others)
        if figures:
            yield Raised(member, CONVERSION, purpose, since, until, figures)


def _repeated(database: Connection, policy: GuardPolicy, when: When) -> Iterator[Raised]:
    rule = policy.repeated
    begin = when.now - timedelta(days=rule.days)
    done = guard.done_until(database, REPEATED)
    # A run of an earlier moment looks through its whole window.
    since = done - _OVERLAP if done is not None and begin < done <= when.now else begin
    # An enquiry of this very moment counts.
    until = when.now + timedelta(milliseconds=1)
    for asked in guard.repeated(database, begin, since, until, rule.enquiries):
        figures = {
            "enquiries": asked.enquiries,
            "staff": asked.staff,
            "last_enquiry": str(asked.last_enquiry),
        }
        first, last = _day(asked.first_asked), _day(asked.last_asked)
        yield Raised(asked.member_id, REPEATED, str(asked.subject_id), first, last, figures)


def _unreported(database: Connection, policy: GuardPolicy, when: When) -> Iterator[Raised]:
    """Money is said to have left and no file tells of it: that debt is in nobody's answer. And whoever converts what it
    does not lend would try for others' amounts without being counted (the enquiry policy's reservations.in_vain)."""
    rule = policy.unreported
    for each in guard.unreported(database, when.now - timedelta(days=rule.days), when.now, rule.least):
        figures = {"reservations": each.reservations}
        yield Raised(each.member_id, UNREPORTED, "", _day(each.first_ended), _day(each.last_ended), figures)


def _quota(database: Connection, policy: GuardPolicy, when: When) -> Iterator[Raised]:
    """Of today only, and of what was refused: counted as it was, for tier and limits may have changed since the rest of
    the day was asked, and a question that is asked again is answered again whatever is left of the quota."""
    for each in guard.quotas_refused(database, when.today):
        if each.refused >= policy.quota.refused:
            figures = {"quota": each.per_day, "asked": each.asked, "refused": each.refused}
            found = Raised(each.member_id, QUOTA, each.purpose, when.today, when.today, figures)
            settled = last_closed(database, found)
            if settled is None or settled[0] < when.today:
                yield found


def _honeytoken_loan(database: Connection, _policy: GuardPolicy, when: When) -> Iterator[Raised]:
    """Lent to nobody: who makes up loans would pass for a lender, who may ask as often as it likes."""
    for member, count in guard.reported_honeytokens(database):
        found = Raised(member, HONEYTOKEN_LOAN, "", when.today, when.today, {"subjects": count})
        settled = last_closed(database, found)
        if settled is None or count > settled[1]["subjects"]:
            yield found


MONITORS: Final = (_hit_rate, _conversion, _repeated, _unreported, _quota, _honeytoken_loan)


def _by_purpose(sums: Sums) -> dict[str, Share]:
    """All members together."""
    found: dict[str, Share] = {}
    for (_, purpose), each in sums.items():
        found[purpose] = found.get(purpose, Share()) + Share(*each)
    return found


def _share(sums: Sums, member: int, purpose: str) -> Share:
    return Share(*sums.get((member, purpose), (0, 0)))


def _day(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()

"""How past enquiries would have been answered by another policy, worked out of what each of them kept; read-only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huxin.decision import Coverage, Facts, Policy
from huxin.decision.policy_effect import Effect, judged
from huxin.enquiry.answering import Used
from huxin.enquiry.sealing import FACTS, opened
from huxin.enquiry.subject_keys import seal_keys
from huxin.errors import HuxinError
from huxin.registry.policies import policies, policy_version
from huxin.registry.policy_past import PastEnquiry, count_enquiries, past_enquiries, reading
from huxin.registry.replay import When, began_at, coverage_at, require_known
from huxin.settings import SHANGHAI, Settings
from huxin_privacy import keyring

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Told of how many of how many are done; returns whether to go on.
Progress = Callable[[int, int], bool]
# Coverage changes as files are published: it is looked up once for so many minutes of the past.
_MINUTES: Final = 10
_TOLD_EVERY: Final = 500
_LEFT_OUT: Final = frozenset(("H1206", "H1510", "H1513"))


@dataclass(frozen=True)
class Period:
    """Business days, both included."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time.min, SHANGHAI)

    @property
    def until(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time.min, SHANGHAI)


def last_month(today: date) -> Period:
    """The calendar month before this one."""
    last = today.replace(day=1) - timedelta(days=1)
    return Period(last.replace(day=1), last)


def simulate(
    settings: Settings, policy: Policy, period: Period, progress: Progress = lambda _done, _all: True
) -> dict[str, Any]:
    """Sums over members' enquiries of the period, as JSON (`Effect.told`); memory does not grow with their number.

    Before: by the policy that each was answered by. After: by `policy`, whatever its day. Caps, thresholds, levels
    and display are worked out of the facts as kept; others' enquiries of another number of days are counted anew, and
    so is the coverage (as it stood within ten minutes). An answer that cannot be worked out again is counted by the
    reason: H1206 (it does not open), H1510 (its facts are of another shape), H1513 (its policy is gone).

    HuxinError H1217 (another coverage window, of a time whose past is not held any more), H1521 (no days between),
    H1522 (`progress` said to stop).
    """
    if period.first > period.last:
        raise HuxinError("H1521")
    effect = Effect()
    with reading(settings) as database:
        total = count_enquiries(database, period.since, period.until)
        again = _Again(settings, policy)
        with reading(settings) as beside:
            again.look_in(beside, period)
            days = policy.stacking_days if again.counts_anew() else None
            for number, past in enumerate(past_enquiries(database, period.since, period.until, days), 1):
                again.one(past, effect)
                if number % _TOLD_EVERY == 0 and not progress(number, total):
                    raise HuxinError("H1522")
    progress(total, total)
    head = {"policy": policy.version, "from": period.first.isoformat(), "to": period.last.isoformat()}
    return head | effect.told()


class _Again:
    """Works enquiries out once more, by their own policy and by the other one."""

    def __init__(self, settings: Settings, policy: Policy) -> None:
        self._settings, self._policy = settings, policy
        self._keys: tuple[AESGCM, ...] = seal_keys(keyring.open(settings.keys_dir, "registry"))
        self._coverage: Callable[[date, datetime], Coverage]

    def look_in(self, database: Connection, period: Period) -> None:
        """Where the coverage of the past is looked up, on a connection of its own: the other one is streaming."""
        began = began_at(database)

        @lru_cache(maxsize=10_000)
        def found(since: date, at: datetime) -> Coverage:
            # The ten minutes of the first enquiries may have begun before the registry did.
            at = max(at, began) if began else at
            when = When(at, at, at.astimezone(SHANGHAI).date())
            require_known(database, when)
            reach = coverage_at(database, since, when)
            return Coverage(reach.members, reach.reported, reach.oldest_as_of)

        self._coverage = found

    def counts_anew(self) -> bool:
        """Whether an enquiry may have been answered by other days for STACKING than the policy has."""
        return any(each.stacking_days != self._policy.stacking_days for each in policies(self._settings))

    def one(self, past: PastEnquiry, effect: Effect) -> None:
        try:
            stored = opened(self._keys, FACTS, past.id, past.facts)
            used = Used.restored(stored, lambda version: policy_version(self._settings, version))
            facts = Facts.from_json(used.facts)
        except HuxinError as error:
            if error.code not in _LEFT_OUT:
                raise
            effect.leave_out(error.code)
            return
        before = judged(facts, used.coverage, used.policy, used.asked, used.tier)
        facts, coverage = self._facts(facts, past, used), self._covered(past, used)
        after = judged(facts, coverage, self._policy, used.asked, used.tier)
        effect.add(str(past.id), past.kind, before, after)

    def _facts(self, facts: Facts, past: PastEnquiry, used: Used) -> Facts:
        if self._policy.stacking_days == used.policy.stacking_days:
            return facts
        assert past.recent_enquiries is not None and past.recent_members is not None
        return replace(facts, recent_enquiries=past.recent_enquiries, recent_members=past.recent_members)

    def _covered(self, past: PastEnquiry, used: Used) -> Coverage:
        if self._policy.coverage_days == used.policy.coverage_days:
            return used.coverage
        day = past.asked_at.astimezone(SHANGHAI).date()
        at = past.asked_at.replace(
            minute=past.asked_at.minute // _MINUTES * _MINUTES, second=0, microsecond=0
        )
        return self._coverage(day - timedelta(days=self._policy.coverage_days), at)

"""The registry zone's other parts of a submission for the intake zone: loaded, taken back, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from huxin.contract import State
from huxin.nightly import wishes
from huxin.nightly.taking_over import MIRRORED
from huxin.registry.alone import alone
from huxin.registry.findings import list_findings
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, change, find_all
from huxin.settings import Settings
from huxin_checks.finding import Finding


@dataclass(frozen=True)
class Wanted:
    """A submission to be loaded, as the intake zone has it."""

    id: UUID
    confirmed: bool
    attempt: int


def load_for(settings: Settings, wanted: Sequence[Wanted]) -> list[dict[str, Any]]:
    """Loads and publishes submissions that were taken over; what became of each. HuxinError H0602."""
    from huxin.nightly.load import load_group  # Great Expectations: not before there is work

    for each in wanted:
        _follow(settings, each)
    load_group(settings, [each.id for each in wanted])
    return [told(settings, each.id) for each in wanted]


def take_back_for(settings: Settings, submission_id: UUID) -> dict[str, Any]:
    """Takes a submission back. HuxinError H0602, H0604, H0605."""
    if wishes.found(settings, submission_id).state != State.WITHDRAWN:  # asked again, for the answer was lost
        wishes.withdraw(settings, submission_id)
    return told(settings, submission_id)


def told(settings: Settings, submission_id: UUID) -> dict[str, Any]:
    """What the registry zone says of a submission. HuxinError H0602."""
    item = wishes.found(settings, submission_id)
    with connection(settings) as database:
        return outcome(item, list_findings(database, submission_id))


def _follow(settings: Settings, wanted: Wanted) -> None:
    """What the member has said meanwhile: that it may be loaded all the same, or that it be tried once more."""
    from huxin.nightly.late_checks import tried_again  # as above

    item = wishes.found(settings, wanted.id)
    if wanted.confirmed and item.state == State.AWAITING_CONFIRMATION:
        wishes.allow(settings, wanted.id)
        return
    with alone(settings, [wanted.id]), connection(settings) as database:
        (item,) = find_all(database, [wanted.id])
        if item.state == State.REFUSED and "held" in item.facts and wanted.attempt > item.attempt:
            change(database, [replace(tried_again(item, settings), attempt=wanted.attempt)])


def outcome(item: Submission, findings: Sequence[Finding]) -> dict[str, Any]:
    """What the registry zone says of a submission."""
    facts = {name: item.facts[name] for name in ("code", "reason", "held") if name in item.facts}
    return {
        "id": str(item.id),
        "state": item.state.name,
        "attempt": item.attempt,
        "changed_at": item.changed_at.isoformat(),
        "facts": facts,
        "findings": [vars(each) for each in findings],
        **{name: getattr(item, name) for name in MIRRORED},
    }

"""A policy is changed by two people: one proposes, another approves before its day; each act is a leaf of the log."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from huxin.audit.records import moment_text
from huxin.decision.policy_text import read_policy
from huxin.enquiry.own_words import require_nobody
from huxin.errors import HuxinError
from huxin.ids import id_at
from huxin.oversight import policy_rules as rules
from huxin.registry import policy_changes as changes
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.policies import all_policies, policy_of
from huxin.registry.policy_changes import APPROVED, PROPOSED, WITHDRAWN, PolicyChange
from huxin.registry.session import connection
from huxin.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from huxin.decision import Policy


def propose(settings: Settings, text: str, name: str, effective_on: date | None, by: str) -> PolicyChange:
    """Records a policy for another person to approve; `effective_on` stands for the day in the text.

    HuxinError H1501 to H1508 (invalid, with the line), H1504 (version or day taken), H1516 (too late), H1518 (nobody
    proposes), H1520 (a member's tier is missing), H1207 (a person in the policy's own words).
    """
    who, now = _person(by), settings.now()
    require_nobody({"policy": text})
    draft = read_policy(text, name, effective_on, proposed=True)
    rules.require_ahead(draft.policy.effective_on, now)
    change = PolicyChange(
        id_at(now), draft.policy.version, draft.policy.effective_on, text, draft.sha256, PROPOSED, who, now,
        None, None, None, None,
    )  # fmt: skip
    with connection(settings) as database:
        _require_fitting(database, draft.policy)
        changes.add_change(database, change)
        _note(database, "policy.proposed", change, who, settings)
    return change


def approve(settings: Settings, id_: UUID, by: str) -> PolicyChange:
    """Puts a proposal in force from its day on. HuxinError H1514, H1515, H1517 (the proposer's own), H1516, H1520."""
    who, now = _person(by), settings.now()
    with connection(settings) as database:
        change = _settling(database, id_, (PROPOSED,))
        rules.require_other(change.proposed_by, who)
        rules.require_ahead(change.effective_on, now)
        _require_fitting(database, policy_of(change))
        changes.settle_change(database, id_, APPROVED, who, now)
        _note(database, "policy.approved", change, who, settings)
    return look(settings, id_)


def withdraw(settings: Settings, id_: UUID, by: str) -> PolicyChange:
    """Takes back a proposal, or what was approved and is not in force yet: then what is in force goes on.

    HuxinError H1514, H1515, H1516 (in force, or about to be), H1518.
    """
    who, now = _person(by), settings.now()
    with connection(settings) as database:
        change = _settling(database, id_, (PROPOSED, APPROVED))
        if change.state == APPROVED:
            rules.require_ahead(change.effective_on, now)
        changes.settle_change(database, id_, WITHDRAWN, who, now)
        _note(database, "policy.withdrawn", change, who, settings)
    return look(settings, id_)


def look(settings: Settings, id_: UUID) -> PolicyChange:
    """One change as it stands. HuxinError H1514."""
    with connection(settings) as database:
        return _found(changes.find_change(database, id_))


def look_through(settings: Settings) -> list[PolicyChange]:
    """All that were ever proposed, oldest first."""
    with connection(settings) as database:
        return changes.list_changes(database)


def change_object(change: PolicyChange) -> dict[str, Any]:
    """As JSON, without the document."""
    said = asdict(change)
    del said["document"]
    for name, value in said.items():
        if name.endswith("_at") and value is not None:
            said[name] = moment_text(value)
    return said | {"id": str(change.id), "effective_on": change.effective_on.isoformat()}


def _require_fitting(database: Connection, policy: Policy) -> None:
    changes.hold_changes(database)
    rules.require_new(policy, all_policies(database))
    rules.require_tiers(policy, changes.tiers_held(database))


def _settling(database: Connection, id_: UUID, states: tuple[str, ...]) -> PolicyChange:
    # Before the row, as proposing does, so that no two of us wait for each other.
    changes.hold_changes(database)
    change = _found(changes.find_change(database, id_, lock=True))
    if change.state not in states:
        raise HuxinError("H1515", state=change.state)
    return change


def _found(change: PolicyChange | None) -> PolicyChange:
    if change is None:
        raise HuxinError("H1514")
    return change


def _person(by: str) -> str:
    who = rules.person(by)
    require_nobody({"by": who})
    return who


def _note(database: Connection, topic: str, change: PolicyChange, who: str, settings: Settings) -> None:
    facts = {
        "change": str(change.id),
        "policy": change.version,
        "effective_on": change.effective_on.isoformat(),
        "sha256": change.sha256,
        "staff": who,
    }
    note_operator_act(database, topic, facts, settings.now())

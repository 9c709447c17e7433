"""Acts that two persons have to want: a page names them in its ACTS; one proposes, another approves, and it is done.

What is approved is what was proposed (its digest is compared), by somebody else, in time; the act, its leaf for the
audit log and the approval's end are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from huxin.console import pages
from huxin.console.desk import desk
from huxin.console.visitor import now, someone
from huxin.enquiry.own_words import require_nobody
from huxin.errors import HuxinError
from huxin.registry import approvals
from huxin.registry.approvals import Approval
from huxin.registry.audit_acts import note_act
from huxin.registry.people import ADMINISTRATOR, NO_MEMBER
from huxin.registry.session import console_connection

if TYPE_CHECKING:
    from sqlalchemy import Connection

# What an act gives whoever approved it: words or a secret for the page that follows, shown once; mostly nothing.
Given = str | None


@dataclass(frozen=True)
class Act:
    """`name` is for ever, as the audit log holds it; `words` say it; `carry_out` does it to an argument.

    `approvers` are roles; whoever may open the page that proposes it may propose.
    """

    name: str
    words: Any
    carry_out: Callable[[Connection, Mapping[str, Any]], Given]
    approvers: frozenset[str] = frozenset((ADMINISTRATOR,))


def acts() -> dict[str, Act]:
    """All acts that pages name."""
    return {act.name: act for module in pages.modules() for act in getattr(module, "ACTS", ())}


def propose(name: str, argument: Mapping[str, Any], reason: str, member_id: int = NO_MEMBER) -> UUID:
    """Proposes an act as the person who has signed in. HuxinError H2006; H1207: a person stands in the reason.

    `argument` holds codes, numbers and logins: it becomes a leaf of the audit log. `reason` does not.
    """
    person, settings = someone(), desk().settings
    require_nobody({"reason": reason})
    with console_connection(settings) as database:
        id_ = approvals.propose(database, name, argument, person.id, reason.strip()[:300], now(), member_id)
        facts = {"approval": str(id_), "act": name, "argument": dict(argument), "by": person.login}
        note_act(database, "approval.proposed", facts, settings.now())
    return id_


def decide(id_: UUID, agreed: bool) -> tuple[Approval, Given]:
    """The second person's word. HuxinError H2007, H2008, and whatever the act itself refuses: then nothing is done."""
    person, settings = someone(), desk().settings
    with console_connection(settings) as database:
        held = approvals.decide(database, id_, person.id, agreed, now())
        act = acts().get(held.act)
        if agreed and (act is None or person.role not in act.approvers):
            raise HuxinError("H2008")
        given = act.carry_out(database, held.argument) if agreed and act else None
        topic = "approval.done" if agreed else "approval.declined"
        facts = {"approval": str(id_), "act": held.act, "argument": held.argument}
        facts |= {"proposed_by": held.proposer, "by": person.login}
        note_act(database, topic, facts, settings.now())
    return held, given

"""Looking enquiries up: what was asked by whom, what was answered, whether it would be answered so again, its leaf."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from huxin.audit.records import moment_text
from huxin.contract import load_contract
from huxin.enquiry.answering import Used, replayed
from huxin.enquiry.sealing import ANSWER, FACTS, opened
from huxin.enquiry.subject_keys import seal_keys
from huxin.errors import HuxinError
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.audit_log import audit_rows, inclusion
from huxin.registry.enquiry_book import Entry, Kept, find_enquiry, list_enquiries
from huxin.registry.members import find_member
from huxin.registry.policies import policy_version
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring


def look_at(settings: Settings, enquiry_id: UUID, again: bool) -> dict[str, Any]:
    """One enquiry with its answer, and with `again` the answer worked out once more; the look itself is a leaf.

    HuxinError H1220 (no such enquiry), H1206 (it does not open), H1513 (its policy version is gone).
    """
    with connection(settings) as database:
        kept = find_enquiry(database, enquiry_id)
        if kept is None:
            raise HuxinError("H1220")
        # Not under the enquiry's own number, which leads to the leaf of its answer.
        facts = {"looked_at": str(enquiry_id), "code": kept.entry.member, "replay": again}
        note_operator_act(database, "operator.looked", facts, settings.now())
    return _object(settings, kept, again)


def look_through(
    settings: Settings, member: str | None, since: datetime, before: UUID | None, most: int
) -> list[dict[str, Any]]:
    """Enquiries without their answers, the newest first; the look is a leaf. HuxinError H0701 (no such member)."""
    with connection(settings) as database:
        if member is not None and find_member(database, member) is None:
            raise HuxinError("H0701", code=member[:64])
        found = list_enquiries(database, member, since, before, most)
        facts = {"code": member, "since": moment_text(since), "shown": len(found)}
        note_operator_act(database, "operator.listed", facts, settings.now())
    return [entry_object(entry) for entry in found]


def entry_object(entry: Entry) -> dict[str, Any]:
    """As JSON: the amount in yuan, the product by its name."""
    product = None if entry.product is None else load_contract().field("product").label(entry.product).name
    amount = None if entry.amount is None else f"{entry.amount // 100}.{entry.amount % 100:02d}"
    return {
        "enquiry_id": str(entry.id),
        "asked_at": moment_text(entry.asked_at),
        "member": entry.member,
        "by": "operator" if entry.by_operator else "member",
        "purpose": entry.purpose,
        "product": product,
        "amount": amount,
        "consent_no": entry.consent_no,
        "consent_until": None if entry.consent_until is None else entry.consent_until.isoformat(),
        "staff": entry.staff,
        "reference": entry.reference,
        "policy": entry.policy,
        "tier": entry.tier,
    }


def _object(settings: Settings, kept: Kept, again: bool) -> dict[str, Any]:
    entry, keys = kept.entry, seal_keys(keyring.open(settings.keys_dir, "registry"))
    told: dict[str, Any] = orjson.loads(opened(keys, ANSWER, entry.id, kept.answer))
    found = entry_object(entry) | {"told": told, "leaf": _leaf(settings, told.get("act") or str(entry.id))}
    if again:
        used = Used.restored(
            opened(keys, FACTS, entry.id, kept.facts), lambda version: policy_version(settings, version)
        )
        # An operator's line holds the answer beside its counts.
        compared = replayed(orjson.dumps(told["answer"] if entry.by_operator else told), used)
        found |= {"recomputed": compared["recomputed"], "equal": compared["equal"]}
    return found


def _leaf(settings: Settings, record_id: str) -> int | None:
    """The number of the leaf that the answer stands in; None while it is not in the log, or when it was erased."""
    with audit_rows(settings) as rows:
        try:
            found = inclusion(rows, UUID(record_id))
        except HuxinError as error:
            if error.code != "H1309":
                raise
            return None
    return None if found is None else int(found["number"])

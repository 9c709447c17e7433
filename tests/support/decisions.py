"""Facts for tests of the decision: a clean loan, a clean picture, and how to change one thing of it."""

from __future__ import annotations

import json
from typing import Any

from huxin.decision import Asked, Coverage, Facts, Policy, decide, policy_on

TODAY = "2026-05-31"
COUNTS = {"d7": 0, "d15": 0, "d30": 0, "d90": 0, "d180": 0, "d365": 0}
FULL = Coverage(6, 6)
ASKED = Asked("consumer", 10_000_00, "application")


def loan(**changes: Any) -> dict[str, Any]:
    """A clean open consumer loan of 5,000 yuan at another member."""
    return {
        "m": 1,
        "role": 1,
        "kind": 1,
        "product": 1,
        "status": 1,
        "class5": 1,
        "balance": 5_000_00,
        "principal": 20_000_00,
        "next_due": 500_00,
        "overdue": 0,
        "dpd": 0,
        "max_dpd": None,
        "dpd24": 0,
        "bad_until": None,
        "disbursed_on": "2025-12-01",
        "due_on": "2026-12-01",
        "closed_on": None,
        "method": 1,
        "terms_left": 6,
        "event": 1,
        "hardship": 1,
        "open": True,
        "disputed": False,
        "name": True,
    } | changes


def reservation(**changes: Any) -> dict[str, Any]:
    """10,000 yuan, granted this morning by another member."""
    return {
        "m": 9,
        "amount": 10_000_00,
        "granted_at": "2026-05-31T01:00:00+00:00",
        "expires_at": "2026-06-03T01:00:00+00:00",
    } | changes


def count(own: bool = False, kind: str = "microlender", **counts: int) -> dict[str, Any]:
    return {"own": own, "kind": kind, **COUNTS, **counts}


def picture(*loans: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Facts with these loans and nothing else, as the registry writes them."""
    return {
        "today": TODAY,
        "now": f"{TODAY}T14:00:00Z",
        "loans": list(loans),
        "reservations": [],
        "enquiries": [],
        "enquirers30": 0,
        "others_recent": {"enquiries": 0, "members": 0},
        "mobile": None,
        "disputes": 0,
    } | changes


def answer(
    facts: dict[str, Any],
    asked: Asked = ASKED,
    tier: str = "full",
    coverage: Coverage = FULL,
    policy: Policy | None = None,
) -> dict[str, Any]:
    """The answer to facts that went through JSON, as a stored enquiry's do."""
    read = Facts.from_json(json.dumps(facts))
    return decide(read, coverage, policy or policy_on(read.today), asked, tier)


def levels(found: dict[str, Any]) -> dict[str, str]:
    """Code to level of the flags that fired."""
    return {flag["code"]: flag["level"] for flag in found["flags"]}


def figures(found: dict[str, Any], code: str) -> dict[str, Any]:
    return next(flag["figures"] for flag in found["flags"] if flag["code"] == code)

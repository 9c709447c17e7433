"""The checks that need no row: who sends, for which day, whether this came before (F0001, F0005-F0007, F0009)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from huxin.night_policy import first_policy_day
from huxin.nightly.manifest import Manifest
from huxin.registry.members import Member


@dataclass(frozen=True)
class Refusal:
    """Why a whole file is not accepted: the check's code and a reason key, never a value of the file."""

    code: str
    reason: str


@dataclass(frozen=True)
class Earlier:
    """A published submission that shares the day with the one at hand."""

    same_content: bool


def admit(manifest: Manifest, sender: str, member: Member | None, digest: str, today: date) -> Refusal | None:
    """The first check that stands against a manifest, before any row is read; None when it may go on."""
    if member is None:
        return Refusal("F0007", "unknown")
    if not member.active:
        return Refusal("F0007", "suspended")
    if manifest.member != sender:
        return Refusal("F0007", "sender")
    if manifest.contract != "loan/v1":
        return Refusal("F0009", "contract")
    if manifest.sha256 != digest:
        return Refusal("F0001", "digest")
    if manifest.as_of_date < first_policy_day():
        return Refusal("F0005", "before_policy")
    return Refusal("F0005", "future") if manifest.as_of_date > today else None


def in_order(as_of: date, sequence: int, mode: str, member: Member, earlier: list[Earlier]) -> Refusal | None:
    """F0006 when the content or its (day, sequence) is published already, F0005 when a newer file is."""
    if earlier:
        return Refusal("F0006", "content" if any(item.same_content for item in earlier) else "sequence")
    newest = (member.as_of_date, member.as_of_sequence or 0)
    if mode != "correction" and newest[0] is not None and (as_of, sequence) < newest:
        return Refusal("F0005", "older")
    return None

"""The checks that need no row: who sends, for which day, whether this came before (F0001, F0005-F0007, F0009)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from huxin.registry.members import Member
from huxin_checks.admission import Refusal, admit_file
from huxin_checks.manifest import Manifest


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
    return admit_file(manifest, sender, digest, today)


def in_order(as_of: date, sequence: int, mode: str, member: Member, earlier: list[Earlier]) -> Refusal | None:
    """F0006 when the content or its (day, sequence) is published already, F0005 when a newer file is."""
    if earlier:
        return Refusal("F0006", "content" if any(item.same_content for item in earlier) else "sequence")
    newest = (member.as_of_date, member.as_of_sequence or 0)
    if mode != "correction" and newest[0] is not None and (as_of, sequence) < newest:
        return Refusal("F0005", "older")
    return None

"""The checks that need neither a row nor the registry: contract, digest and day of a manifest (F0001, F0005, F0009)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from huxin_checks.contract import BLIND, LOANS
from huxin_checks.manifest import Manifest
from huxin_checks.night_policy import first_policy_day


@dataclass(frozen=True)
class Refusal:
    """Why a whole file is not accepted: the check's code and a reason key, never a value of the file."""

    code: str
    reason: str


def admit_file(manifest: Manifest, sender: str, digest: str, today: date) -> Refusal | None:
    """The first check that stands against a manifest sent by `sender` (F0007) with a file of this digest, in hex."""
    if manifest.member != sender:
        return Refusal("F0007", "sender")
    if manifest.contract not in (LOANS, BLIND):
        return Refusal("F0009", "contract")
    if manifest.sha256 != digest:
        return Refusal("F0001", "digest")
    if manifest.as_of_date < first_policy_day():
        return Refusal("F0005", "before_policy")
    return Refusal("F0005", "future") if manifest.as_of_date > today else None

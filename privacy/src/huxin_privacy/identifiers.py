"""Canonical identifiers: the whole offer of this subject, one at a time and by the column."""

from huxin_privacy.canonical import (
    E1101,
    E1102,
    E1103,
    E1104,
    FAULTS,
    PASSPORT,
    RESIDENT_ID,
    TYPES,
    USCC,
    Canonical,
    canonical_id,
    fault_codes,
)
from huxin_privacy.columns import CanonicalColumn, canonical_ids, canonical_mobiles, canonical_names
from huxin_privacy.contacts import canonical_mobile, canonical_name

__all__ = [
    "E1101",
    "E1102",
    "E1103",
    "E1104",
    "FAULTS",
    "PASSPORT",
    "RESIDENT_ID",
    "TYPES",
    "USCC",
    "Canonical",
    "CanonicalColumn",
    "canonical_id",
    "canonical_ids",
    "canonical_mobile",
    "canonical_mobiles",
    "canonical_name",
    "canonical_names",
    "fault_codes",
]

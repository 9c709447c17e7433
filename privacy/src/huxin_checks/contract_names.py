"""Names of the contracts, apart from reading them: whoever only sends files needs no parser of YAML."""

from __future__ import annotations

LOANS = "loan/v1"
BLIND = "loan-tokens/v1"
"""The contract of files without the people in them, made from the other (huxin.blind_contract)."""

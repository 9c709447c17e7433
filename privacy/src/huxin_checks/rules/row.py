"""Checks across the fields of one row: E2101 to E2701, W3101, W3401.

Each function gives, by field, the expression that is true where a row of the PARSED frame fails.
A comparison with a value that was not read is null, and null does not fail: so each check runs
as far as its fields were read. The rules are contract.md's.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from huxin_checks.contract import Contract
from huxin_checks.rules.classes import floor
from huxin_checks.rules.terms import deletes, empty, kept, labelled

Failing = dict[str, pl.Expr]

FULL: Final = 1
"""Of the column `_mode`: 1 full, 2 incremental, 3 correction."""

_CLOSING: Final = ("settled", "revoked", "transferred")
_IN_ARREARS: Final = ("overdue", "extended", "restructured", "written_off", "transferred")
_NOTABLE_RATE: Final = 240_000  # 24 %, in 1/10000 percent


def e2101_balance_over_principal(contract: Contract) -> Failing:
    """More is owed than was lent."""
    return {"balance": (pl.col("balance") > pl.col("principal")) & kept(contract)}


def e2102_terms_left_over_terms(contract: Contract) -> Failing:
    """More terms are left than there are."""
    return {"terms_left": (pl.col("terms_left") > pl.col("terms")) & kept(contract)}


def e2201_disbursed_after_as_of(contract: Contract) -> Failing:
    """Lent after the day that the file describes."""
    return {"disbursed_on": (pl.col("disbursed_on") > pl.col("_as_of")) & kept(contract)}


def e2202_due_before_disbursed(contract: Contract) -> Failing:
    """Due before it was lent."""
    return {"due_on": (pl.col("due_on") < pl.col("disbursed_on")) & kept(contract)}


def e2301_closing(contract: Contract) -> Failing:
    """Settled with a balance; a closing date that is missing, or that the status does not allow."""
    missing = labelled(contract, "status", *_CLOSING) & empty("closed_on")
    allowed = labelled(contract, "status", *_CLOSING, "written_off")
    surplus = ~allowed & pl.col("closed_on").is_not_null()
    owed = labelled(contract, "status", "settled") & (pl.col("balance") > 0)
    return {"closed_on": (missing | surplus) & kept(contract), "balance": owed & kept(contract)}


def e2401_arrears(contract: Contract) -> Failing:
    """Days past due, their first day, the amount and the status say different things."""
    late, since = pl.col("dpd") > 0, pl.col("overdue_since")
    days = (pl.col("_as_of") - since).dt.total_days()
    failing = {
        "dpd": late & (pl.col("dpd") != days),
        "overdue_since": (late & empty("overdue_since")) | (~late & since.is_not_null()),
        "overdue_amount": (pl.col("overdue_amount") != 0) != late,
        "status": (late & ~labelled(contract, "status", *_IN_ARREARS))
        | (~late & labelled(contract, "status", "overdue")),
    }
    return {field: fails & kept(contract) for field, fails in failing.items()}


def e2402_max_dpd_below_dpd(contract: Contract) -> Failing:
    """The longest arrears are shorter than the present ones."""
    return {"max_dpd": (pl.col("max_dpd") < pl.col("dpd")) & kept(contract)}


def e2501_no_notice(contract: Contract) -> Failing:
    """Arrears without notice to the borrower (Credit Reporting Regulation, Article 15)."""
    return {"adverse_notice_on": (pl.col("dpd") > 0) & empty("adverse_notice_on") & kept(contract)}


def e2601_consent(contract: Contract) -> Failing:
    """No consent, or one that had expired on the as-of date."""
    expired = pl.col("consent_until") < pl.col("_as_of")
    return {
        "consent_no": empty("consent_no") & kept(contract),
        "consent_until": (empty("consent_until") | expired) & kept(contract),
    }


def e2701_delete_in_full(contract: Contract) -> Failing:
    """A delete row in a full file."""
    return {"action": deletes(contract) & (pl.col("_mode") == FULL)}


def w3101_class_below_floor(contract: Contract) -> Failing:
    """A lighter class than these days past due allow (schemas/classes/five_tier.yaml)."""
    lightest = floor(contract, pl.col("_as_of"), pl.col("dpd"))
    return {"class5": (pl.col("class5") < lightest) & kept(contract)}


def w3401_rate_over_24(contract: Contract) -> Failing:
    """An annual rate over 24 %."""
    return {"annual_rate": (pl.col("annual_rate") > _NOTABLE_RATE) & kept(contract)}

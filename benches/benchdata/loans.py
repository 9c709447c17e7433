"""The loan side of a made-up file: terms, balances, states, in numpy, then as text columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl

from benchdata.columns import (
    Ints,
    blank_where,
    constant,
    day_number,
    digits,
    iso_dates,
    joined,
    money,
    numbers,
    take,
)

STATUSES = (
    "active",
    "settled",
    "overdue",
    "extended",
    "restructured",
    "written_off",
    "transferred",
    "revoked",
)
_SHARES = (0.8735, 0.10, 0.0165, 0.003, 0.003, 0.002, 0.001, 0.001)
CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss")
_PURPOSES = (
    "debt_consolidation",
    "credit_card",
    "home_improvement",
    "major_purchase",
    "medical",
    "car",
    "other",
)
_ACTIVE, _SETTLED, _OVERDUE, _WRITTEN_OFF, _TRANSFERRED, _REVOKED = 0, 1, 2, 5, 6, 7


def loan_columns(
    rng: np.random.Generator, loans: int, member: str, as_of: date, first_loan: int
) -> pl.DataFrame:
    """One row a loan with every loan field of the contract (the party fields are not here)."""
    basics = _basics(rng, loans, as_of)
    return pl.DataFrame(
        {
            **_labels(rng, loans, member, first_loan),
            **_terms_text(basics),
            **_state_text(rng, basics, day_number(as_of)),
        }
    )


def _basics(rng: np.random.Generator, loans: int, as_of: date) -> dict[str, Ints]:
    """Amounts in cents, rate in 1/100 percent, dates as day numbers; disbursed <= as_of < due."""
    terms = rng.choice(np.array([12, 24, 36, 60]), loans, p=[0.2, 0.2, 0.4, 0.2])
    age = (rng.random(loans) * terms).astype(np.int64)
    this_month = np.datetime64(as_of, "M").astype(np.int64)
    month_day = rng.integers(0, 28, loans)
    disbursed = np.minimum(_day_of(this_month - age, month_day), day_number(as_of))
    principal = np.clip(rng.lognormal(9.4, 0.7, loans) // 100, 10, 3000).astype(np.int64) * 10_000
    rate = rng.integers(400, 2_400, loans)
    return {
        "terms": terms,
        "age": age,
        "disbursed": disbursed,
        "due": _day_of(this_month - age + terms, month_day),
        "next_due": np.full(loans, _day_of(np.array([this_month + 1]), np.array([27]))[0]),
        "principal": principal,
        "rate": rate,
        **_instalments(principal, rate, terms, age),
        "status": rng.choice(len(STATUSES), loans, p=np.array(_SHARES) / sum(_SHARES)),
    }


def _day_of(months: Ints, month_day: Ints) -> Ints:
    starts = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return starts + month_day


def _instalments(principal: Ints, rate: Ints, terms: Ints, age: Ints) -> dict[str, Ints]:
    """Equal instalments: what is left after `age` of `terms` months, and the monthly amount."""
    growth = 1 + rate / 120_000
    whole = growth**terms
    left = principal * (whole - growth**age) / (whole - 1)
    monthly = principal * (growth - 1) * whole / (whole - 1)
    return {"left": left.astype(np.int64), "monthly": monthly.astype(np.int64)}


def _labels(rng: np.random.Generator, loans: int, member: str, first_loan: int) -> Mapping[str, pl.Series]:
    index = np.arange(first_loan, first_loan + loans, dtype=np.int64)
    return {
        "loan_no": joined(
            constant(f"{member}-JJ", loans), digits(rng.integers(0, 1000, loans), 3), digits(index, 8)
        ),
        "contract_no": joined(constant("HT", loans), digits(index, 10)),
        "product": take(("consumer", "business", "agricultural"), rng.choice(3, loans, p=[0.9, 0.07, 0.03])),
        "purpose": take(_PURPOSES, rng.integers(0, len(_PURPOSES), loans)),
        "guarantee": take(("credit", "mortgaged", "pledged"), rng.choice(3, loans, p=[0.7, 0.25, 0.05])),
        "currency": take(("CNY",), np.zeros(loans, dtype=np.int64)),
        "repayment_method": take(
            ("equal_installment", "interest_first", "bullet"), rng.choice(3, loans, p=[0.9, 0.07, 0.03])
        ),
    }


def _terms_text(basics: Mapping[str, Ints]) -> Mapping[str, pl.Series]:
    return {
        "principal": money(basics["principal"]),
        "annual_rate": money(basics["rate"]),
        "disbursed_on": iso_dates(basics["disbursed"]),
        "due_on": iso_dates(basics["due"]),
        "terms": numbers(basics["terms"]),
    }


def _state_text(rng: np.random.Generator, basics: Mapping[str, Ints], today: int) -> Mapping[str, pl.Series]:
    """What hangs on the status: balance, closing, overdue cells and class, in agreement with one another."""
    disbursed = basics["disbursed"]
    dpd = _days_past_due(rng, basics["status"], today - disbursed)
    status = np.where((basics["status"] == _OVERDUE) & (dpd == 0), _ACTIVE, basics["status"])
    closed = np.isin(status, (_SETTLED, _WRITTEN_OFF, _TRANSFERRED, _REVOKED))
    paid = np.isin(status, (_SETTLED, _REVOKED))
    early = rng.random(len(status)) < 0.5
    return {
        "balance": money(np.where(paid, 0, basics["left"])),
        "closed_on": blank_where(iso_dates(_closing_days(rng, disbursed, dpd, today)), ~closed),
        "terms_left": numbers(np.where(paid, 0, basics["terms"] - basics["age"])),
        "next_due_on": blank_where(iso_dates(basics["next_due"]), closed),
        "next_due_amount": blank_where(money(basics["monthly"]), closed),
        "overdue_amount": money(np.where(dpd > 0, basics["monthly"] * (dpd // 30 + 1), 0)),
        **overdue_dates(dpd, today),
        "max_dpd": numbers(dpd + _past_delinquency(rng, len(dpd))),
        "class5": take(CLASSES, class_floor(dpd)),
        "status": take(STATUSES, status),
        "special_event": take(
            ("none", "early_settlement", "extension"),
            np.where((status == _SETTLED) & early, 1, np.where(status == 3, 2, 0)),
        ),
        "hardship": take(("none", "arrangement"), (status == 4) & early),
    }


def overdue_dates(dpd: Ints, today: int) -> dict[str, pl.Series]:
    """dpd, the day it began, and the notice to the borrower three days later (or today)."""
    since, current = today - dpd, dpd == 0
    return {
        "dpd": numbers(dpd),
        "overdue_since": blank_where(iso_dates(since), current),
        "adverse_notice_on": blank_where(iso_dates(np.minimum(since + 3, today)), current),
    }


def class_floor(dpd: Ints) -> Ints:
    """Index in CLASSES of the lightest class for these days past due (2023 rules: over 90, 270, 360)."""
    floor: Ints = np.searchsorted(np.array([0, 90, 270, 360]), dpd, side="left")
    return floor


def _days_past_due(rng: np.random.Generator, status: Ints, age_days: Ints) -> Ints:
    days = np.minimum(rng.exponential(60, len(status)).astype(np.int64) + 1, age_days)
    troubled = (status == _OVERDUE) | (
        np.isin(status, (3, 4, _TRANSFERRED)) & (rng.random(len(status)) < 0.3)
    )
    written_off = np.minimum(361 + days, age_days)
    dpd: Ints = np.where(status == _WRITTEN_OFF, written_off, np.where(troubled, days, 0))
    return dpd


def _past_delinquency(rng: np.random.Generator, loans: int) -> Ints:
    past = rng.integers(1, 60, loans)
    return np.where(rng.random(loans) < 0.05, past, 0)


def _closing_days(rng: np.random.Generator, disbursed: Ints, dpd: Ints, today: int) -> Ints:
    """A day from disbursement to today, today itself where the loan is past due."""
    span = np.where(dpd > 0, 0, today - disbursed)
    days: Ints = today - (rng.random(len(span)) * (span + 1)).astype(np.int64)
    return days

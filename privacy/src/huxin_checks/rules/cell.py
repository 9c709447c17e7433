"""Checks of one cell, or of an identifier with what it belongs to: E1 and W32, W33.

Each function gives, by field, the expression that is true where a row of the PARSED frame fails.
Null does not fail: that a value must be there is E1001's to say. The rules are contract.md's.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from huxin_checks.cells import CONTROL, control_bit
from huxin_checks.contract import Contract
from huxin_checks.rules.terms import deletes, empty, kept, labelled, unreadable
from huxin_privacy.identifiers import FAULTS

Failing = dict[str, pl.Expr]

_PERMITTED_CURRENCIES: Final = ("CNY",)
# What a delete row needs, and so is judged by.
_ON_DELETE: Final = frozenset({"loan_no", "id_type", "id_no", "id_country", "action"})


def e1001_required(contract: Contract) -> Failing:
    """A required value is missing; a passport needs its country."""
    failing = {
        field.name: _if_needed(contract, field.name, empty(field.name))
        for field in contract.fields
        if field.required
    }
    if contract.field("id_country").left_out:
        return failing
    return {**failing, "id_country": labelled(contract, "id_type", "passport") & empty("id_country")}


def e1101_checksum(_contract: Contract) -> Failing:
    """The check character is wrong (GB 11643, GB 32100)."""
    return _fault("E1101")


def e1102_spreadsheet(_contract: Contract) -> Failing:
    """A spreadsheet made a number of the identifier."""
    return _fault("E1102")


def e1103_birth_or_province(_contract: Contract) -> Failing:
    """No such day of birth, or no such province."""
    return _fault("E1103")


def e1104_shape(_contract: Contract) -> Failing:
    """The wrong length or characters for its type."""
    return _fault("E1104")


def e1105_type_fits_kind(contract: Contract) -> Failing:
    """A company has a uscc and nobody else but a sole trader has one."""
    uscc = labelled(contract, "id_type", "uscc")
    company = labelled(contract, "borrower_kind", "company") & ~uscc
    individual = labelled(contract, "borrower_kind", "individual") & uscc
    return {"id_type": (company | individual) & kept(contract)}


def e1201_range(contract: Contract) -> Failing:
    """A number outside the range of its field."""
    return {
        field.name: ~pl.col(field.name).is_between(field.minimum, field.maximum) & kept(contract)
        for field in contract.fields
        if field.minimum is not None and field.maximum is not None
    }


def e1202_number(contract: Contract) -> Failing:
    """A cell that should be a number and is not; more decimals than its field has are none either."""
    return _unreadable(contract, "money", "rate", "integer")


def e1203_date(contract: Contract) -> Failing:
    """A cell that should be a date and is not, or no such day exists."""
    return _unreadable(contract, "date")


def e1301_label(contract: Contract) -> Failing:
    """Not one of the permitted values."""
    return _unreadable(contract, "enum")


def e1302_code(contract: Contract) -> Failing:
    """A country, region or currency code that is malformed, or a currency that is not permitted."""
    failing = _unreadable(contract, "pattern")
    country = failing["id_country"] & (kept(contract) | labelled(contract, "id_type", "passport"))
    foreign = ~pl.col("currency").is_in(_PERMITTED_CURRENCIES) & kept(contract)
    return {**failing, "id_country": country, "currency": failing["currency"] | foreign}


def e1401_text(contract: Contract) -> Failing:
    """Too long, or control characters; a row with more cells than the header is told at loan_no, its name."""
    failing = {name: _misfit(contract, name) for name in contract.check("E1401").fields}
    return {**failing, "loan_no": failing["loan_no"] | pl.col("_surplus")}


def w3201_mobile(contract: Contract) -> Failing:
    """A mobile number that cannot be used."""
    return {"mobile": pl.col("mobile_canonical").is_null() & ~empty("mobile") & kept(contract)}


def w3301_upgraded(_contract: Contract) -> Failing:
    """An old number of 15 digits."""
    return {"id_no": pl.col("id_upgraded")}


def _fault(code: str) -> Failing:
    return {"id_no": (pl.col("id_faults") & FAULTS[code]) != 0}


def _unreadable(contract: Contract, *kinds: str) -> Failing:
    return {
        field.name: _if_needed(contract, field.name, unreadable(field.name))
        for field in contract.fields
        if field.kind in kinds
    }


def _misfit(contract: Contract, name: str) -> pl.Expr:
    """Bytes are counted first: they are at hand, and a text of few bytes has few characters."""
    limit = contract.field(name).max_length or 0
    text = pl.col(f"t_{name}")
    control = (pl.col(CONTROL) & control_bit(contract, name)) != 0
    return _if_needed(
        contract, name, ((text.str.len_bytes() > limit) & (text.str.len_chars() > limit)) | control
    )


def _if_needed(contract: Contract, field: str, failing: pl.Expr) -> pl.Expr:
    return failing if field in _ON_DELETE else failing & ~deletes(contract)

"""The words that the rules are written in: empty, unreadable, labelled so, a delete row."""

from __future__ import annotations

import polars as pl

from huxin_checks.contract import Contract


def empty(field: str) -> pl.Expr:
    """The cell is empty."""
    return pl.col(f"t_{field}").is_null()


def unreadable(field: str) -> pl.Expr:
    """The cell holds something that is not a value of its field."""
    return pl.col(field).is_null() & pl.col(f"t_{field}").is_not_null()


def labelled(contract: Contract, field: str, *names: str) -> pl.Expr:
    """The field is one of these labels; null when it was not read. KeyError for an unknown label."""
    codes = {label.name: label.code for label in contract.field(field).labels}
    return pl.col(field).is_in([codes[name] for name in names])


def deletes(contract: Contract) -> pl.Expr:
    """A delete row: it needs only loan_no, id_type, id_no and action, so nothing else in it is judged."""
    return labelled(contract, "action", "delete").fill_null(False)


def kept(contract: Contract) -> pl.Expr:
    """Not a delete row."""
    return ~deletes(contract)

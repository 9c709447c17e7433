"""Which function carries out which check: those of phases cell, row and set, in the contract's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from huxin_checks.contract import Contract
from huxin_checks.rules import cell, row, whole

RowRule = Callable[[Contract], dict[str, pl.Expr]]
SetRule = Callable[[pl.DataFrame], pl.Series]

ROW_RULES: Final[dict[str, RowRule]] = {
    "E1001": cell.e1001_required,
    "E1101": cell.e1101_checksum,
    "E1102": cell.e1102_spreadsheet,
    "E1103": cell.e1103_birth_or_province,
    "E1104": cell.e1104_shape,
    "E1105": cell.e1105_type_fits_kind,
    "E1201": cell.e1201_range,
    "E1202": cell.e1202_number,
    "E1203": cell.e1203_date,
    "E1301": cell.e1301_label,
    "E1302": cell.e1302_code,
    "E1401": cell.e1401_text,
    "E2101": row.e2101_balance_over_principal,
    "E2102": row.e2102_terms_left_over_terms,
    "E2201": row.e2201_disbursed_after_as_of,
    "E2202": row.e2202_due_before_disbursed,
    "E2301": row.e2301_closing,
    "E2401": row.e2401_arrears,
    "E2402": row.e2402_max_dpd_below_dpd,
    "E2501": row.e2501_no_notice,
    "E2601": row.e2601_consent,
    "E2701": row.e2701_delete_in_full,
    "W3101": row.w3101_class_below_floor,
    "W3201": cell.w3201_mobile,
    "W3301": cell.w3301_upgraded,
    "W3401": row.w3401_rate_over_24,
}
SET_RULES: Final[dict[str, SetRule]] = {
    "E2001": whole.e2001_party_repeated,
    "E2002": whole.e2002_rows_disagree,
    "E2003": whole.e2003_no_primary,
}


def row_rules(contract: Contract) -> dict[str, dict[str, pl.Expr]]:
    """Code to field to the expression that is true where a row of the PARSED frame fails (null does not).

    Of the checks that this contract carries out: of what is left out of its files nothing can be said.
    """
    return {code: rule(contract) for code, rule in ROW_RULES.items() if contract.check(code).active}


def set_rules() -> dict[str, dict[str, SetRule]]:
    """Code to field to the function of the KEYS frame (`keys`, `joined`) that says of each row if it fails.

    The finding stands at loan_no: it is about the rows of that loan.
    """
    return {code: {"loan_no": rule} for code, rule in SET_RULES.items()}

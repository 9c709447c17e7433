"""Generated files against the real checks: just what was planted fires, on both nights."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from generate import make, second_night

from huxin.contract import load_contract
from huxin_checks.cells import parse
from huxin_checks.rules import joined, keys, row_rules, set_rules

AS_OF = date(2026, 5, 31)
FULL = 1


def findings(frame: pl.DataFrame, as_of: date) -> set[tuple[int, str]]:
    """(record, code) of every check that fires on the rows of a full file."""
    contract = load_contract()
    raw = frame.with_row_index("_record", 1).with_columns(
        _line=pl.col("_record") + 1,
        _surplus=pl.lit(False),
        _sub=pl.lit(0, dtype=pl.UInt32),
        _as_of=pl.lit(as_of),
        _mode=pl.lit(FULL, dtype=pl.UInt8),
    )
    parsed = parse(raw, contract)
    rows = {
        code: parsed.select(failed=pl.any_horizontal(*(expr.fill_null(False) for expr in rule.values())))
        for code, rule in row_rules(contract).items()
    }
    whole = joined([keys(parsed, contract)])
    sets = {code: rule["loan_no"](whole).to_frame("failed") for code, rule in set_rules().items()}
    return {(row + 1, code) for code, hits in {**rows, **sets}.items() for row in hits["failed"].arg_true()}


@pytest.mark.parametrize("seed", [1, 2])
def test_only_what_was_planted_fires(seed: int) -> None:
    frame, planted = make(30_000, seed, "M0001", AS_OF)
    assert findings(frame, AS_OF) == set(planted.iter_rows())


def test_only_what_was_planted_fires_on_the_second_night() -> None:
    frame, planted = make(30_000, 3, "M0001", AS_OF)
    after, _ = second_night(frame, planted, 4, AS_OF)
    assert findings(after, AS_OF + timedelta(days=1)) == set(planted.iter_rows())


def test_a_clean_file_is_clean_early_in_a_leap_year() -> None:
    frame, _ = make(10_000, 5, "M0001", date(2028, 3, 1), faulty=0, warned=0)
    assert findings(frame, date(2028, 3, 1)) == set()

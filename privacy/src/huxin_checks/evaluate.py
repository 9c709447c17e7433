"""All rules over a frame in one pass of polars; one that cannot be evaluated is named and passes nobody."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from huxin_checks.hits import Outcome, RuleHits, Rules, Test
from huxin_privacy.errors import PrivacyError

# A panic of the polars engine is no Exception; it too must end as a named rule.
_FAULTS = (Exception, pl.exceptions.PanicException)


def run(frame: pl.DataFrame, suite: str, rules: Rules) -> list[RuleHits]:
    """The rows that fail each rule, in the rules' order. PrivacyError P0193 names those that cannot be evaluated."""
    outcome = evaluate(frame, rules)
    if outcome.broken:
        raise PrivacyError("P0193", suite=suite, rules=", ".join(outcome.broken))
    return [outcome.hits(code) for code in rules]


def evaluate(frame: pl.DataFrame, rules: Rules) -> Outcome:
    """Boolean columns of every rule over `frame`, and the names of the rules that gave none.

    Faults are kept as field and kind only: what polars says about a fault may quote a cell.
    """
    columns: dict[str, tuple[pl.Series, ...]] = {}
    broken: dict[str, str] = {}
    together = _together(frame, rules)
    for code, tests in rules.items():
        verdicts = {
            name: together[(code, name)] if (code, name) in together else _alone(frame, test)
            for name, test in tests.items()
        }
        faults = [f"{name}: {_fault(v, frame)}" for name, v in verdicts.items() if _fault(v, frame)]
        if faults or not verdicts:
            broken[code] = ", ".join(faults) or "no expression"
        else:
            columns[code] = tuple(v for v in verdicts.values() if isinstance(v, pl.Series))
    return Outcome(frame.height, {code: tuple(tests) for code, tests in rules.items()}, columns, broken)


def _together(frame: pl.DataFrame, rules: Rules) -> dict[tuple[str, str], pl.Series]:
    """All expressions in one select; empty when one of them fails, so that each is then tried alone."""
    keys = {f"\0{i}": key for i, key in enumerate(_expressions(rules))}
    named = {name: rules[code][field] for name, (code, field) in keys.items()}
    try:
        done = _columns(frame, named)
    except _FAULTS:
        return {}
    return {keys[name]: done[name] for name in keys if name in done.columns}


def _expressions(rules: Rules) -> Iterator[tuple[str, str]]:
    for code, tests in rules.items():
        yield from ((code, field) for field, test in tests.items() if isinstance(test, pl.Expr))


def _columns(frame: pl.DataFrame, named: dict[str, Test]) -> pl.DataFrame:
    """One column an expression, each as long as the frame (a literal over no rows has none)."""
    wanted = [test.alias(name) for name, test in named.items() if isinstance(test, pl.Expr)]
    return frame.with_columns(wanted).drop(frame.columns)


def _alone(frame: pl.DataFrame, test: Test) -> pl.Series | str:
    """The column of one test, or the kind of its fault."""
    try:
        if isinstance(test, pl.Expr):
            return _columns(frame, {"\0": test}).to_series()
        return test(frame)
    except _FAULTS as fault:
        return type(fault).__name__


def _fault(verdict: pl.Series | str, frame: pl.DataFrame) -> str:
    """Why a verdict cannot be trusted; empty when it can."""
    if isinstance(verdict, str):
        return verdict
    if not isinstance(verdict, pl.Series) or verdict.dtype != pl.Boolean:
        return "not boolean"
    return "" if len(verdict) == frame.height else "wrong length"

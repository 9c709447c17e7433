"""The sample night against its truth: accepted and rejected rows, and every planted code at its row."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from huxin.contract import Contract, load_contract
from huxin_checks.cells import parse
from huxin_checks.read import open_rows
from huxin_checks.rules import joined, keys, row_rules, set_rules

NIGHT = Path(__file__).parents[2] / "examples" / "nightly"
TRUTH: dict[str, Any] = json.loads((NIGHT / "truth.json").read_text(encoding="utf-8"))
MEMBERS = sorted(TRUTH["members"])

Found = dict[int, set[str]]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="module")
def parsed(contract: Contract) -> dict[str, pl.DataFrame]:
    return {member: parse(raw(member, contract), contract) for member in MEMBERS}


@pytest.fixture(scope="module")
def found(parsed: dict[str, pl.DataFrame], contract: Contract) -> dict[str, Found]:
    return {member: findings(frame, contract) for member, frame in parsed.items()}


def raw(member: str, contract: Contract) -> pl.DataFrame:
    (file,) = (path for path in (NIGHT / member).iterdir() if path.suffix != ".json")
    with file.open("rb") as source, open_rows(source, file.name, contract) as rows:
        whole = pl.concat(list(rows))
    return whole.with_columns(
        pl.lit(0, dtype=pl.UInt32).alias("_sub"),
        pl.lit(date.fromisoformat(TRUTH["as_of_date"])).alias("_as_of"),
        pl.lit(1, dtype=pl.UInt8).alias("_mode"),
    )


def findings(frame: pl.DataFrame, contract: Contract) -> Found:
    """Record number to the codes found there."""
    found: Found = defaultdict(set)
    for code, fields in row_rules(contract).items():
        for fails in fields.values():
            for record in frame.filter(fails)["_record"]:
                found[record].add(code)
    whole = joined([keys(frame, contract)])
    for code, tests in set_rules().items():
        for test in tests.values():
            for record in whole.filter(test(whole))["_record"]:
                found[record].add(code)
    return found


def rejected(found: Found) -> set[int]:
    return {record for record, codes in found.items() if any(code.startswith("E") for code in codes)}


@pytest.mark.parametrize("member", [m for m in MEMBERS if TRUTH["members"][m]["file"] == "accepted"])
def test_as_many_rows_pass_as_the_truth_says(member: str, found: dict[str, Found]) -> None:
    truth = TRUTH["members"][member]
    count = len(rejected(found[member]))
    assert (truth["rows"] - count, count) == (truth["accepted"], truth["rejected"])


@pytest.mark.parametrize("member", MEMBERS)
def test_every_planted_code_is_found_at_its_row(member: str, found: dict[str, Found]) -> None:
    missing = [
        (spot["row"], spot["code"])
        for spot in TRUTH["members"][member]["planted"]
        if spot["code"] not in found[member].get(spot["row"], set())
    ]
    assert missing == []


@pytest.mark.parametrize("member", MEMBERS)
def test_only_planted_rows_are_rejected(member: str, found: dict[str, Found]) -> None:
    planted = {spot["row"] for spot in TRUTH["members"][member]["planted"]}
    assert rejected(found[member]) - planted == set()


@pytest.mark.parametrize("member", MEMBERS)
def test_warnings_beyond_the_planted_ones_are_true_of_their_rows(
    member: str, found: dict[str, Found], parsed: dict[str, pl.DataFrame]
) -> None:
    planted = {(spot["row"], spot["code"]) for spot in TRUTH["members"][member]["planted"]}
    warned = defaultdict(set)
    for record, codes in found[member].items():
        for code in codes:
            if code.startswith("W") and (record, code) not in planted:
                warned[code].add(record)
    assert set(warned) <= {"W3301", "W3401"}
    frame = parsed[member]
    old = frame.filter(pl.col("t_id_no").str.replace_all(r"\s", "").str.len_chars() == 15)
    dear = frame.filter(pl.col("annual_rate") > 240_000)
    assert warned["W3301"] == set(old["_record"])
    assert warned["W3401"] == set(dear["_record"])


@pytest.mark.parametrize("member", MEMBERS)
def test_the_control_sums_are_those_of_the_parsed_cells(member: str, parsed: dict[str, pl.DataFrame]) -> None:
    (path,) = (NIGHT / member).glob("*.manifest.json")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    sums = parsed[member].select(pl.col("principal", "balance").sum()).row(0)
    said = tuple(round(float(manifest[f"sum_{name}"]) * 100) for name in ("principal", "balance"))
    # M0006's manifest is the one that is planted wrong.
    assert (sums == said) is (member != "M0006")

"""The sample night: every file is recognised and gives as many rows as its manifest says."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from read_tools import CONTRACT, NAMES

from huxin_checks.read import open_rows, rows_at

NIGHT = Path(__file__).parents[2] / "examples/nightly"
TRUTH = json.loads((NIGHT / "truth.json").read_text(encoding="utf-8"))["members"]
KINDS = {
    "M0001": ("csv", "utf-8", ","),
    "M0002": ("csv", "gb18030", ","),
    "M0003": ("parquet", "utf-8", ""),
    "M0004": ("xlsx", "utf-8", ""),
    "M0005": ("csv", "utf-8", ";"),
    "M0006": ("csv", "utf-8", ","),
}


def sample(member: str) -> tuple[Path, dict[str, object]]:
    manifest = next((NIGHT / member).glob("*.manifest.json"))
    return manifest.with_name(manifest.name.removesuffix(".manifest.json")), json.loads(
        manifest.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("member", KINDS)
def test_a_sample_is_recognised_and_read_whole(member: str) -> None:
    path, manifest = sample(member)
    with path.open("rb") as source, open_rows(source, path.name, CONTRACT) as rows:
        frame = pl.concat(rows)
    assert (rows.layout.kind, rows.layout.encoding, rows.layout.delimiter) == KINDS[member]
    assert frame.height == TRUTH[member]["rows"]
    assert frame["_record"].to_list() == list(range(1, frame.height + 1))
    assert frame["_line"].to_list() == list(range(2, frame.height + 2))
    assert not frame["_surplus"].any()
    if member != "M0006":  # whose manifest is wrong on purpose
        assert _sum(frame["principal"]) == Decimal(str(manifest["sum_principal"]))
        assert _sum(frame["balance"]) == Decimal(str(manifest["sum_balance"]))


@pytest.mark.parametrize("member", KINDS)
def test_chosen_rows_come_again_as_they_were(member: str) -> None:
    path, _ = sample(member)
    with path.open("rb") as source, open_rows(source, path.name, CONTRACT, 100) as rows:
        frame = pl.concat(rows)
    chosen = np.array([1, 2, 100, 101, 200, frame.height], dtype=np.uint32)
    with path.open("rb") as source:
        again = rows_at(source, path.name, CONTRACT, chosen)
    assert again.equals(frame[(chosen - 1).tolist()])


@pytest.mark.parametrize("member", ["M0001", "M0002"])
def test_numbers_damaged_by_a_spreadsheet_stay_damaged(member: str) -> None:
    path, _ = sample(member)
    damaged = [entry["row"] for entry in TRUTH[member]["planted"] if entry["code"] == "E1102"]
    with path.open("rb") as source:
        frame = rows_at(source, path.name, CONTRACT, np.array(sorted(damaged), dtype=np.uint32))
    assert damaged
    assert frame["id_no"].str.contains(r"(?i)E\+1[0-9]$").all()


def test_every_field_of_a_sample_is_found() -> None:
    for member in KINDS:
        path, _ = sample(member)
        with path.open("rb") as source, open_rows(source, path.name, CONTRACT) as rows:
            assert sorted(field or "" for field in rows.layout.fields) == sorted(NAMES)


def _sum(column: pl.Series) -> Decimal:
    total = Decimal(0)
    for cell in column:
        try:
            total += Decimal((cell or "0").strip().replace(",", ""))
        except InvalidOperation:
            continue
    return total

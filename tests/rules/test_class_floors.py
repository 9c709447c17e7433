"""The table of class floors: its content, its versions, and what it means for a row."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from huxin.contract import load_contract
from huxin_checks.rules.classes import class_floors, floor

CONTRACT = load_contract()
SUBSTANDARD, DOUBTFUL, LOSS = 3, 4, 5


@pytest.mark.parametrize(
    ("dpd", "lightest"),
    [
        (0, None),
        (90, None),
        (91, SUBSTANDARD),
        (270, SUBSTANDARD),
        (271, DOUBTFUL),
        (360, DOUBTFUL),
        (361, LOSS),
        (None, None),
    ],
)
def test_the_floors_of_the_2023_rules(dpd: int | None, lightest: int | None) -> None:
    frame = pl.DataFrame(
        {"as_of": [date(2026, 5, 31)], "dpd": [dpd]}, schema={"as_of": pl.Date, "dpd": pl.Int32}
    )
    assert frame.select(floor(CONTRACT, pl.col("as_of"), pl.col("dpd"))).item() == lightest


def test_before_the_rules_there_is_no_floor() -> None:
    frame = pl.DataFrame({"as_of": [date(2023, 6, 30), date(2023, 7, 1)], "dpd": [400, 400]})
    assert frame.select(floor(CONTRACT, pl.col("as_of"), pl.col("dpd"))).to_series().to_list() == [None, LOSS]


def test_class_names_are_labels_from_light_to_heavy() -> None:
    codes = {label.name: label.code for label in CONTRACT.field("class5").labels}
    for version in class_floors():
        found = [codes[step.name] for step in version.floors]
        assert found == sorted(found)


def test_versions_come_in_order_whatever_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "five_tier.yaml").write_text(
        "name: five_tier\nversions:\n"
        "  - {from: 2030-01-01, floors: [{above_dpd: 60, class: loss}, {above_dpd: 30, class: substandard}]}\n"
        "  - {from: 2023-07-01, floors: [{above_dpd: 90, class: substandard}]}\n",
        encoding="utf-8",
    )
    versions = class_floors(tmp_path)
    assert [version.since for version in versions] == [date(2023, 7, 1), date(2030, 1, 1)]
    assert [step.above_dpd for step in versions[1].floors] == [30, 60]

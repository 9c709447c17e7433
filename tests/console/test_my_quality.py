"""A member's quality beside the sector's: its own figures, others' quartiles, and nobody else by name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from console_world import Console
from members_world import book, clerk, lending, published

from huxin.oversight.quality import Quality
from huxin.oversight.quality_sector import LEAST, beside
from huxin.settings import Settings
from support.rows import AS_OF


def quality(index: float | None) -> Quality:
    return Quality(index, index, index, None, index)


def test_others_are_quartiles_and_a_few_are_nothing() -> None:
    rows = {
        row.name: row for row in beside(quality(80.0), [quality(float(each)) for each in range(0, 101, 10)])
    }
    assert (rows["index"].own, rows["index"].lower, rows["index"].median, rows["index"].upper) == (
        80.0,
        25.0,
        50.0,
        75.0,
    )
    assert rows["completeness"].own is None
    assert rows["completeness"].median is None
    few = beside(quality(80.0), [quality(10.0)] * (LEAST - 1) + [quality(None)] * 9)
    assert {row.median for row in few} == {None}


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> Console:
    made = lending(settings)
    for code in ("M0001", "M0002"):  # of yesterday: tonight's is not due yet, and counts for nobody
        published(made, code, book(code, wrong=(3,)), tmp_path, AS_OF - timedelta(days=1))
    return made


def test_the_page_names_nobody_else(console: Console) -> None:
    page = clerk(console).get("/my/quality")
    assert page.status_code == 200
    assert "E1101" in page.text
    assert "M0002" not in page.text

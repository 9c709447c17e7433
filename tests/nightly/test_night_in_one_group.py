"""Files of every kind in one group: read, parsed and put aside together, each is judged as it is by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from night_world import ready
from test_night_huge import faulty, told

from huxin.nightly import spool
from huxin.nightly.inbox import arrivals
from huxin.nightly.receive import receive
from huxin.nightly.validate import held_back
from huxin.nightly.validate.step import validate_group
from huxin.settings import Settings
from support.rows import loan, write_submission

KINDS = [
    {"file_name": "a.csv"},
    {"file_name": "b.xlsx", "headers": "zh"},
    {"file_name": "c.csv", "delimiter": ";"},
    {"file_name": "d.parquet"},
    {"file_name": "e.csv", "headers": "zh", "encoding": "gb18030"},
    {"file_name": "f.csv.gz"},
]
GROUP = [f"M{number:04d}" for number in range(1, 7)]
ALONE = [f"M{number:04d}" for number in range(11, 17)]


@pytest.mark.parametrize("rows", [held_back._ROWS, 1], ids=["at once", "file by file"])
def test_in_one_group_each_file_is_judged_as_it_is_alone(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(held_back, "_ROWS", rows)
    ready(settings, [*GROUP, *ALONE])
    for members in (GROUP, ALONE):
        for number, (member, kind) in enumerate(zip(members, KINDS, strict=True)):
            fill = [loan("M0009", each) for each in range(1000 + number, 1500)]  # each of another length
            write_submission(tmp_path, member, faulty("M0009") + fill, **kind)
    received = {item.submission.sender: item.submission.id for item in receive(settings, arrivals(tmp_path))}
    validate_group(settings, [received[member] for member in GROUP])
    for member in ALONE:
        validate_group(settings, [received[member]])
    for one, other in zip(GROUP, ALONE, strict=True):
        together = told(settings, received[one])
        assert together == told(settings, received[other])
        assert together[spool.COMPANIONS]
        assert together[spool.QUARANTINE_SET]

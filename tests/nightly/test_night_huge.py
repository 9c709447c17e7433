"""A huge file: worked on in small parts, found the same, and held at no step in more memory for being longer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from generate import write_big
from night_world import ready

from huxin.nightly import spool
from huxin.nightly.batching import FEWER, LARGE, USUAL, sizes
from huxin.nightly.inbox import arrivals
from huxin.nightly.receive import receive
from huxin.nightly.spool import Spool
from huxin.nightly.validate import set_keys
from huxin.nightly.validate.step import validate_group
from huxin.registry.findings import list_findings
from huxin.registry.session import connection
from huxin.registry.submissions import find
from huxin.settings import Settings
from huxin_checks.rules import keys
from support.frames import parsed_frame
from support.rows import AS_OF, good_row, loan, resident_id, write_submission

ROWS = 100_000
MOST = 50  # MiB that three times as many rows more may add: 10 is noise; what was held once added 70
LONG = ["M0002", "M0003", "M0004", "M0005"]

NIGHT = """
import json, sys
from pathlib import Path
from huxin.nightly import batching, blind_rows, load, pipeline
from huxin.nightly.validate import set_keys
from huxin.settings import Settings
from huxin_privacy.fast import available
from huxin_privacy.suites import S256

batching.LARGE = set_keys.LARGE = 1
batching.FEWER, set_keys.PART = batching.Sizes(20_000, 10_000, 40_000, 50_000), 40_000
available(S256)
peaks = {}

def measured(room, name):
    step = getattr(room, name)
    def run(*given):
        Path("/proc/self/clear_refs").write_text("5")
        step(*given)
        status = Path("/proc/self/status").read_text()
        peaks[name] = int(status.split("VmHWM:")[1].split()[0]) // 1024
    setattr(room, name, run)

measured(pipeline, "validate_group")
measured(blind_rows, "pseudonymize_either")
measured(load, "load_group")
report = pipeline.run_night(Settings.from_env(), Path(sys.argv[1]))
assert not report.failed, report.failed
print(json.dumps([peaks, report.submissions[0].state.name, report.submissions[0].rows]))
"""


def peaks(settings: Settings, inbox: Path, member: str, rows: int) -> dict[str, int]:
    """MiB at the peak of each step of one member's night, in a process of its own."""
    write_big(inbox / member / "loans.csv", rows, int(member[1:]), member, AS_OF)
    assert settings.database_url is not None
    env = os.environ | {
        "HUXIN_HOME": str(settings.home),
        "HUXIN_DATABASE_URL": settings.database_url,
        "HUXIN_NOW": "2026-05-31T22:00:00+08:00",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    run = subprocess.run(
        [sys.executable, "-c", NIGHT, str(inbox)], env=env, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found, state, count = json.loads(run.stdout)
    assert (state, count) == ("PUBLISHED", rows)
    return dict(found)


@pytest.mark.slow
@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="only Linux tells a step's peak")
def test_no_step_holds_more_for_a_longer_file(settings: Settings, tmp_path: Path) -> None:
    ready(settings, ["M0001", *LONG])
    short, long = peaks(settings, tmp_path / "short", "M0001", ROWS), []
    # What is held shows each time; what a busy machine lets pile up for a moment, hardly every time.
    for member in LONG:
        long.append(peaks(settings, tmp_path / member, member, 4 * ROWS))
        if not _more(short, long):
            break
    assert len(short) == 3
    assert _more(short, long) == {}


def _more(short: dict[str, int], long: list[dict[str, int]]) -> dict[str, int]:
    """By how much the least of some long nights is above the short one, step by step, where that is too much."""
    least = {step: min(each[step] for each in long) for step in short}
    return {step: peak - short[step] for step, peak in least.items() if peak > short[step] + MOST}


def test_the_sizes_are_by_what_a_group_holds_together(settings: Settings, tmp_path: Path) -> None:
    ready(settings)
    write_submission(tmp_path, "M0001", [loan("M0001", 1)])
    item = receive(settings, arrivals(tmp_path))[0].submission
    assert sizes([item, replace(item, record_count=LARGE - 2)]) == USUAL
    assert sizes([item, replace(item, record_count=LARGE - 1)]) == FEWER


def test_keys_do_not_keep_the_identifiers_they_are_made_of() -> None:
    parsed = parsed_frame([good_row(loan_no=f"L{n}", id_no=resident_id(n)) for n in range(1, 2000)])
    text = pa.array([None, *parsed["id_canonical"].to_list()[1:]], pa.large_string())
    parsed = parsed.with_columns(id_canonical=pl.Series(pl.from_arrow(text)))
    size = text.nbytes
    held = keys(parsed)
    before = pa.total_allocated_bytes()
    del parsed, text
    assert held["party"].null_count() == 1
    assert pa.total_allocated_bytes() <= before - size


def faulty(member: str) -> list[dict[str, str]]:
    """Sixty good loans; loans whose rows disagree, are repeated or have no primary, and some of one bad row of two."""
    rows = [loan(member, number) for number in range(1, 61)]
    for number in range(61, 81):
        first = loan(member, number)
        second = {
            0: loan(member, number + 500, loan_no=first["loan_no"], role="guarantor", balance="1.00"),
            1: first,
            2: loan(member, number + 500, loan_no=first["loan_no"], role="guarantor", mobile="none"),
        }[number % 3]
        rows += [first, second]
    return [*rows, loan(member, 90, role="guarantor"), {**loan(member, 91), "loan_no": ""}]


def test_checked_in_parts_a_file_is_judged_as_it_is_as_a_whole(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(settings)
    for member in ("M0001", "M0002"):  # both of two hundred loans more: F0008 is not what is asked for here
        fill = [{**loan("M0003", number), "loan_no": f"F{number}"} for number in range(1000, 1400)]
        write_submission(tmp_path, member, faulty("M0003") + fill)
    ids = [item.submission.id for item in receive(settings, arrivals(tmp_path))]
    validate_group(settings, ids[:1])
    monkeypatch.setattr(set_keys, "LARGE", 1)
    monkeypatch.setattr(set_keys, "PART", 50)
    validate_group(settings, ids[1:])
    whole, parted = told(settings, ids[0]), told(settings, ids[1])
    assert {"E2001", "E2002", "E2003"} <= set(whole["codes"])
    assert whole[spool.COMPANIONS]
    assert parted == whole
    assert not [name for name in Spool(settings).folders()[ids[1]] if name.startswith(spool.SET_KEYS)]


def told(settings: Settings, submission_id: object) -> dict[str, object]:
    """All that validation says of a submission and puts aside of it."""
    with connection(settings) as database:
        item = find(database, submission_id)
        assert item is not None
        findings = list_findings(database, item.id)
    vault = Spool(settings)
    frames = {
        stage: frame.rows()
        for stage in (spool.DROPPED, *spool.HELD)
        if (frame := vault.read_frame(item.id, stage)) is not None
    }
    counts = {"state": item.state, "rows": item.rows, "accepted": item.accepted, "codes": item.codes}
    return {**counts, "findings": findings, **frames}

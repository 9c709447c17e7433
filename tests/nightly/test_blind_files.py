"""Files without people, loan-tokens/v1: what the night does with good ones, and how it refuses bad ones."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from night_world import ready
from sqlalchemy import text

from huxin.cli.setup import turn_on_blind
from huxin.contract import State
from huxin.nightly.filing import Filing
from huxin.nightly.pipeline import run_night
from huxin.nightly.worker import Patience, work_round
from huxin.registry.session import connection, forget_engine
from huxin.registry.submissions import Submission, every
from huxin.settings import Settings
from huxin_privacy import blind, keyring
from huxin_privacy.blind.sealed import Cells, FileKey
from support.blind import blinder, write_blind
from support.rows import AS_OF, loan, resident_id, write_submission

MEMBER = "M0002"


@pytest.fixture
def off(settings: Settings) -> Iterator[Settings]:
    ready(settings)
    (settings.home / "inbox").mkdir()
    yield settings
    forget_engine(settings)


@pytest.fixture
def home(off: Settings) -> Settings:
    assert turn_on_blind(off)
    return off


def inbox(home: Settings) -> Path:
    return home.home / "inbox"


def night(home: Settings) -> Submission:
    report = run_night(home, inbox(home))
    assert not report.failed
    (found,) = report.submissions
    return found


def select(home: Settings, query: str) -> list[Any]:
    with connection(home) as database:
        return list(database.execute(text(query)).all())


def rewrite(path: Path, change: Any) -> None:
    """The file as `change` (of its lines as dictionaries) leaves it, with the digest the manifest then needs."""
    lines = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    changed = change(lines)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(changed[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(changed)
    path.write_text(out.getvalue(), encoding="utf-8")
    tell(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def tell(path: Path, **said: Any) -> None:
    manifest = path.with_name(path.name + ".manifest.json")
    content: Mapping[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**content, **said}), encoding="utf-8")


def test_loans_come_in_and_no_person_does(home: Settings) -> None:
    people = range(1, 21)
    path = write_blind(home, inbox(home), MEMBER, [loan(MEMBER, n) for n in people])
    sent = path.read_bytes()
    item = night(home)
    assert (item.state, item.accepted, item.rejected) == (State.PUBLISHED, 20, 0)
    assert select(home, "SELECT count(*), count(name_mark), count(DISTINCT subject_id) FROM loan") == [
        (20, 0, 20)
    ]
    assert select(home, "SELECT count(*) FROM mobile_alias") == [(0,)]
    # Beside every alias its element, and nothing of it or of the file's cells in clear.
    assert select(home, "SELECT count(*) FROM alias a JOIN alias_element e USING (token, scheme)") == [(20,)]
    tables = select(
        home, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    dump = "".join(
        str(select(home, f"SELECT string_agg(t::text, '') FROM \"{name}\" t")) for (name,) in tables
    )
    elements = blinder(home).elements([blind.message("resident_id", resident_id(n)) for n in people])
    cells = [row["id_no"] for row in csv.DictReader(io.StringIO(sent.decode()))]
    for word in (*(each.hex() for each in elements), *cells, *(resident_id(n) for n in people)):
        assert word not in dump
    assert "element_key" not in dump


def test_the_next_night_changes_what_changed(home: Settings) -> None:
    rows = [loan(MEMBER, n) for n in range(1, 31)]
    write_blind(home, inbox(home), MEMBER, rows, AS_OF - timedelta(days=1))
    night(home)
    rows[3]["balance"] = "14000.00"
    write_blind(home, inbox(home), MEMBER, rows[:-1], AS_OF)
    report = run_night(home, inbox(home))
    assert not report.failed
    assert select(home, "SELECT count(*) FROM loan_history WHERE ended_by IS NULL") == [
        (2,)
    ]  # changed, and vanished
    assert select(home, "SELECT count(*) FROM loan WHERE ended_by = 1") == [(1,)]
    assert select(home, "SELECT count(*) FROM alias") == [(30,)]


def test_a_row_whose_identifier_is_faulty_is_rejected_and_its_loan_counts_as_present(home: Settings) -> None:
    rows = [loan(MEMBER, n) for n in range(1, 31)]
    write_blind(home, inbox(home), MEMBER, rows, AS_OF - timedelta(days=1))
    night(home)
    rows[0]["id_no"] = "999"
    write_blind(home, inbox(home), MEMBER, rows, AS_OF)
    report = run_night(home, inbox(home))
    (item,) = [each for each in report.submissions if each.as_of_date == AS_OF]
    assert (item.state, item.rejected, item.codes) == (State.PUBLISHED, 1, {"E1001": 1})
    assert select(home, "SELECT count(*) FROM loan WHERE ended_by IS NOT NULL") == [(0,)]
    assert select(home, "SELECT count(*) FROM loan WHERE stale_as_of IS NOT NULL") == [(1,)]


def test_a_party_that_stands_twice_is_found_although_nobody_can_read_it(home: Settings) -> None:
    rows = [loan(MEMBER, n) for n in range(1, 31)]
    rows.append(rows[4] | {"id_no": f" {rows[4]['id_no']} "})
    write_blind(home, inbox(home), MEMBER, rows)
    item = night(home)
    assert (item.state, item.codes) == (State.PUBLISHED, {"E2001": 1})


@pytest.mark.parametrize("column", ["name", "mobile", "id_country"])
def test_a_column_of_a_person_refuses_the_file(home: Settings, column: str) -> None:
    path = write_blind(home, inbox(home), MEMBER, [loan(MEMBER, n) for n in range(1, 5)])
    rewrite(path, lambda lines: [line | {column: ""} for line in lines])
    item = night(home)
    assert (item.state, item.codes) == (State.REFUSED, {"F0003": 1})


def refused(home: Settings, item: Submission, reason: str) -> None:
    assert (item.state, item.codes) == (State.REFUSED, {"F0011": 1})
    assert item.facts["reason"] == reason
    assert select(home, "SELECT count(*) FROM loan") == [(0,)]
    assert select(home, "SELECT count(*) FROM alias") == [(0,)]
    left = list((home.spool_dir / str(item.id)).glob("*")) if (home.spool_dir / str(item.id)).exists() else []
    assert left == []


def test_a_file_that_was_made_for_another_member_is_refused(home: Settings) -> None:
    write_blind(home, inbox(home), MEMBER, [loan(MEMBER, n) for n in range(1, 5)], named="M0001")
    refused(home, night(home), "P0167")


def test_a_file_with_another_files_key_is_refused(home: Settings) -> None:
    other = write_blind(home, inbox(home), "M0003", [loan(MEMBER, 1)])
    said = json.loads(other.with_name(other.name + ".manifest.json").read_text(encoding="utf-8"))
    for each in other.parent.iterdir():
        each.unlink()
    path = write_blind(home, inbox(home), MEMBER, [loan(MEMBER, n) for n in range(1, 5)])
    tell(path, element_key=said["element_key"])
    refused(home, night(home), "P0167")


def test_a_cell_in_another_row_is_refused_even_by_whoever_holds_the_files_key(home: Settings) -> None:
    path = write_blind(home, inbox(home), MEMBER, [loan(MEMBER, n) for n in range(1, 5)])
    key, by = FileKey.new(1), blinder(home)
    elements = by.elements([blind.message("resident_id", resident_id(n)) for n in range(1, 5)])
    cells = Cells(key)

    def moved(lines: list[dict[str, str]]) -> list[dict[str, str]]:
        made = [
            cells.seal(line["loan_no"], line["id_type"], e) for line, e in zip(lines, elements, strict=True)
        ]
        return [line | {"id_no": made[place ^ 1]} for place, line in enumerate(lines)]

    rewrite(path, moved)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    tell(path, element_key=key.wrapped(by.pinned.registry, MEMBER, digest))
    refused(home, night(home), "P0168")


def test_elements_of_a_key_that_is_not_at_work_are_refused(home: Settings) -> None:
    ring = keyring.add_epoch(keyring.open(home.keys_dir, "entry"))
    write_blind(home, inbox(home), MEMBER, [loan(MEMBER, 1)], by=blinder(home, ring.epochs[-1].number))
    refused(home, night(home), "P0201")


def test_where_blind_mode_is_off_the_file_is_refused_in_words(off: Settings) -> None:
    write_blind(off, inbox(off), MEMBER, [loan(MEMBER, 1)])
    refused(off, night(off), "blind")


@pytest.mark.parametrize("key", [None, "", "?", 7, "a" * 600])
def test_a_manifest_has_to_bring_the_key(home: Settings, key: object) -> None:
    path = write_blind(home, inbox(home), MEMBER, [loan(MEMBER, 1)])
    tell(path, element_key=key)
    item = night(home)
    assert (item.codes, item.facts["reason"]) == ({"F0010": 1}, "element_key")


def test_a_file_with_people_brings_none(home: Settings) -> None:
    path = write_submission(inbox(home), MEMBER, [loan(MEMBER, 1)])
    tell(path, element_key="A" * 118)
    item = night(home)
    assert (item.codes, item.facts["reason"]) == ({"F0010": 1}, "element_key")


def test_both_kinds_go_through_one_night(home: Settings) -> None:
    write_blind(home, inbox(home), MEMBER, [loan(MEMBER, n) for n in range(1, 25)])
    write_submission(inbox(home), "M0001", [loan("M0001", n) for n in range(1, 25)])
    report = run_night(home, inbox(home))
    assert {item.state for item in report.submissions} == {State.PUBLISHED}
    assert select(home, "SELECT count(*), count(DISTINCT subject_id) FROM loan") == [(48, 24)]


NIGHT = """
import sys
from datetime import datetime
from pathlib import Path
from huxin.nightly.filing import Filing
from huxin.nightly.pipeline import run_night
from huxin.nightly.worker import Patience, work_round
from huxin.settings import Settings
settings = Settings(Path(sys.argv[1]), database_url=sys.argv[2], fixed_now=datetime.fromisoformat(sys.argv[3]))
report = run_night(settings, settings.home / "inbox")
sys.exit(1 if report.failed else 0)
"""


@pytest.mark.parametrize("stage", ["pseudonymize.spooled", "load.claimed"])
def test_a_worker_killed_on_the_way_is_gone_on_from(home: Settings, stage: str) -> None:
    write_blind(home, inbox(home), MEMBER, [loan(MEMBER, n) for n in range(1, 25)])
    assert home.fixed_now is not None and home.database_url is not None
    command = [sys.executable, "-c", NIGHT, str(home.home), home.database_url, home.fixed_now.isoformat()]
    killed = subprocess.run(
        command, check=False, env=os.environ | {"HUXIN_FAULT": stage}, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    item = night(home)
    assert (item.state, item.accepted) == (State.PUBLISHED, 24)
    assert select(home, "SELECT count(*), count(DISTINCT subject_id) FROM loan") == [(24, 24)]
    assert select(home, "SELECT count(*) FROM alias") == [(24,)]


def test_what_came_too_early_is_taken_on_its_day(home: Settings) -> None:
    """Whose elements it holds is looked at when it comes, and not again."""
    changes = {"as_of_date": "2026-06-02"}
    rows = [loan(MEMBER, number) for number in range(1, 21)]
    path = write_blind(home, inbox(home), MEMBER, rows, AS_OF, manifest_changes=changes)
    assert sent(home, path).facts["reason"] == "future"
    day = replace(home, fixed_now=home.now() + timedelta(days=2))
    assert sent(day, path).state == State.RECEIVED
    assert work_round(day, Patience()) == 1
    with connection(day) as database:
        (done,) = every(database)
    assert (done.state, done.accepted, done.codes) == (State.PUBLISHED, 20, {})


def sent(settings: Settings, data: Path) -> Submission:
    with Filing(settings, MEMBER) as way:
        way.take(data.name, iter([data.read_bytes()]))
        return way.file(data.with_name(f"{data.name}.manifest.json").read_bytes()).submission

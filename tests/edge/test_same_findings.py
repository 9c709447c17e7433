"""What the edge finds in a file is what the centre finds: code by code, row by row, field by field, masked alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from edge_tool import Tool
from edge_world import EVENING

from huxin.contract import load_contract
from huxin.nightly import checking
from huxin.nightly.gx.suites import SUITES, load_suite
from huxin_checks.rules import row_rules, set_rules
from huxin_checks.sets import file_rules
from huxin_checks.telling import told, told_refused
from huxin_checks.whole_file import Asked, Checked, at_the_centre, check_file
from support.identifiers import CLASSES
from support.rows import good_row, loan, overdue, resident_id, write_manifest, write_submission

SAMPLES = Path(__file__).parents[2] / "examples" / "nightly"
ME = "M0001"
TODAY = date(2026, 5, 31)
Said = list[tuple[Any, ...]]


def at_the_edge(file: Path, member: str) -> tuple[Checked, Said]:
    manifest = file.with_name(file.name + ".manifest.json").read_bytes()
    with file.open("rb") as source:
        found = check_file(source, file.name, Asked(TODAY, member, manifest))
    whole = [told_refused(found.refusal, "zh")] if found.refusal else []
    return found, [tuple(vars(each).values()) for each in [*whole, *told(found.findings, "zh")]]


def in_the_centre(file: Path, member: str) -> tuple[dict[str, Any], Said]:
    """By the very step of a night, Great Expectations and all."""
    manifest = file.with_name(file.name + ".manifest.json").read_bytes().decode()
    asked = checking.Asked(EVENING.isoformat(), "zh", member, file.name, manifest)
    said = checking.checked(asked, file.read_bytes())
    assert not said["more"]
    return said, [tuple(each.values()) for each in said["findings"]]


def compared(file: Path, member: str = ME) -> Checked:
    """What both say of a file with its manifest."""
    edge, ours = at_the_edge(file, member)
    centre, theirs = in_the_centre(file, member)
    assert ours == theirs
    for name in ("rows", "accepted", "rejected", "warned", "codes"):
        assert getattr(edge, name) == (
            dict(sorted(centre[name].items())) if name == "codes" else centre[name]
        )
    assert bool(edge.refusal) == (centre["state"] == "REFUSED")
    return edge


@pytest.mark.parametrize("member", sorted(path.name for path in SAMPLES.iterdir() if path.is_dir()))
def test_each_sample_file(member: str) -> None:
    (file,) = (path for path in (SAMPLES / member).iterdir() if path.suffix != ".json")
    assert compared(file, member).rows > 100


def test_each_class_of_malformed_identifier(tmp_path: Path) -> None:
    good = [loan(ME, n) for n in range(1, 800)]  # so that the share of rejected rows does not refuse the file
    more = [*MORE, *((bad.id_type, bad.id_no, bad.id_country) for bad in CLASSES)]
    bad_rows = [
        loan(ME, 1000 + n, id_type=id_type, id_no=number, id_country=country)
        for n, (id_type, number, country) in enumerate(more)
    ]
    found = compared(write_submission(tmp_path, ME, [*good, *bad_rows]))
    assert not found.refusal
    codes = {each.code for each in found.findings}
    assert {"E1001", "E1101", "E1102", "E1103", "E1104", "E1301", "E1302", "W3301"} <= codes


# Spellings that are accepted silently or with a warning, and types that are none.
MORE = [
    ("resident_id", "110105491231002", ""),
    ("resident_id", "１１０１０５１９４９１２３１００２Ｘ", ""),
    ("resident_id", "\ufeff11010519491231002X\u200b", ""),
    ("resident_id", "'11010519491231002X", ""),
    ("resident_id", "110105********002X", ""),
    ("resident_id", "", ""),
    ("driving_licence", "123456", ""),
    ("", resident_id(7), ""),
]


def test_every_row_and_set_code_fires_alike(tmp_path: Path) -> None:
    """One file with each fault that a row or a loan can have."""
    good = [loan(ME, n) for n in range(1, 1200)]
    bad = [loan(ME, 2000 + n, **cells) for n, cells in enumerate(FAULTS)]
    late = [{**overdue(loan(ME, 3000), 100), "class5": "normal"}]
    other = {**loan(ME, 3002), "balance": "1.00", "role": "guarantor", "id_no": resident_id(9)}
    twice = [loan(ME, 3001), loan(ME, 3001), loan(ME, 3002), other, {**loan(ME, 3003), "role": "guarantor"}]
    found = compared(write_submission(tmp_path, ME, [*good, *bad, *late, *twice]))
    codes = {each.code for each in found.findings}
    ours = {code for code in [*row_rules(load_contract()), *set_rules()] if code not in NOT_HERE}
    assert ours - codes == set()


# What a row of E1102, W3301 and the like needs stands among the malformed identifiers above.
NOT_HERE = {"E1101", "E1102", "E1103", "E1104", "W3301"}
FAULTS: list[Mapping[str, str]] = [
    {"name": ""},
    {"borrower_kind": "company"},
    {"principal": "-1.00"},
    {"principal": "abc"},
    {"disbursed_on": "2026-02-30"},
    {"class5": "great"},
    {"currency": "USD"},
    {"purpose": "长" * 40},
    {"balance": "20000.01"},
    {"terms_left": "40"},
    {"disbursed_on": "2026-06-15"},
    {"due_on": "2025-01-15"},
    {"closed_on": "2026-05-01"},
    {"dpd": "3"},
    {"dpd": "5", "max_dpd": "3"},
    {"consent_no": ""},
    {"action": "delete"},
    {"mobile": "12"},
    {"annual_rate": "25"},
]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"record_count": 3}, "F0002"),
        ({"sum_balance": "1.00"}, "F0002"),
        ({"sha256": "0" * 64}, "F0001"),
        ({"as_of_date": "2026-06-01"}, "F0005"),
        ({"as_of_date": "2019-12-31"}, "F0005"),
        ({"member": "M0002"}, "F0007"),
        ({"contract": "loan/v9"}, "F0009"),
        ({"sequence": "one"}, "F0010"),
        ({"mode": "sometimes"}, "F0010"),
        ({"mode": "correction"}, None),
    ],
)
def test_each_fault_of_a_manifest(tmp_path: Path, changes: dict[str, Any], code: str | None) -> None:
    file = write_submission(tmp_path, ME, [loan(ME, n) for n in range(1, 30)], manifest_changes=changes)
    found = compared(file)
    assert (found.refusal or {}).get("code") == code


FILES: list[tuple[str, bytes, str]] = [
    ("empty.csv", b"", "F0004"),
    ("no header.csv", b"1,2,3\n4,5,6\n", "F0004"),
    ("unknown column.csv", b"loan_no,id_no,religion\na,b,c\n", "F0003"),
    ("a zip.zip", b"PK\x03\x04" + bytes(100), "F0004"),
    ("nul.csv", b"loan_no\0,id_no\n", "F0004"),
    ("cut.gz", b"\x1f\x8b\x08\x00" + bytes(20), "F0004"),
    ("old.xls", b"\xd0\xcf\x11\xe0" + bytes(600), "F0004"),
    ("cut.parquet", b"PAR1" + bytes(100), "F0004"),
]


@pytest.mark.parametrize(("name", "content", "code"), FILES)
def test_each_file_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    said = {"contract": "loan/v1", "member": ME, "as_of_date": "2026-05-31", "sequence": 1, "mode": "full"}
    totals = {"record_count": 2, "sum_principal": "0.00", "sum_balance": "0.00"}
    write_manifest(file, {**said, **totals, "sha256": hashlib.sha256(content).hexdigest()})
    found = compared(file)
    assert found.refusal is not None
    assert found.refusal["code"] == code


def test_too_many_bad_rows_refuse_a_file_alike(tmp_path: Path) -> None:
    rows = [good_row(consent_no="")] * 3 + [loan(ME, n) for n in range(2, 10)]
    found = compared(write_submission(tmp_path, ME, rows))
    assert (found.refusal or {}).get("code") == "F0008"


def test_the_command_says_the_same(tmp_path: Path) -> None:
    member = "M0002"
    (file,) = (path for path in (SAMPLES / member).iterdir() if path.suffix != ".json")
    for each in (file, file.with_name(file.name + ".manifest.json")):
        (tmp_path / each.name).write_bytes(each.read_bytes())
    centre, _ = in_the_centre(file, member)
    said = Tool(tmp_path).json("--lang", "zh", "check", file.name, "--out", "错误.csv", expect=3)
    assert said["findings"] == centre["findings"]
    assert (said["rows"], said["rejected"]) == (centre["rows"], centre["rejected"])
    assert set(said["checked_at_the_centre"]) == {"F0005", "F0006", "F0007", "F0011", "W4003"}
    listed = (tmp_path / "错误.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(listed) == len(said["findings"]) + 1


def test_all_that_the_centre_runs_is_run_here_or_named_as_the_centres() -> None:
    """A check that is added to the contract and to one side only would be found here."""
    contract = load_contract()
    run = {*row_rules(contract), *set_rules(), *file_rules()}
    suites = {e.rule for name in SUITES for e in load_suite(name).expectations}
    assert suites - run == {"W4003"}
    by_hand = {"F0001", "F0003", "F0004", "F0005", "F0007", "F0009", "F0010"}  # admission and reading
    active = {check.code for check in contract.checks if check.active}
    assert active == run | by_hand | set(at_the_centre(contract))


def test_a_findings_json_holds_no_identifier(tmp_path: Path) -> None:
    rows = [loan(ME, n) for n in range(1, 12)]
    rows[0]["id_no"] = rows[0]["id_no"][:-1] + "Q"
    write_submission(tmp_path, ME, rows, file_name="f.csv")
    tool = Tool(tmp_path / ME)
    said = json.dumps(tool.json("check", "f.csv", expect=3), ensure_ascii=False) + tool.said
    for cell in (rows[0]["id_no"], rows[0]["name"], rows[0]["mobile"]):
        assert cell not in said

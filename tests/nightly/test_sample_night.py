"""The sample night by its own command, as anybody types it: the truth, row by row and person by person."""

from __future__ import annotations

import csv
import json
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from night_world import ready
from test_night_cli import ANSWER, Shell

from huxin.nightly.submitting import Wish, submit
from huxin.paths import schema_root
from huxin.settings import Settings
from support.rows import write_manifest
from support.sums import summed_up

SAMPLES = Path(__file__).parents[2] / "examples" / "nightly"
TRUTH: dict[str, Any] = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))
MEMBERS = sorted(TRUTH["members"])


@pytest.fixture
def shell(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    ready(settings, MEMBERS)
    monkeypatch.setenv("HUXIN_HOME", str(settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("HUXIN_NOW", settings.now().isoformat())
    monkeypatch.setenv("HUXIN_LANG", "zh")
    return Shell(monkeypatch, capsys)


def test_the_sample_night_is_as_its_truth_says(shell: Shell, settings: Settings, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    shutil.copytree(SAMPLES, inbox)  # with truth.json beside the members' folders, as it is committed
    ran = shell("night", inbox, "--json")
    assert ran.code == 3  # for the file whose totals lie
    said = {each["member"]: each for each in ran.lines}
    assert sorted(said) == MEMBERS
    for member, truth in TRUTH["members"].items():
        each = said[member]
        if truth["file"] == "accepted":
            figures = (each["state"], each["rows"], each["accepted"], each["rejected"])
            assert figures == ("published", truth["rows"], truth["accepted"], truth["rejected"])
            told = json.loads(shell("findings", each["submission_id"]).out)
            found = {(finding["record"], finding["code"]) for finding in told}
            assert {(spot["row"], spot["code"]) for spot in truth["planted"]} - found == set()
        else:
            assert (each["state"], each["accepted"], each["codes"]["F0002"]) == ("refused", 0, 1)
            assert each["rejected"] == each["rows"] > 0
    assert_answers(shell, tmp_path)
    summed_up(settings)
    again = shell("night", inbox, "--json")
    assert again.lines == ran.lines
    assert "no new submission" in again.told
    assert_right_manifest(shell, inbox)


def assert_answers(shell: Shell, place: Path) -> None:
    """Everybody whom the truth lists, asked by file."""
    asked, out = place / "ids.csv", place / "answers.jsonl"
    with asked.open("w", encoding="utf-8", newline="") as target:
        lines = csv.writer(target)
        lines.writerow(["id_type", "id_no"])
        lines.writerows([each["id_type"], each["id_no"]] for each in TRUTH["subjects"])
    assert shell("ask", "--member", "M0001", "--file", asked, "--out", out).code == 0
    answers = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(answers) == len(TRUTH["subjects"]) > 1_000
    differ = [
        number
        for number, (truth, answer) in enumerate(zip(TRUTH["subjects"], answers, strict=True))
        if [truth[name] for name in ANSWER] != [answer[name] for name in ANSWER]
    ]
    assert differ == []


def assert_right_manifest(shell: Shell, inbox: Path) -> None:
    """The refused file with the totals that it has, found by the next night."""
    (manifest,) = (inbox / "M0006").glob("*.manifest.json")
    data = manifest.with_name(manifest.name.removesuffix(".manifest.json"))
    told = json.loads(manifest.read_bytes())
    lied = shell("submit", data, "--member", "M0006", "--json").lines[0]
    write_manifest(data, told | right_totals(data))
    (fresh,) = (each for each in shell("night", inbox, "--json").lines if each["member"] == "M0006")
    assert fresh["submission_id"] != lied["submission_id"]
    assert (fresh["state"], fresh["rows"], fresh["codes"].get("F0002")) == ("published", lied["rows"], None)


def right_totals(data: Path) -> dict[str, object]:
    """Count and sums of the file by another way than the program's own; a cell that is no number counts nothing."""
    with data.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    cells = {name: [row[name] for row in rows] for name in ("principal", "balance")}
    sums = {
        name: sum(Decimal(cell) for cell in column if re.fullmatch(r"\d+(\.\d+)?", cell))
        for name, column in cells.items()
    }
    return {"record_count": len(rows), **{f"sum_{name}": f"{each:.2f}" for name, each in sums.items()}}


@pytest.mark.parametrize("name", ["loan_v1.csv", "loan_v1.xlsx"])
def test_a_template_goes_in_as_it_is_with_its_example(settings: Settings, name: str) -> None:
    """Its stars and drop-downs are in nobody's way, and the example row is a good one."""
    ready(settings, ["M0001"])
    file = schema_root() / "loan" / "v1" / "templates" / name
    item, _ = submit(settings, file, "M0001", computed=Wish())
    assert (item.state.name, item.rows, item.accepted, item.codes) == ("PUBLISHED", 1, 1, {})

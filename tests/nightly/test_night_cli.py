"""The command line as the data team and the operator meet it: exit codes, JSON, files in and out."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from night_world import MEMBERS, ready

from huxin.cli import main
from huxin.settings import Settings
from support.rows import AS_OF, loan, resident_id, write_submission

ME, OTHER = MEMBERS[:2]
OBJECT = ("submission_id", "member", "file", "state", "rows", "accepted", "rejected", "warned", "codes")
ANSWER = ("lenders", "open_loans", "outstanding", "max_dpd", "guaranteed_loans")


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, and what it wrote."""

    code: int
    out: str
    told: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """`huxin` in this process, as its console script calls it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: object) -> Ran:
        self._monkeypatch.setattr(sys, "argv", ["huxin", *map(str, words)])
        self._capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        wrote = self._capsys.readouterr()
        return Ran(code, wrote.out, wrote.err)


@pytest.fixture
def shell(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    ready(settings)
    monkeypatch.setenv("HUXIN_HOME", str(settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("HUXIN_NOW", settings.now().isoformat())
    monkeypatch.setenv("HUXIN_LANG", "zh")
    return Shell(monkeypatch, capsys)


def book(member: str = ME, wrong: Sequence[int] = ()) -> list[dict[str, str]]:
    rows = [loan(member, number) for number in range(1, 41)]
    for number in wrong:
        rows[number - 1]["consent_no"] = ""
    return rows


# night, submissions -------------------------------------------------------------------------------------


def test_night_says_each_submission_in_json_and_ends_with_0(shell: Shell, tmp_path: Path) -> None:
    write_submission(tmp_path, ME, book(wrong=[3]))
    ran = shell("night", tmp_path, "--json")
    (said,) = ran.lines
    assert ran.code == 0
    assert set(OBJECT) <= set(said)
    assert {name: said[name] for name in OBJECT[1:]} == {
        "member": ME,
        "file": "loans_20260531_1.csv",
        "state": "published",
        "rows": 40,
        "accepted": 39,
        "rejected": 1,
        "warned": 0,
        "codes": {"E2601": 1},
    }


def test_night_ends_with_3_when_one_is_refused_and_the_others_are_in(shell: Shell, tmp_path: Path) -> None:
    write_submission(tmp_path, ME, book(), manifest_changes={"record_count": 39})
    write_submission(tmp_path, OTHER, book(OTHER))
    ran = shell("night", tmp_path, "--json")
    assert ran.code == 3
    assert [(said["state"], said["accepted"], said["rejected"]) for said in ran.lines] == [
        ("refused", 0, 40),
        ("published", 40, 0),
    ]


def test_night_ends_with_3_when_one_awaits_confirmation_and_0_once_it_is_confirmed(
    shell: Shell, tmp_path: Path
) -> None:
    write_submission(tmp_path, ME, book())
    assert shell("night", tmp_path).code == 0
    write_submission(tmp_path, ME, book()[3:], sequence=2)
    ran = shell("night", tmp_path, "--json")
    assert ran.code == 3
    waiting = next(said for said in ran.lines if said["state"] == "awaiting_confirmation")
    assert (waiting["codes"], waiting["vanished"]) == ({"W4003": 3}, 3)
    assert shell("submissions", "confirm", waiting["submission_id"]).code == 0
    assert shell("night", tmp_path).code == 0


def test_the_same_night_again_says_that_nothing_is_new(shell: Shell, tmp_path: Path) -> None:
    write_submission(tmp_path, ME, book())
    first, second = shell("night", tmp_path, "--json"), shell("night", tmp_path, "--json")
    assert first.lines == second.lines
    assert "no new submission" in second.told
    assert "no new submission" not in first.told
    assert shell("submissions", "--json").lines == first.lines


def test_night_of_one_day_leaves_the_others(shell: Shell, tmp_path: Path) -> None:
    write_submission(tmp_path, ME, book(), AS_OF.replace(day=30))
    write_submission(tmp_path, ME, book(), AS_OF)
    assert [
        said["as_of_date"] for said in shell("night", tmp_path, "--as-of", "2026-05-30", "--json").lines
    ] == ["2026-05-30"]
    assert [said["state"] for said in shell("night", tmp_path, "--json").lines] == ["published"] * 2


def test_submissions_lists_every_one_ever_made(shell: Shell, tmp_path: Path) -> None:
    assert shell("submissions", "--json").out == ""
    write_submission(tmp_path, ME, book(), manifest_changes={"sha256": "0" * 64})
    write_submission(tmp_path, "NOBODY", book())
    shell("night", tmp_path)
    said = {each["member"]: each for each in shell("submissions", "--json").lines}
    assert {member: each["codes"] for member, each in said.items()} == {
        ME: {"F0001": 1},
        "NOBODY": {"F0007": 1},
    }


def test_withdraw_twice_is_wrong_use(shell: Shell, tmp_path: Path) -> None:
    write_submission(tmp_path, ME, book())
    (said,) = shell("night", tmp_path, "--json").lines
    assert shell("submissions", "withdraw", said["submission_id"]).code == 0
    again = shell("submissions", "withdraw", said["submission_id"])
    assert (again.code, again.told[:5]) == (2, "H0604")
    assert (shell("submissions", "confirm", said["submission_id"]).told)[:5] == "H0603"
    assert (shell("submissions", "withdraw", "no-such-id").told)[:5] == "H0602"


# submit -------------------------------------------------------------------------------------------------


def test_submit_takes_the_manifest_that_lies_beside_or_is_named_or_is_computed(
    shell: Shell, tmp_path: Path
) -> None:
    beside = write_submission(tmp_path, ME, book())
    assert shell("submit", beside, "--member", ME, "--json").lines[0]["state"] == "published"
    named = write_submission(tmp_path, OTHER, book(OTHER))
    manifest = named.with_name(named.name + ".manifest.json").rename(tmp_path / "m.json")
    lost = shell("submit", named, "--member", OTHER)
    assert (lost.code, lost.told[:5]) == (2, "H0610")
    assert shell("submit", named, "--manifest", manifest, "--member", OTHER).code == 0
    third = write_submission(tmp_path, MEMBERS[2], book(MEMBERS[2]))
    assert shell("submit", third, "--member", MEMBERS[2], "--computed-totals").code == 0


def test_submit_of_a_refused_file_ends_with_3_and_again_with_0(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_submission(tmp_path, ME, book(), AS_OF.replace(month=6, day=1))
    ran = shell("submit", file, "--member", ME, "--json")
    assert (ran.code, ran.lines[0]["codes"]) == (3, {"F0005": 1})
    monkeypatch.setenv("HUXIN_NOW", "2026-06-01T22:00:00+08:00")
    again = shell("submit", "--again", ran.lines[0]["submission_id"], "--json")
    assert (again.code, again.lines[0]["state"], again.lines[0]["codes"]) == (0, "published", {})


def test_submit_as_nobody_or_of_nothing_says_so(shell: Shell, tmp_path: Path) -> None:
    file = write_submission(tmp_path, ME, book())
    assert shell("submit", file, "--member", "NOBODY", "--computed-totals").told[:5] == "H0701"
    assert shell("submit", tmp_path / "none.csv", "--member", ME).told[:5] == "H0601"
    assert shell("submit").code == 2


# findings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_findings_go_out_are_mended_and_come_back(shell: Shell, tmp_path: Path, file_format: str) -> None:
    (said,) = shell(
        "submit", write_submission(tmp_path, ME, book(wrong=[3, 5])), "--member", ME, "--json"
    ).lines
    found = json.loads(shell("findings", said["submission_id"]).out)
    assert [(each["code"], each["record"], each["line"], each["field"]) for each in found] == [
        ("E2601", 3, 4, "consent_no"),
        ("E2601", 5, 6, "consent_no"),
    ]
    assert all({"severity", "masked", "text"} <= set(each) for each in found)
    target = tmp_path / f"mend.{file_format}"
    assert shell("findings", said["submission_id"], "--format", file_format, "--out", target).code == 0
    assert target.stat().st_size > 100
    if file_format == "csv":
        mend(target)
        (back,) = shell("submit", target, "--member", ME, "--computed-totals", "--json").lines
        assert (back["state"], back["accepted"], back["codes"]) == ("published", 2, {})
        (answer,) = shell(
            "ask", "--member", ME, "--id-type", "resident_id", "--id-no", resident_id(3), "--json"
        ).lines
        assert answer["open_loans"] == 1


def mend(file: Path) -> None:
    table = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, list(table[0]))  # the empty column is there to be filled
        writer.writeheader()
        writer.writerows({**row, "授权编号": "SQ-MENDED"} for row in table)


def test_findings_of_a_refused_file_begin_with_why(shell: Shell, tmp_path: Path) -> None:
    file = write_submission(tmp_path, ME, book(), manifest_changes={"sum_balance": "1.00"})
    (said,) = shell("submit", file, "--member", ME, "--json").lines
    (first, *_) = json.loads(shell("findings", said["submission_id"]).out)
    assert (first["code"], first["severity"], first["record"]) == ("F0002", "refuse", 0)


# members, ask -------------------------------------------------------------------------------------------


def test_members_are_added_imported_listed_suspended_and_resumed(shell: Shell, tmp_path: Path) -> None:
    assert shell("members", "add", "--code", "M0009", "--name", "九号小贷").code == 0
    (tmp_path / "list.csv").write_text("机构代码,机构名称\nM0010,十号\nM0011,十一号\n", encoding="utf-8-sig")
    assert shell("members", "import", tmp_path / "list.csv").code == 0
    assert shell("members", "suspend", "M0010").code == 0
    listed = {each["code"]: each["status"] for each in shell("members", "list", "--json").lines}
    assert {code: listed[code] for code in ("M0009", "M0010", "M0011")} == {
        "M0009": "active",
        "M0010": "suspended",
        "M0011": "active",
    }
    assert shell("members", "resume", "M0010").code == 0
    assert shell("members", "suspend", "NOBODY").told[:5] == "H0701"


def test_a_list_with_one_wrong_line_registers_nobody(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("code,name\nM0010,十号\n../etc,九\n", encoding="utf-8")
    ran = shell("members", "import", tmp_path / "list.csv")
    assert (ran.code, ran.told[:5]) == (2, "H0702")
    assert "M0010" not in {each["code"] for each in shell("members", "list", "--json").lines}


def test_ask_answers_a_file_in_its_order(shell: Shell, tmp_path: Path) -> None:
    write_submission(tmp_path / "inbox", ME, book())
    write_submission(tmp_path / "inbox", OTHER, book(OTHER)[:20])
    shell("night", tmp_path / "inbox")
    people = [30, 7, 999, 8, 7]
    asked = tmp_path / "ids.csv"
    lines = [f"resident_id,{resident_id(number)}" for number in people]
    asked.write_text("\n".join(["id_type,id_no", *lines, "居民身份证,123", ""]), encoding="utf-8")
    ran = shell("ask", "--member", ME, "--file", asked, "--out", tmp_path / "answers.jsonl")
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text("utf-8").splitlines()]
    assert ran.code == 0
    assert [answer["lenders"] for answer in answers[:-1]] == [1, 2, 0, 2, 2]
    assert all(set(ANSWER) <= set(answer) for answer in answers[:-1])
    assert answers[-1] == {"error": "H0801", "codes": ["E1104"]}
    assert not any(resident_id(number) in ran.out + ran.told for number in people)


def test_ask_about_a_malformed_number_tells_its_codes_and_not_the_number(shell: Shell) -> None:
    wrong = resident_id(1)[:-1] + ("1" if resident_id(1)[-1] != "1" else "2")
    ran = shell("ask", "--member", ME, "--id-type", "resident_id", "--id-no", wrong)
    assert (ran.code, ran.told[:5]) == (2, "H0801")
    assert "E1101" in ran.told
    assert wrong not in ran.told + ran.out


def test_a_suspended_member_may_not_ask(shell: Shell) -> None:
    """Asking is for those in good standing: the answer is a code, and nothing was looked up."""
    shell("members", "suspend", ME)
    result = shell("ask", "--member", ME, "--id-type", "resident_id", "--id-no", resident_id(1))
    assert result.code == 2
    assert "H0805" in result.told
    shell("members", "resume", ME)
    assert shell("ask", "--member", ME, "--id-type", "resident_id", "--id-no", resident_id(1)).code == 0

"""Lists that people send through the command line, and the files it leaves: read or told why, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from night_world import ready
from sqlalchemy import text
from test_night_cli import ME, Shell, book

from huxin.registry.session import connection
from huxin.settings import Settings
from support.rows import resident_id, write_submission

ENCODINGS = ("utf-8", "utf-8-sig", "gb18030")


@pytest.fixture
def shell(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    ready(settings)
    monkeypatch.setenv("HUXIN_HOME", str(settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("HUXIN_NOW", settings.now().isoformat())
    monkeypatch.setenv("HUXIN_LANG", "zh")
    return Shell(monkeypatch, capsys)


def on_record(settings: Settings) -> int:
    with connection(settings) as database:
        return int(database.execute(text("SELECT count(*) FROM outbox")).scalar_one())


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_list_of_members_is_read_as_a_spreadsheet_saves_it(
    shell: Shell, tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "list.csv").write_text("code,name\nM0010,蓟州惠农小额贷款\n", encoding=encoding)
    assert shell("members", "import", tmp_path / "list.csv").code == 0
    named = {each["code"]: each["name"] for each in shell("members", "list", "--json").lines}
    assert named["M0010"] == "蓟州惠农小额贷款"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_file_of_questions_is_read_as_a_spreadsheet_saves_it(
    shell: Shell, tmp_path: Path, encoding: str
) -> None:
    write_submission(tmp_path / "inbox", ME, book())
    shell("night", tmp_path / "inbox")
    asked, out = tmp_path / "ids.csv", tmp_path / "answers.jsonl"
    asked.write_text(f"id_type,id_no,name\n居民身份证,{resident_id(7)},王明\n", encoding=encoding)
    assert shell("ask", "--member", ME, "--file", asked, "--out", out).code == 0
    assert json.loads(out.read_text(encoding="utf-8"))["lenders"] == 1
    assert out.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\0\xff\x81", b"code,id_type,id_no,name\n" + b"x" * 200_000 + b",y\n"]
)
def test_what_is_no_list_is_told_and_changes_nothing(
    shell: Shell, settings: Settings, tmp_path: Path, content: bytes
) -> None:
    file, before = tmp_path / "list.csv", on_record(settings)
    file.write_bytes(content)
    for words in (
        ("members", "import", file),
        ("ask", "--member", ME, "--file", file, "--out", tmp_path / "out"),
    ):
        ran = shell(*words)
        assert (ran.code, ran.told[:5]) == (2, "H0706"), ran.told
    assert on_record(settings) == before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["list.csv"]


def test_a_type_that_is_none_is_told_by_its_line_before_anybody_is_asked_about(
    shell: Shell, settings: Settings, tmp_path: Path
) -> None:
    asked, before = tmp_path / "ids.csv", on_record(settings)
    good = f"resident_id,{resident_id(7)}\n"
    asked.write_text("id_type,id_no\n" + good * 6_000 + "驾驶证,1\n" + good, encoding="utf-8")
    ran = shell("ask", "--member", ME, "--file", asked, "--out", tmp_path / "answers.jsonl")
    assert (ran.code, ran.told[:5]) == (2, "H0806")
    assert "6002" in ran.told
    assert on_record(settings) == before
    assert not (tmp_path / "answers.jsonl").exists()


def test_a_file_that_cannot_be_written_is_told_and_leaves_what_was_there(
    shell: Shell, tmp_path: Path
) -> None:
    (said,) = shell("submit", write_submission(tmp_path, ME, book(wrong=[3])), "--member", ME, "--json").lines
    folder = tmp_path / "folder"
    folder.mkdir()
    for place in (tmp_path / "none" / "out", folder):
        for kind in ("json", "csv", "xlsx"):
            ran = shell("findings", said["submission_id"], "--format", kind, "--out", place)
            assert (ran.code, ran.told[:5]) == (2, "H0707"), ran.told
    asked = tmp_path / "ids.csv"
    asked.write_text(f"id_type,id_no\nresident_id,{resident_id(7)}\n", encoding="utf-8")
    ran = shell("ask", "--member", ME, "--file", asked, "--out", tmp_path / "none" / "out")
    assert (ran.code, ran.told[:5]) == (2, "H0707")
    assert list(folder.iterdir()) == []
    assert list(tmp_path.glob(".*.tmp")) == []


def test_findings_hold_people_in_clear_and_are_for_their_owners_eyes(shell: Shell, tmp_path: Path) -> None:
    (said,) = shell("submit", write_submission(tmp_path, ME, book(wrong=[3])), "--member", ME, "--json").lines
    for kind in ("csv", "xlsx"):
        out = tmp_path / f"mend.{kind}"
        assert shell("findings", said["submission_id"], "--format", kind, "--out", out).code == 0
        assert out.stat().st_mode & 0o077 == 0

"""How the tool speaks: bars on terminals of any encoding, settings with paths of Windows, JSON for programs."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from huxin_edge import cli, keys, say
from huxin_edge.say import Voice
from huxin_edge.settings import read_settings, store
from huxin_edge.submitting import form
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hpke import new_key_pair
from huxin_privacy.sealed_submission import facts_of, sealed_blocks
from huxin_privacy.sealing_key import SealingKey


class Screen(io.TextIOWrapper):
    """A terminal of an encoding."""

    def __init__(self, encoding: str, terminal: bool = True) -> None:
        self.raw_bytes = io.BytesIO()
        super().__init__(self.raw_bytes, encoding=encoding, errors="replace")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def shown(self) -> str:
        self.flush()
        return self.raw_bytes.getvalue().decode(self.encoding)


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "ascii"])
def test_a_bar_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setattr(say, "_EVERY_S", 0)
    screen = Screen(encoding)
    monkeypatch.setattr(sys, "stderr", screen)
    with Voice("zh").bar("上传", "sending", 200) as progress:
        for _ in range(4):
            progress(50)
    drawn = screen.shown().split("\r")
    assert drawn[1].endswith("[######..................]  25%")
    assert drawn[-1].rstrip("\n").endswith("[########################] 100%")
    assert drawn[1].startswith("上传" if encoding != "ascii" else "??")


def test_a_bar_without_a_total_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(say, "_EVERY_S", 0)
    screen = Screen("gbk")
    monkeypatch.setattr(sys, "stderr", screen)
    with Voice("en").bar("校验", "checking") as progress:
        progress(150_000)
    assert screen.shown() == "\rchecking 150,000" * 2 + "\n"


def test_nothing_is_drawn_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen("utf-8", terminal=False)
    monkeypatch.setattr(sys, "stderr", screen)
    with Voice("en").bar("上传", "sending", 10) as progress:
        progress(10)
    assert screen.shown() == ""


def test_json_is_ascii_where_the_console_is_not_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, wanted in (("gbk", '{"a": "\\u9f98\\ud83d\\ude00"}'), ("utf-8", '{"a": "龘😀"}')):
        screen = Screen(encoding)
        monkeypatch.setattr(sys, "stdout", screen)
        Voice("zh").data({"a": "龘😀"})
        assert screen.shown() == wanted + "\n"
        assert json.loads(screen.shown()) == {"a": "龘😀"}


def test_paths_of_windows_are_kept_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "huxin-edge.toml"
    store(file, url="https://a", ca_file="C:\\证书\\new\\ca.pem")
    store(file, member="M0001", language="zh")
    found = read_settings(file, {"member": "M0002"}, {"HUXIN_EDGE_URL": "https://b"})
    assert (found.url, found.member, found.language) == ("https://b", "M0002", "zh")
    assert str(found.ca_file).endswith("C:\\证书\\new\\ca.pem")

    def other_drive(*_: object) -> str:
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    monkeypatch.setattr("os.path.relpath", other_drive)
    assert keys._seen_from(tmp_path, Path("k.pem")) == str(Path("k.pem").absolute())


def test_a_fault_of_the_program_is_told_without_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def falls_over(*_: object) -> None:
        raise ValueError("11010519491231002X is not good")

    monkeypatch.setattr(cli.sealing, "required_manifest", falls_over)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["seal", "f.csv"]) == 1
    said = capsys.readouterr().err
    assert "P0194" in said and "ValueError" in said and "sealing.seal" in said
    assert "11010519491231002X" not in said


def test_a_name_that_is_no_utf_8_is_sent_and_sealed(tmp_path: Path) -> None:
    name = b"\xce\xe5\xd4\xc2.csv".decode("utf-8", "surrogateescape")
    facts = facts_of(io.BytesIO(b"x"), "M0001", name, "loan/v1")
    assert b"".join(sealed_blocks(io.BytesIO(b"x"), facts, SealingKey(new_key_pair().public)))
    body = form(b"{}", name, 1, iter((b"x",)))
    assert len(b"".join(body.blocks)) == body.length


@pytest.mark.parametrize("content", [b"url = 1", b"nothing = 'x'", b"= =", b"\xff\xfe"])
def test_a_malformed_settings_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.toml").write_bytes(content)
    with pytest.raises(PrivacyError, match="P0191"):
        read_settings(tmp_path / "s.toml", {}, {})


def test_a_settings_file_of_a_spreadsheets_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(b'\xef\xbb\xbfmember = "M0001"\r\n')
    assert read_settings(tmp_path / "s.toml", {}, {}).member == "M0001"

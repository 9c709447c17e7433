"""What the set-up of browser tests says where the browser or Chinese letters are not there, and it may not install."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "requirements" / "browser.sh"
TOOLS = ("sh", "find", "head")
FONT = "echo '/usr/share/fonts/NotoSansCJK-Regular.ttc:'"


def said(folder: Path, **commands: str) -> str:
    """What it prints, where nothing but these commands (and no apt-get) is on the path."""
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    for name, body in commands.items():
        file = folder / name.replace("_", "-")
        file.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        file.chmod(0o755)
    environ = {"PATH": str(folder), "HOME": str(folder)}
    done = subprocess.run(
        ["sh", str(SCRIPT)], env=environ, capture_output=True, encoding="utf-8", check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_nothing_is_said_where_both_are_there(tmp_path: Path) -> None:
    assert said(tmp_path, chromium="exit 0", fc_list=FONT) == ""


def test_a_browser_without_chinese_letters_is_told_of(tmp_path: Path) -> None:
    told = said(tmp_path, chromium="exit 0", fc_list="exit 0")
    assert "没有中文字体" in told and "no Chinese font" in told
    assert "fonts-noto-cjk" in told and "chromium" not in told


@pytest.mark.parametrize(("fonts", "letters"), [(FONT, True), ("exit 0", False)])
def test_no_browser_is_told_of_with_what_else_is_missing(tmp_path: Path, fonts: str, letters: bool) -> None:
    told = said(tmp_path, fc_list=fonts)
    assert "chromium" in told
    assert ("fonts-noto-cjk" in told) is not letters


def test_letters_are_found_by_their_files_where_no_list_is(tmp_path: Path) -> None:
    own = tmp_path / ".local" / "share" / "fonts"
    own.mkdir(parents=True)
    (own / "wqy-microhei.ttc").touch()
    assert said(tmp_path, chromium="exit 0") == ""


def test_what_is_missing_and_cannot_be_installed_stops_only_where_no_browser_is(tmp_path: Path) -> None:
    """As root with an apt-get that reaches nothing: without letters the tests can run, and are told so."""
    commands = {"apt_get": "exit 100", "id": "echo 0", "fc_list": "exit 0"}
    assert "没有中文字体" in said(tmp_path, chromium="exit 0", **commands)
    (tmp_path / "chromium").unlink()
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(["sh", str(SCRIPT)], env=environ, capture_output=True, check=False, timeout=120)
    assert done.returncode != 0
    assert b"chromium fonts-noto-cjk" in done.stderr

"""`huxin db start|status|stop` say in words what is."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from huxin.cli import app
from huxin.registry import embedded
from huxin.settings import Settings


def said(home: Path, word: str, language: str) -> str:
    environment = {"HUXIN_HOME": str(home), "HUXIN_LANG": language, "HUXIN_DATABASE_URL": ""}
    done = CliRunner().invoke(app, ["db", word], env=environment)
    assert done.exit_code == 0, done.output
    return "".join(done.output.split())  # lines are broken where the terminal ends


@pytest.mark.parametrize(
    ("language", "at_rest", "at_work"), [("zh", "没有在运行", "正在运行"), ("en", "notrunning", "running")]
)
def test_the_server_is_told_of_in_words(tmp_path: Path, language: str, at_rest: str, at_work: str) -> None:
    data = str(tmp_path / "postgres" / "data")
    try:
        assert said(tmp_path, "status", language).startswith(at_rest)
        told = said(tmp_path, "start", language)
        assert told.startswith(at_work)
        assert data in told
        assert said(tmp_path, "status", language) == told
        said(tmp_path, "stop", language)
        assert said(tmp_path, "status", language).startswith(at_rest)
    finally:
        embedded.stop(Settings(home=tmp_path))

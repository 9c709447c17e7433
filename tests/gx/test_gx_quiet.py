"""Great Expectations in a process of its own: nothing written, nobody called, nothing said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WATCHED = """
import os, sys
wrote, called = [], []
def hook(event, args):
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        wrote.append(str(args[0]))
    if event in ("os.mkdir", "os.rename"):
        wrote.append(str(args[0]))
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
        called.append(str(args))
sys.addaudithook(hook)
import warnings
shown_by = warnings.showwarning
import polars as pl
from huxin.nightly.gx.run import run_suite, load_suite
suite = load_suite("set")
rules = {e.rule: {"n": pl.col("n") > 1} for e in suite.expectations}
hits = run_suite(pl.DataFrame({"n": [1, 2]}), suite, rules)
assert [h.rows.tolist() for h in hits] == [[1]] * len(rules)
assert warnings.showwarning is shown_by, "warnings are diverted"
assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
assert not called, called
wrote = [path for path in wrote if path != os.devnull and "__pycache__" not in path]
assert not wrote, wrote
"""


def _run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    home.mkdir()
    (folder / "cwd").mkdir()
    environment = {**os.environ, "HOME": str(home), "GX_ANALYTICS_ENABLED": "true"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "default::ResourceWarning"}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=folder / "cwd", env=environment, capture_output=True, text=True, check=False
    )


def test_a_validation_leaves_no_trace(tmp_path: Path) -> None:
    done = _run(WATCHED, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["cwd", "home"]


def test_rules_can_be_written_without_waiting_for_great_expectations(tmp_path: Path) -> None:
    code = "import sys, huxin_checks.hits, huxin_checks.evaluate\n"
    done = _run(code + "assert 'great_expectations' not in sys.modules", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")

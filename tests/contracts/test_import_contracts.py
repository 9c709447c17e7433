"""The import contracts hold for this tree, and each of them fails when it is breached."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
LINT = "from importlinter.cli import lint_imports_command as run; run()"

BREACHES = {
    "layers": ("platform/huxin/registry/tables.py", "from huxin import nightly"),
    "exhaustive": ("platform/huxin/somewhere.py", '"""A room without a layer."""'),
    "privacy-alone": ("privacy/src/huxin_privacy/tokens.py", "import huxin.errors"),
    "one-wheel": ("privacy/src/huxin_checks/finding.py", "import huxin.errors"),
    "tool-and-platform": ("platform/huxin/ids.py", "import huxin_edge"),
    "checks-alone": ("privacy/src/huxin_checks/evaluate.py", "import great_expectations"),
    "sql-in-registry": ("platform/huxin/nightly/report.py", "from sqlalchemy import text"),
    "drivers-in-registry": ("platform/huxin/nightly/report.py", "import psycopg"),
    "gx-in-its-room": ("platform/huxin/nightly/load.py", "import great_expectations"),
    "airflow-in-dags": ("platform/huxin/nightly/load.py", "from airflow.sdk import task"),
    "web-in-its-rooms": ("platform/huxin/nightly/receive.py", "from flask import request"),
}
BROKEN = {
    "layers": "Commands over steps, steps over the registry, the registry over plain values",
    "exhaustive": "Commands over steps, steps over the registry, the registry over plain values",
    "privacy-alone": "huxin_privacy stands alone",
    "one-wheel": "The member's tool over checks over identifiers, the platform beside the tool",
    "tool-and-platform": "The member's tool over checks over identifiers, the platform beside the tool",
    "checks-alone": "Checks know no registry",
    "sql-in-registry": "SQL and its drivers only in registry",
    "drivers-in-registry": "SQL and its drivers only in registry",
    "gx-in-its-room": "Great Expectations only in nightly.gx",
    "airflow-in-dags": "Airflow only in dags/",
    "web-in-its-rooms": "Flask only in api and console",
}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "PYTHONPATH": f"{tree / 'platform'}{os.pathsep}{tree / 'privacy' / 'src'}",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-c", LINT, "--no-cache"]
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(TREE / "platform", tmp_path / "platform", ignore=skip)
    shutil.copytree(TREE / "privacy" / "src", tmp_path / "privacy" / "src", ignore=skip)
    shutil.copy(TREE / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_keeps_every_contract(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("breach", BREACHES)
def test_a_planted_breach_is_found(copy: Path, breach: str) -> None:
    path, line = BREACHES[breach]
    target = copy / path
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    target.write_text(f"{before}\n{line}\n", encoding="utf-8")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{BROKEN[breach]} BROKEN" in done.stdout

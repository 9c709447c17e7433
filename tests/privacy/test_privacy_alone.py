"""huxin_privacy stands alone: without numba, and without anything of the platform."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import huxin_privacy

SOURCE = Path(huxin_privacy.__file__).parent
BLOCKED = ["huxin", "numba", "llvmlite", "rbcl", "polars", "pandas", "flask", "sqlalchemy", "airflow", "yaml"]
ALLOWED = {
    "hvac",
    "cryptography",
    "numpy",
    "pyarrow",
    "huxin_privacy",
    "numba",
    "llvmlite",
    "rbcl",
    "typing_extensions",
}

ALONE = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
import importlib, pkgutil, huxin_privacy
for module in pkgutil.iter_modules(huxin_privacy.__path__):
    if not module.name.endswith("_kernel"):
        importlib.import_module("huxin_privacy." + module.name)
import pyarrow as pa
from huxin_privacy import fast, tokens
column = pa.array([str(n) for n in range(21_000)])
for suite in (tokens.S256, tokens.SM):
    assert not fast.available(suite)
    found = tokens.halves(bytes(32), "t", column, suite=suite)
    assert found[7].tobytes() == tokens.half(bytes(32), "t", "7", suite=suite)
print("alone")
"""

LAZY = """
import sys, huxin_privacy.identifiers, huxin_privacy.tokens, huxin_privacy.vault, huxin_privacy.keyring
assert "numba" not in sys.modules
"""

# numba checks every index: what would else be a silent write beside a buffer is an error here.
CHECKED = """
import numpy as np, pyarrow as pa
from huxin_privacy import fast, hashing
from huxin_privacy.suites import S256, SM
assert fast.available(S256) and fast.available(SM)
texts = pa.array(["7" * length for length in range(200)])
for width in (0, 1, 16, 53, 54, 55, 61, 62, 63, 64, 65, 127, 128, 130):
    for measured in (True, False):
        messages = hashing.Messages(np.ones((1, width), np.uint8), measured, texts)
        for suite in (S256, SM):
            wanted = hashing.reference(suite, bytes(32), messages)
            assert (hashing.compiled(suite, bytes(32), messages) == wanted).all()
print("checked")
"""


def run(script: str, **environment: str) -> str:
    environment["PYTHONPATH"] = str(SOURCE.parent)  # this very tree, wherever another one is installed
    ended = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_it_runs_without_numba_and_the_platform() -> None:
    assert run(ALONE) == "alone"


def test_numba_is_loaded_only_when_it_pays() -> None:
    run(LAZY)


def test_the_compiled_way_stays_within_its_buffers(tmp_path: Path) -> None:
    assert run(CHECKED, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)) == "checked"


def test_only_the_declared_packages_are_imported() -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert top in ALLOWED or top in sys.stdlib_module_names, f"{path.name} imports {name}"

"""libsodium as it comes with rbcl: loaded once, nothing left behind, and a clear word where it is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LEFT = """
import os, sys, tempfile
from huxin_privacy import blind
assert blind.available()
assert blind.element(bytes([1] + [0] * 31), b"x")
print(len(os.listdir(tempfile.gettempdir())))
"""
MISSING = """
import sys
sys.modules["rbcl"] = None
from huxin_privacy import blind
from huxin_privacy.errors import PrivacyError
assert not blind.available()
try:
    blind.element(bytes(32), b"x")
except PrivacyError as error:
    print(error.code, "huxin-privacy[blind]" in error.text("zh") and "huxin-privacy[blind]" in error.text("en"))
"""
LAZY = "import sys, huxin_privacy.blind; print('rbcl' in sys.modules)"


def run(script: str, **more: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, env=os.environ | more
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_no_copy_of_the_library_stays_in_the_temporary_folder(tmp_path: Path) -> None:
    assert run(LEFT, TMPDIR=str(tmp_path)) == "0"


def test_without_rbcl_the_word_is_what_to_install() -> None:
    assert run(MISSING) == "P0160 True"


def test_it_is_loaded_when_it_is_needed_only() -> None:
    assert run(LAZY) == "False"

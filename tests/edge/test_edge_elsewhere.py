"""The tool where things are not as here: on Windows, with only its base packages, with a huge file, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from edge_tool import Tool

from huxin_privacy.hpke import new_key_pair
from huxin_privacy.sealing_key import SealingKey
from support.rows import loan, write_submission

ME = "M0001"
KEY = SealingKey(new_key_pair().public).text

WITHOUT = """
import os, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ABSENT:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
for name in ABSENT:
    sys.modules.pop(name, None)
"""
# What Python has not on Windows, as far as anything here could use it.
WINDOWS = (
    """
ABSENT = ("fcntl", "pwd", "grp", "resource", "termios")
"""
    + WITHOUT
    + """
for name in ("fchmod", "fchown", "pread", "pwrite", "O_DIRECTORY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "fork"):
    if hasattr(os, name):
        delattr(os, name)
"""
)
EVERYTHING = """
import importlib, pkgutil, huxin_edge, huxin_checks, huxin_privacy.blind
for package in (huxin_edge, huxin_checks):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name != "huxin_edge.__main__":
            importlib.import_module(module.name)
"""
FLOW = """
from huxin_edge.cli import main
def run(expect, *words):
    code = main([*words])
    assert code == expect, (words, code)
run(0, "--member", "M0001", "keys", "new")
run(2, "--member", "M0001", "keys", "new")
run(0, "set", "key_id", "1")
run(0, "manifest", "loans.csv", "--as-of", "2026-05-31")
run(0, "check", "loans.csv", "--out", "found.csv")
run(0, "seal", "loans.csv", "--to", KEY)
"""


def python(folder: Path, script: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def data(folder: Path, count: int = 20) -> Path:
    """A file without a manifest."""
    made = write_submission(folder, ".", [loan(ME, n) for n in range(1, count + 1)], file_name="loans.csv")
    made.with_name("loans.csv.manifest.json").unlink()
    return made


def test_on_windows(tmp_path: Path) -> None:
    data(tmp_path)
    python(tmp_path, f"{WINDOWS}{EVERYTHING}KEY = {KEY!r}\n{FLOW}")
    assert (tmp_path / "loans.csv.sealed").stat().st_size > (tmp_path / "loans.csv").stat().st_size


def test_without_what_only_checking_needs(tmp_path: Path) -> None:
    """Sealing, sending, asking and receipts need the base packages; whoever checks is told what to install."""
    data(tmp_path)
    flow = """
from huxin_edge.cli import main
assert main(["--member", "M0001", "keys", "new"]) == 0
assert main(["check", "loans.csv"]) == 2
assert main(["--member", "M0001", "manifest", "loans.csv"]) == 2
assert main(["receipt", "verify", "none.json", "--log-key", "+"]) == 2
from huxin_edge import Huxin, Question
"""
    python(tmp_path, f'ABSENT = ("polars", "yaml", "python_calamine")\n{WITHOUT}{flow}')


def test_a_file_is_sealed_a_chunk_at_a_time(tmp_path: Path) -> None:
    """160 MiB in a process that may grow by less than half of it."""
    big = tmp_path / "big.csv"
    with big.open("wb") as target:
        for _ in range(160):
            target.write(b"x" * (1 << 20))
    script = """
import io, resource
from pathlib import Path
from huxin_edge.sealing import _write, counted
from huxin_privacy.sealed_submission import facts_of, open_sealed
from huxin_privacy.hpke import new_key_pair
from huxin_privacy.sealing_key import SealingKey
pair = new_key_pair()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open("big.csv", "rb") as source:
    facts = facts_of(source, "M0001", "big.csv", "loan/v1")
    _write(Path("big.sealed"), counted(source, facts, SealingKey(pair.public), lambda done: None))
with open("big.sealed", "rb") as stored:
    opened = open_sealed(iter(lambda: stored.read(1 << 20), b""), lambda id_: pair.private)
    assert sum(map(len, opened.blocks)) == 160 << 20
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
assert grown < 60_000, grown
"""
    python(tmp_path, script)


def test_a_kill_leaves_no_half_sealed_file(tmp_path: Path) -> None:
    tool = Tool(tmp_path)
    file = data(tmp_path, 50)
    tool.run("--member", ME, "manifest", file.name, "--as-of", "2026-05-31")
    content = file.read_bytes()
    file.write_bytes(content + b" " * (300 << 20))
    process = subprocess.Popen(
        [sys.executable, "-m", "huxin_edge", "seal", file.name, "--to", KEY], cwd=tmp_path
    )
    until = time.monotonic() + 180
    while not list(tmp_path.glob(".loans.csv.sealed.*")) and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "loans.csv.sealed").exists()
    file.write_bytes(content)
    tool.run("seal", file.name, "--to", KEY)
    assert (tmp_path / "loans.csv.sealed").exists()


@pytest.mark.parametrize(
    "words", [("seal", "{}", "--to", KEY, "--out", "{}"), ("seal", "loans.csv", "--to", KEY[:-3])]
)
def test_nothing_is_done_by_halves(tmp_path: Path, words: tuple[str, ...]) -> None:
    file = data(tmp_path)
    tool = Tool(tmp_path)
    tool.run("--member", ME, "manifest", file.name, "--as-of", "2026-05-31")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    tool.run(*(word.format("loans.csv") for word in words), expect=2)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_key_may_come_as_the_file_it_was_kept_in(tmp_path: Path) -> None:
    file, tool = data(tmp_path), Tool(tmp_path)
    tool.run("--member", ME, "manifest", file.name, "--as-of", "2026-05-31")
    (tmp_path / "keys.txt").write_text(f"{KEY}\n{KEY[:-3]}\n", encoding="utf-8")
    tool.run("seal", file.name, "--to", "keys.txt")
    assert (tmp_path / "loans.csv.sealed").exists()
    tool.run("seal", "nowhere.csv", "--to", KEY, expect=2)
    assert "P0183" in tool.said, "it is the file that is missing, whatever lies beside it"


def test_what_is_rejected_is_shown_before_warnings(tmp_path: Path) -> None:
    """A high rate at every row, and the last one without its number: the screen holds forty lines."""
    file, tool = data(tmp_path, 60), Tool(tmp_path)
    rows = [line.split(",") for line in file.read_text(encoding="utf-8").splitlines()]
    rate, number = rows[0].index("annual_rate"), rows[0].index("loan_no")
    for row in rows[1:]:
        row[rate] = "30.00"
    rows[-1][number] = ""
    file.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    shown = tool.run("--member", ME, "check", file.name, "--as-of", "2026-05-31", expect=3).splitlines()
    assert shown[0].startswith("E1001 line 61 loan_no ")
    assert {line.split()[0] for line in shown[1:]} >= {"W3401"}

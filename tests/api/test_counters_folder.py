"""The folder of a server's counters: its own, gone afterwards, and gone as well when the server was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from huxin.api.counters_folder import counters_folder

HOLD = """
import os, sys, time
from huxin.api.counters_folder import counters_folder
with counters_folder() as folder:
    if os.fork() == 0:
        time.sleep(600)
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    tempfile.tempdir = None


def grown_old(folder: Path) -> Path:
    os.utime(folder, (0, 0))
    return folder


def test_it_is_there_while_it_is_wanted(place: Path) -> None:
    with counters_folder() as folder:
        (folder / "counter_1.db").write_bytes(b"1")
        assert (folder.parent, folder.stat().st_mode & 0o077) == (place, 0)
        grown_old(folder)
        with counters_folder() as other:
            assert folder.exists() and other != folder, "somebody has it"
    assert list(place.iterdir()) == []


def test_that_of_a_killed_server_goes_with_the_next_one(place: Path) -> None:
    held = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, start_new_session=True)
    assert held.stdout is not None
    try:
        folder = grown_old(Path(held.stdout.readline().decode().strip()))
        held.kill()
        held.wait()
        with counters_folder():
            assert folder.exists(), "a worker of it still lives"
    finally:
        os.killpg(held.pid, 9)
    held.stdout.read()  # until the worker has ended too; its lock may go a moment after its output
    until = time.monotonic() + 120
    while folder.exists():
        assert time.monotonic() < until
        with counters_folder():
            pass


def test_what_is_not_forsaken_stays(place: Path) -> None:
    young, file = place / "huxin-counters-young", place / "huxin-counters-file"
    young.mkdir()
    file.write_bytes(b"")
    beyond, link = place / "beyond", place / "huxin-counters-link"
    beyond.mkdir()
    link.symlink_to(beyond)
    grown_old(file), grown_old(beyond)
    with counters_folder():
        pass
    assert {each.name for each in place.iterdir()} == {young.name, file.name, "beyond", link.name}

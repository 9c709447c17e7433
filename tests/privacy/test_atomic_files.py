"""Files written at one stroke: killed at each step, the old or the new one is there, never a part."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from huxin_privacy.files import write_atomic

# Kills itself just before or after the n-th call of a step.
KILLED = """
import os, signal, sys
from pathlib import Path
from huxin_privacy.files import write_atomic
path, owner, name, after = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4] == "after"
holder = os if owner == "os" else Path
step = getattr(holder, name)
def stop(*given, **named):
    if after:
        step(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(holder, name, stop)
write_atomic(path, b"new" * 100_000)
"""


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), [("os", "fchmod"), ("os", "fsync"), ("Path", "replace")])
def test_killed_at_each_step(tmp_path: Path, owner: str, name: str, moment: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path), owner, name, moment], check=False)
    assert ended.returncode == -signal.SIGKILL
    new = (name, moment) == ("replace", "after")
    assert path.read_bytes() == (b"new" * 100_000 if new else b"old")


def test_killed_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "f"
    script = (
        "import sys; from pathlib import Path; from huxin_privacy.files import write_atomic\n"
        "for n in range(10**9): write_atomic(Path(sys.argv[1]), bytes([65 + n % 26]) * 300_000, fsync=False)"
    )
    for round_ in range(4):
        child = subprocess.Popen([sys.executable, "-c", script, str(path)])
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.03 * round_)
        child.kill()
        child.wait()
        content = path.read_bytes()
        assert len(content) == 300_000
        assert len(set(content)) == 1
        path.unlink()


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.mkdir()
    with pytest.raises(OSError, match="f"):
        write_atomic(path, b"1")
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_without_replace_the_first_stays(tmp_path: Path) -> None:
    write_atomic(tmp_path / "f", b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_atomic(tmp_path / "f", b"second", replace=False)
    assert (tmp_path / "f").read_bytes() == b"first"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_mode_is_the_owners_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_atomic(tmp_path / "f", b"1")
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600

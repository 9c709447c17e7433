"""The commands beside the server get the whole environment, whatever the server does to its own meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from huxin.api.beside import run_apart

# granian names its process with setproctitle, whose first call wipes, for a moment, the environment that the C library
# holds and hands to children: here it stays wiped.
SERVER = """
import ctypes, sys
from huxin.api.beside import Beside

child = Beside(("audit", "sequence"), python=sys.argv[1])
ctypes.CDLL(None).clearenv()
child.start()
sys.stdin.read()
child.stop()
"""
CHILD = """#!{python} -S
import os, time
print(os.environ.get("HUXIN_HOME", "nothing"), flush=True)
time.sleep(60)
"""


def test_the_environment_of_a_child_is_whole(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(CHILD.format(python=sys.executable))
    child.chmod(0o700)
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(child)],
        env={**os.environ, "HUXIN_HOME": "/home/of/ours"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None and server.stdin is not None
        assert server.stdout.readline() == "/home/of/ours\n"
        server.stdin.close()


@pytest.mark.parametrize(("words", "code"), [(("--help",), 0), (("no-such-command",), 2)])
def test_a_command_run_to_its_end_gives_its_exit_code(words: tuple[str, ...], code: int) -> None:
    assert run_apart(words) == code

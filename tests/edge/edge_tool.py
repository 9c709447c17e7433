"""`huxin-edge` as a clerk runs it: a process of its own, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Tool:
    """The command in `folder`; what it said last is kept."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    out: bytes = b""
    err: bytes = b""

    def run(self, *words: str, expect: int = 0, given: bytes = b"", timeout: float = 120.0) -> str:
        """Runs a command and gives its standard output. AssertionError when it ends otherwise than expected."""
        done = subprocess.run(
            [sys.executable, "-m", "huxin_edge", *words],
            cwd=self.folder,
            env=self._surroundings(),
            input=given,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        self.out, self.err = done.stdout, done.stderr
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert done.returncode == expect, f"{done.returncode}: {said}"
        assert b"Traceback" not in done.stderr, said
        return done.stdout.decode("utf-8", "replace")

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Begins a command whose end is awaited elsewhere."""
        return subprocess.Popen(
            [sys.executable, "-m", "huxin_edge", *words],
            cwd=self.folder,
            env=self._surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def _surroundings(self) -> dict[str, str]:
        """Ours, less what says of a platform or a language here."""
        ours = ("HUXIN_", "LC_", "LANG")
        plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return plain | {"LANG": "en_US.UTF-8", "PYTHONUTF8": "1"} | self.environment

    def json(self, *words: str, expect: int = 0, **more: Any) -> Any:
        """The last line of what a command says as JSON."""
        return json.loads(self.run(*words, "--json", expect=expect, **more).splitlines()[-1])

    @property
    def said(self) -> str:
        """What it told people."""
        return self.err.decode("utf-8", "replace")

"""A HUXIN_HOME of the bench's own: server, keys and members, made by the commands that people use."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg

from huxin.registry import embedded
from huxin.settings import Settings

_HUXIN = [sys.executable, "-c", "from huxin.cli import main; main()"]
_BLOCK = 8 << 20
_WORKER = [sys.executable, "-m", "nightbench.worker"]


@dataclass(frozen=True)
class Measured:
    """One night in a process of its own: seconds of night, imports and stages; peak memory in MiB.

    `peaks` is the greatest so far at the end of each step: where it rises is where the memory goes.
    """

    seconds: float
    imports: float
    stages: dict[str, float]
    peak_mib: float
    peaks: dict[str, float]


@contextmanager
def fresh_home(path: Path, members: tuple[str, ...]) -> Iterator[Path]:
    """A new home with a running embedded server and these members; stopped afterwards.

    The server's log is as long as it stays (`write_log_ahead`).

    It is `clear_homes` that removes it, at the end of the whole bench: ext4 passes over each inode that was freed in
    the last minutes whenever it makes a file, so a home removed just before costs a night of many files seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _run([*_HUXIN, "init"], path, None)
        listing = path / "members.csv"
        with listing.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("code", "name"), *((code, f"会员 {code}") for code in members)])
        _run([*_HUXIN, "members", "import", str(listing)], path, None)
        write_log_ahead(server_uri(path))
        yield path
    finally:
        embedded.stop(Settings(home=path))


def write_log_ahead(uri: str) -> None:
    """Writes as much log as the server keeps files for, `min_wal_size`, and has it use them again.

    A new server makes each of them while somebody waits: the night, and not the COPY behind it.
    """
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_logical_emit_message(false, 'bench', repeat('x', %(block)s))"
            " FROM generate_series(0, pg_size_bytes(current_setting('min_wal_size')) / %(block)s)",
            {"block": _BLOCK},
        )
        connection.execute("CHECKPOINT")


def clear_homes(root: Path) -> None:
    """Stops and removes every home that a bench has left below `root`."""
    for home in root.glob("home-*"):
        embedded.stop(Settings(home=home))
        shutil.rmtree(home, ignore_errors=True)


def night(home: Path, inbox: Path, as_of: date) -> Measured:
    """Runs one night in a new process, right after a checkpoint; what other homes left to be written is written."""
    with psycopg.connect(server_uri(home), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    os.sync()
    printed = _run([*_WORKER, str(inbox)], home, as_of)
    return Measured(**json.loads(printed.splitlines()[-1]))


def outcomes(home: Path, as_of: date) -> list[dict[str, object]]:
    """What `huxin submissions --json` tells of every submission."""
    return [json.loads(line) for line in _run([*_HUXIN, "submissions", "--json"], home, as_of).splitlines()]


def history_rows(home: Path) -> int:
    """How many versions have been superseded so far."""
    with psycopg.connect(server_uri(home)) as connection:
        found = connection.execute("SELECT count(*) FROM loan_history").fetchone()
    return int(found[0]) if found else 0


def server_uri(home: Path) -> str:
    """libpq's address of the home's registry."""
    return embedded.ensure_started(Settings(home=home)).uri()


def _run(command: list[str], home: Path, as_of: date | None) -> str:
    env = {key: value for key, value in os.environ.items() if not key.startswith("HUXIN_")}
    # The code of another working tree is measured where PYTHONPATH names it.
    paths = [str(Path(__file__).parents[1]), *filter(None, [env.get("PYTHONPATH")])]
    env |= {"HUXIN_HOME": str(home), "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}
    if as_of:
        env["HUXIN_NOW"] = f"{as_of.isoformat()}T22:00:00+08:00"
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        raise SystemExit(f"{done.stderr}\n{' '.join(command[2:])} ended with {done.returncode}")
    return done.stdout

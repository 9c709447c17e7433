"""What the night is compared with: a bare COPY of the loaded rows, sorted, into an empty table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psycopg

_KEY = "subject_id, member_id, loan_no"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Reference:
    """How many rows, and the seconds of COPY and commit of each run by format (text, binary)."""

    rows: int
    runs: dict[str, list[float]]


def measure_copy(uri: str, folder: Path, runs: int = 3) -> Reference:
    """Copies table `loan` out in the order of its key, then back into `LIKE loan INCLUDING ALL`, logged.

    The first run of each format does not count: what it has to fetch, as memory of a virtual machine's host, the
    others find there.
    """
    seconds: dict[str, list[float]] = {"text": [], "binary": []}
    with psycopg.connect(uri, autocommit=True) as connection:
        rows = {form: _export(connection, folder / f"loan.{form}", form) for form in seconds}
        for turn in range(1 + runs):
            for form, taken in seconds.items():
                run = _timed(connection, folder / f"loan.{form}", form, rows[form])
                if turn:
                    taken.append(run)
        connection.execute("DROP TABLE IF EXISTS bench_loan")
    return Reference(rows["text"], seconds)


def _export(connection: psycopg.Connection, path: Path, form: str) -> int:
    cursor = connection.cursor()
    statement = f"COPY (SELECT * FROM loan ORDER BY {_KEY}) TO STDOUT (FORMAT {form})"  # noqa: S608  # names of our own
    with path.open("wb") as file, cursor.copy(statement) as copy:
        for block in copy:
            file.write(block)
    return cursor.rowcount


def _timed(connection: psycopg.Connection, path: Path, form: str, rows: int) -> float:
    """One COPY, its commit included; making the table and the checkpoint before it are not."""
    connection.execute("DROP TABLE IF EXISTS bench_loan")
    connection.execute("CREATE TABLE bench_loan (LIKE loan INCLUDING ALL)")
    connection.execute("CHECKPOINT")
    cursor = connection.cursor()
    start = perf_counter()
    with path.open("rb") as file, cursor.copy(f"COPY bench_loan FROM STDIN (FORMAT {form})") as copy:
        while block := file.read(_CHUNK):
            copy.write(block)
    taken = perf_counter() - start
    if cursor.rowcount != rows:
        raise RuntimeError(f"{cursor.rowcount} of {rows} rows came back")
    return taken

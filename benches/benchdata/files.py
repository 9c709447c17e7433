"""Made-up loans as files: CSV with its manifest, and any number of rows in bounded memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl


@dataclass(frozen=True)
class Totals:
    """What a manifest says of the rows; sums in cents, over every cell that is a number."""

    rows: int = 0
    principal: int = 0
    balance: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.rows + other.rows, self.principal + other.principal, self.balance + other.balance)


def totals(frame: pl.DataFrame) -> Totals:
    """Exact sums of made-up rows (their money is digits, a point and two digits, or no number)."""
    cents = [
        pl.when(pl.col(name).str.contains(r"^\d+\.\d\d$"))
        .then(pl.col(name).str.replace(".", "", literal=True))
        .cast(pl.Int64)
        .sum()
        for name in ("principal", "balance")
    ]
    principal, balance = frame.select(cents).row(0)
    return Totals(len(frame), principal, balance)


def write_csv(frame: pl.DataFrame, path: Path) -> Totals:
    """Writes the rows as UTF-8 CSV with machine headers, folders as needed; gives their totals."""
    return write_parts([frame], path)


def write_parts(frames: Iterable[pl.DataFrame], path: Path) -> Totals:
    """Writes frames one after the other into one CSV, holding one of them at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = Totals()
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            frame.write_csv(file, include_header=number == 0)
            whole += totals(frame)
    return whole


def write_manifest(
    path: Path, whole: Totals, member: str, as_of: date, sequence: int = 1, mode: str = "full"
) -> Path:
    """Writes the true manifest beside the data file `path`; gives the manifest's path."""
    content: Mapping[str, object] = {
        "contract": "loan/v1",
        "member": member,
        "as_of_date": as_of.isoformat(),
        "sequence": sequence,
        "mode": mode,
        "record_count": whole.rows,
        "sum_principal": _decimal(whole.principal),
        "sum_balance": _decimal(whole.balance),
        "sha256": _digest(path),
    }
    manifest = path.with_name(path.name + ".manifest.json")
    manifest.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return manifest


def _decimal(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

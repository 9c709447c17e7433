"""The lightest five-tier class that days past due allow, by the version of the table in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl
import yaml

from huxin_checks.contract import Contract
from huxin_checks.paths import schema_root


@dataclass(frozen=True)
class Floor:
    """More days past due than `above_dpd` ask for at least `name`, a label of class5."""

    above_dpd: int
    name: str


@dataclass(frozen=True)
class Version:
    """The floors in force from a day on, in order of `above_dpd`."""

    since: date
    floors: tuple[Floor, ...]


@lru_cache(maxsize=4)
def class_floors(root: Path | None = None) -> tuple[Version, ...]:
    """The versions of classes/five_tier.yaml below `root` (default: the shipped schemas), oldest first."""
    text = ((root or schema_root()) / "classes" / "five_tier.yaml").read_text(encoding="utf-8")
    versions = [
        Version(entry["from"], tuple(_floors(entry["floors"]))) for entry in yaml.safe_load(text)["versions"]
    ]
    return tuple(sorted(versions, key=lambda version: version.since))


def floor(contract: Contract, as_of: pl.Expr, dpd: pl.Expr) -> pl.Expr:
    """The code of the lightest class allowed; null where no version is in force or no floor is reached."""
    codes = {label.name: label.code for label in contract.field("class5").labels}
    lightest: pl.Expr = pl.lit(None, dtype=pl.UInt8)
    for version in class_floors():
        found: pl.Expr = pl.lit(None, dtype=pl.UInt8)
        for step in version.floors:
            found = (
                pl.when(dpd > step.above_dpd).then(pl.lit(codes[step.name], dtype=pl.UInt8)).otherwise(found)
            )
        lightest = pl.when(as_of >= version.since).then(found).otherwise(lightest)
    return lightest


def _floors(entries: list[dict[str, object]]) -> list[Floor]:
    floors = [Floor(int(str(entry["above_dpd"])), str(entry["class"])) for entry in entries]
    return sorted(floors, key=lambda step: step.above_dpd)

"""The bench's inboxes, made once and kept: a first night, the second, a huge file, many small ones."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from generate import Totals, make, many_small, second_night, write_big, write_csv, write_manifest

AS_OF = date(2026, 5, 31)
MEMBER = "M0001"
_SEED = 20_260_531
_DONE = "bench.json"
_SOURCES = Path(__file__).parents[1]


@dataclass(frozen=True)
class Inbox:
    """A folder of submissions; `rejected` rows and `codes` must be found in it, where they are known.

    `changed` rows differ from the night before in business terms (new loans are not among them).
    """

    path: Path
    as_of: date
    rows: int
    members: tuple[str, ...]
    rejected: int | None = None
    codes: dict[str, int] | None = None
    changed: int = 0


def first_and_second(root: Path, rows: int) -> tuple[Inbox, Inbox]:
    """One member's night of so many rows (1 % faulty), and its next night with 3 % changes."""

    def write_both(folder: Path) -> object:
        frame, planted = make(rows, _SEED, MEMBER, AS_OF)
        after, changes = second_night(frame, planted, _SEED, AS_OF)
        return {
            "first": _write(folder / "first", frame, AS_OF).rows,
            "second": _write(folder / "second", after, AS_OF + timedelta(days=1)).rows,
            "codes": dict(planted["code"].value_counts(sort=True).iter_rows()),
            "changed": changes.filter(~pl.col("change").is_in(["new", "max_dpd"]))["record"].n_unique(),
            "rejected": planted.filter(pl.col("code").str.starts_with("E"))["record"].n_unique(),
        }

    folder, facts = _cached(root, f"night-{rows}", write_both)
    return tuple(  # type: ignore[return-value]  # a fixed count of equal parts
        Inbox(folder / name, day, facts[name], (MEMBER,), facts["rejected"], facts["codes"], changed)
        for name, day, changed in (
            ("first", AS_OF, 0),
            ("second", AS_OF + timedelta(days=1), facts["changed"]),
        )
    )


def big(root: Path, rows: int) -> Inbox:
    """One member's single file of so many rows."""

    def write(folder: Path) -> object:
        return {"rows": write_big(folder / "inbox" / MEMBER / _name(AS_OF), rows, _SEED, MEMBER, AS_OF).rows}

    folder, facts = _cached(root, f"big-{rows}", write)
    return Inbox(folder / "inbox", AS_OF, facts["rows"], (MEMBER,))


def small(root: Path, submissions: int, rows: int) -> Inbox:
    """So many members with one file of so many rows each."""

    def write(folder: Path) -> object:
        return {"members": many_small(folder / "inbox", submissions, rows, seed=_SEED, as_of=AS_OF)}

    folder, facts = _cached(root, f"small-{submissions}x{rows}", write)
    return Inbox(folder / "inbox", AS_OF, submissions * rows, tuple(facts["members"]))


def _write(inbox: Path, frame: pl.DataFrame, as_of: date) -> Totals:
    path = inbox / MEMBER / _name(as_of)
    whole = write_csv(frame, path)
    write_manifest(path, whole, MEMBER, as_of)
    return whole


def _name(as_of: date) -> str:
    return f"loans_{as_of:%Y%m%d}.csv"


def _cached(root: Path, name: str, write: Callable[[Path], object]) -> tuple[Path, dict]:  # type: ignore[type-arg]  # JSON as it was written
    """The folder that `write` filled, now or in an earlier run of the same generator, and what it noted."""
    folder = root / "data" / f"{name}-{_generator()}"
    note = folder / _DONE
    if not note.is_file():
        print(f"making {name} ...", flush=True)
        for older in folder.parent.glob(f"{name}-*"):
            shutil.rmtree(older)
        facts = write(folder)
        note.write_text(json.dumps(facts), encoding="utf-8")
    return folder, json.loads(note.read_text(encoding="utf-8"))


def _generator() -> str:
    """Short digest of the generator's sources: a changed generator makes its files anew."""
    sources = [_SOURCES / "generate.py", Path(__file__), *sorted((_SOURCES / "benchdata").glob("*.py"))]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    return digest.hexdigest()[:10]

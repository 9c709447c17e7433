"""Rejected rows back to their member: a file in its own inbox folder, under `returned`, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from huxin.nightly.report import findings_csv, rejected_rows, told_findings
from huxin.registry.submissions import Submission
from huxin.settings import Settings

FOLDER = "returned"


def return_rejected(settings: Settings, inbox: Path, items: Sequence[Submission]) -> list[Path]:
    """Writes `<inbox>/<member>/returned/<file>.findings.csv` for each submission with rejected rows, once.

    The file holds the member's own rows, so it goes nowhere but to the sender's own folder.
    """
    written = []
    for item in items:
        place = inbox / item.sender / FOLDER / f"{Path(item.file).name}.{item.id}.csv"
        if not item.rejected or place.exists() or not (inbox / item.sender).is_dir():
            continue
        rows = rejected_rows(settings, item, told_findings(settings, item))
        if rows.height:
            _write(place, findings_csv(rows))
            written.append(place)
    return written


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(mode=0o700, exist_ok=True)
    partial = place.with_name(place.name + ".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as target:
        target.write(text)
    partial.replace(place)

"""A member's file checked by itself: every check that the file alone decides, with nothing written anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO

import polars as pl

from huxin_checks.admission import Refusal, admit_file
from huxin_checks.contract import LOANS, Contract, load_contract
from huxin_checks.evaluate import run
from huxin_checks.finding import Finding
from huxin_checks.manifest import MODES, Manifest, ManifestFault, parse_manifest
from huxin_checks.read import FileRefused, open_rows
from huxin_checks.rows import RowChecks, judge
from huxin_checks.rules import joined, keys
from huxin_checks.sets import Said, judge_files, judge_sets
from huxin_checks.tally import Tally

_ROWS = 150_000  # of one batch: what is held of a file beside 40 bytes a row
_BLOCK = 1 << 20

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Asked:
    """What goes with a file. Without `manifest` it is a whole book of `today`, its totals held against nothing."""

    today: date
    sender: str | None = None  # None: whoever the manifest names
    manifest: bytes | None = None


@dataclass(frozen=True)
class Checked:
    """What would become of the file at the centre, as far as it decides by itself.

    `refusal` are the code, the reason and what is known of them when the whole file is refused; `findings` are masked,
    by record, code and field, and `cut` is how many more there were.
    """

    rows: int
    accepted: int
    rejected: int
    warned: int
    codes: dict[str, int]
    findings: list[Finding] = field(repr=False)
    refusal: dict[str, object] | None = None
    cut: int = 0


def check_file(source: BinaryIO, name: str, asked: Asked, progress: Progress = lambda rows: None) -> Checked:
    """Checks a file, read twice (its digest, its rows), in batches; `progress` is told how many rows were just read."""
    tally = Tally()
    try:
        manifest = parse_manifest(asked.manifest) if asked.manifest is not None else None
    except ManifestFault as fault:
        tally.refuse(Refusal("F0010", fault.reason))
        return _outcome(tally)
    if manifest is not None:
        refusal = admit_file(manifest, asked.sender or manifest.member, digest_of(source), asked.today)
        if refusal:
            tally.refuse(refusal)
            return _outcome(tally)
    as_of, mode = (manifest.as_of_date, manifest.mode) if manifest else (asked.today, "full")
    contract = load_contract(manifest.contract if manifest else LOANS)
    _rows(source, name, contract, tally, as_of, MODES[mode], progress)
    judge_files({0: _said(manifest, tally, as_of)}, {0: tally}, run)
    return _outcome(tally)


def at_the_centre(contract: Contract | None = None) -> list[str]:
    """The codes that hang on what the platform knows: wholly, or (F0005 to F0007) in part."""
    own = [check.code for check in (contract or load_contract()).checks if check.active and not check.edge]
    return sorted({*own, "F0005", "F0006", "F0007"})


def _rows(
    source: BinaryIO,
    name: str,
    contract: Contract,
    tally: Tally,
    as_of: date,
    mode: int,
    progress: Progress,
) -> None:
    checks, held = RowChecks.load(contract, run), []
    dressing = {
        "_sub": pl.lit(0, pl.UInt32),
        "_as_of": pl.lit(as_of, pl.Date),
        "_mode": pl.lit(mode, pl.UInt8),
    }
    try:
        with open_rows(source, name, contract, _ROWS) as rows:
            for raw in rows:
                judged = judge(raw.with_columns(**dressing), checks, {0: tally})
                held.append(keys(judged.parsed).with_columns(judged.parsed["_line"]))
                progress(raw.height)
    except FileRefused as refused:
        tally.refuse(Refusal(refused.code, refused.reason), **refused.facts)
    if held:
        judge_sets(joined(held), {0: tally}, run)


def _said(manifest: Manifest | None, tally: Tally, as_of: date) -> Said:
    if manifest is None:
        return Said(as_of, tally.rows, tally.sum_principal, tally.sum_balance)
    return Said(as_of, manifest.record_count, manifest.sum_principal, manifest.sum_balance)


def _outcome(tally: Tally) -> Checked:
    rejected = tally.rows if tally.refusal else int(tally.rejected_records().size)
    codes, refusal = dict(tally.codes), None
    if tally.refusal:
        codes[tally.refusal.code] = codes.get(tally.refusal.code, 0) + 1
        refusal = {"code": tally.refusal.code, "reason": tally.refusal.reason, **tally.refusal_facts}
    found = sorted(tally.findings, key=lambda each: (each.record, each.code, each.field))
    return Checked(
        tally.rows,
        tally.rows - rejected,
        rejected,
        tally.warned_count(),
        dict(sorted(codes.items())),
        found,
        refusal,
        tally.findings_cut,
    )


def digest_of(source: BinaryIO) -> str:
    """SHA-256 of a file, in hex, as manifests tell it."""
    digest = hashlib.sha256()
    source.seek(0)
    while block := source.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()

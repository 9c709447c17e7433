"""The validate step over a group of submissions: read, check, seal the good rows, quarantine the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

import polars as pl

from huxin import faults
from huxin.contract import LOANS, Contract, State, load_contract
from huxin.nightly import spool
from huxin.nightly.batching import Piece, gathered, joined, sizes, weight
from huxin.nightly.beside import errands
from huxin.nightly.gx.run import stored_of
from huxin.nightly.lanes import in_lanes
from huxin.nightly.spool import Spool
from huxin.nightly.timings import Timings
from huxin.nightly.validate.set_keys import set_keys
from huxin.nightly.validate.sink import Sinks
from huxin.registry.alone import alone
from huxin.registry.findings import note_quarantine, replace_findings
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, change, find_all
from huxin.settings import Settings
from huxin_checks.admission import Refusal
from huxin_checks.finding import Finding
from huxin_checks.read import FileRefused, open_rows, rows_at
from huxin_checks.rows import RowChecks, judge
from huxin_checks.rules import keys
from huxin_checks.sets import Said, judge_files, judge_sets, note_companions
from huxin_checks.tally import Records, Tally

Progress = Callable[[int], None]  # called with the count of rows that were just read


def validate_group(
    settings: Settings, ids: Sequence[UUID], timings: Timings | None = None, progress: Progress | None = None
) -> None:
    """Validates the received submissions among `ids`; those in a later state are left alone.

    Afterwards each is `validated` (good rows sealed in the spool) or `refused`; its findings are on record.
    """
    with alone(settings, ids):
        _validate(settings, ids, timings or Timings(), progress or (lambda rows: None))


def _validate(settings: Settings, ids: Sequence[UUID], timer: Timings, progress: Progress) -> None:
    with connection(settings) as database:
        todo = [item for item in find_all(database, ids) if item.state == State.RECEIVED]
    for name in dict.fromkeys(item.contract for item in todo):
        part = [item for item in todo if item.contract == name]
        _validate_by(settings, part, load_contract(name or LOANS), timer, progress)


def _validate_by(
    settings: Settings, todo: list[Submission], contract: Contract, timer: Timings, progress: Progress
) -> None:
    """Validates submissions of one contract together."""
    numbered = dict(enumerate(todo))
    tallies = {sub: Tally() for sub in numbered}
    vault = Spool(settings)
    with vault.trying((item.id for item in todo), keep=(spool.SOURCE,)):
        _first_pass(vault, numbered, tallies, contract, timer, progress)
        with timer.stage("files"):
            judge_files(
                {sub: _said(item) for sub, item in numbered.items()}, tallies, stored_of(contract.name)
            )
        with timer.stage("quarantine"):
            _second_pass(vault, numbered, tallies, contract)
        faults.reach("validate.quarantined")
    with timer.stage("record"):
        _record(settings, contract, numbered, tallies)
    faults.reach("validate.recorded")
    for sub, item in numbered.items():
        vault.forget(item.id, keep=(spool.SOURCE,) if tallies[sub].refusal else spool.AFTER_VALIDATION)


def examine(settings: Settings, vault: Spool, item: Submission) -> tuple[Submission, list[Finding]]:
    """A received submission as validation would leave it, with its findings; nothing is recorded.

    Totals that the manifest did not tell (`record_count` None) are taken from the rows.
    """
    contract = load_contract(item.contract or LOANS)
    tally = Tally()
    _first_pass(vault, {0: item}, {0: tally}, contract, Timings(), lambda rows: None)
    if item.record_count is None:
        sums = {"sum_principal": str(tally.sum_principal), "sum_balance": str(tally.sum_balance)}
        item = replace(item, record_count=tally.rows, facts=item.facts | sums)
    judge_files({0: _said(item)}, {0: tally}, stored_of(contract.name))
    return _outcome(item, tally, contract, settings), tally.findings


def _said(item: Submission) -> Said:
    assert item.as_of_date is not None
    sums = (int(item.facts[name]) for name in ("sum_principal", "sum_balance"))
    return Said(item.as_of_date, item.record_count or 0, *sums)


def _first_pass(
    vault: Spool,
    numbered: dict[int, Submission],
    tallies: dict[int, Tally],
    contract: Contract,
    timer: Timings,
    progress: Progress,
) -> None:
    """Streams every row once: row checks, good rows to the spool, keys of all rows kept for the set checks."""
    checks = RowChecks.load(contract, stored_of(contract.name))
    size = sizes(numbered.values())
    known = set_keys(vault, numbered)
    with known, Sinks(vault, numbered) as sinks, errands() as sealing:
        read = partial(_pieces, vault, numbered, tallies, contract, size.piece)
        pieces = timer.each("read", in_lanes(list(numbered), read, size.ahead, weight))
        for batch in gathered(pieces, size.batch):
            judged = judge(_dressed(joined(batch), numbered), checks, tallies, timer.stage)
            with timer.stage("keys"):
                known.add(keys(judged.parsed).with_columns(judged.parsed["_line"]))
            with timer.stage("spool"):
                sealing.follow(partial(sinks.write, judged))
            progress(judged.raw.height)
        with timer.stage("spool"):
            sealing.wait()
    faults.reach("validate.spooled")
    with timer.stage("sets"):
        for part in known.parts():
            judge_sets(part, tallies, stored_of(contract.name))
            note_companions(part, tallies)


def _pieces(
    vault: Spool,
    numbered: dict[int, Submission],
    tallies: dict[int, Tally],
    contract: Contract,
    rows_each: int,
    sub: int,
) -> Iterator[Piece]:
    """The RAW rows of one submission; a file that cannot be read ends them."""
    item = numbered[sub]
    try:
        with (
            vault.reader(item.id, spool.SOURCE) as source,
            open_rows(source, item.file, contract, rows_each) as rows,
        ):
            for raw in rows:
                yield sub, raw
    except FileRefused as refused:
        tallies[sub].refuse(Refusal(refused.code, str(refused.facts.get("reason", ""))), **refused.facts)


def _dressed(raw: pl.DataFrame, numbered: dict[int, Submission]) -> pl.DataFrame:
    """RAW rows with their submission's day and mode: the whole batch at once, not file by file."""
    items = numbered.values()
    days = pl.Series("_as_of", [item.as_of_date for item in items], dtype=pl.Date)
    modes = pl.Series("_mode", [item.mode for item in items], dtype=pl.UInt8)
    return raw.with_columns(days.gather(raw["_sub"]), modes.gather(raw["_sub"]))


def _second_pass(
    vault: Spool, numbered: dict[int, Submission], tallies: dict[int, Tally], contract: Contract
) -> None:
    """Seals the original rows that only the set checks reject, and their loans' others: unknown when they passed by."""
    held = [sub for sub, tally in tallies.items() if not tally.refusal and tally.held_back()[0].size]
    pick = partial(_pick, vault, numbered, tallies, contract)
    for _ in in_lanes(held, pick, 1, lambda none: 1):
        pass


def _pick(
    vault: Spool, numbered: dict[int, Submission], tallies: dict[int, Tally], contract: Contract, sub: int
) -> Iterator[None]:
    item, tally = numbered[sub], tallies[sub]
    raw = _picked(vault, item, contract, *tally.held_back())
    for stage, records in (spool.QUARANTINE_SET, tally.set_rejected), (spool.COMPANIONS, tally.companions):
        if records.size:
            vault.write_frame(item.id, stage, raw.filter(pl.col("_record").is_in(records)))
    if tally.set_rejected.size:
        vault.write_frame(item.id, spool.DROPPED, pl.DataFrame({"_record": tally.set_rejected}))
    yield


def _picked(
    vault: Spool, item: Submission, contract: Contract, records: Records, lines: Records
) -> pl.DataFrame:
    with vault.reader(item.id, spool.SOURCE) as source:
        return rows_at(source, item.file, contract, records, lines)


def _record(
    settings: Settings, contract: Contract, numbered: dict[int, Submission], tallies: dict[int, Tally]
) -> None:
    """Writes outcomes, findings and where the quarantine lies, in one transaction."""
    now = settings.now()
    outcomes = [_outcome(item, tallies[sub], contract, settings) for sub, item in numbered.items()]
    with connection(settings) as database:
        change(database, outcomes)
        replace_findings(
            database, ((item.member_id, item.id, tallies[sub].findings) for sub, item in numbered.items())
        )
        held = [
            (item.member_id, item.id, item.rejected, str(item.id))
            for item in outcomes
            if item.state == State.VALIDATED and item.rejected
        ]
        note_quarantine(database, held, now)


def _outcome(item: Submission, tally: Tally, contract: Contract, settings: Settings) -> Submission:
    """The submission with its counts; a refused one has accepted nothing."""
    rejected = tally.rows if tally.refusal else int(tally.rejected_records().size)
    facts = dict(item.facts)
    codes = dict(tally.codes)
    if tally.refusal:
        facts |= {"code": tally.refusal.code, "reason": tally.refusal.reason, **tally.refusal_facts}
        codes[tally.refusal.code] = codes.get(tally.refusal.code, 0) + 1
    if tally.unmatched:
        facts["unmatched"] = True
    if tally.findings_cut:
        facts["findings_cut"] = tally.findings_cut
    return replace(
        item,
        state=State.REFUSED if tally.refusal else State.VALIDATED,
        ruleset=f"{contract.ruleset}+{contract.digest[:12]}",
        rows=tally.rows,
        accepted=tally.rows - rejected,
        rejected=rejected,
        warned=tally.warned_count(),
        codes=codes,
        facts=facts,
        changed_at=settings.now(),
    )
